using ConvNative.Backends.Common.Threads;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Lives;

/// <summary>The limit for all plans. Alone in the process, which it holds for.</summary>
[TestClass]
[DoNotParallelize]
public sealed class ConvThreadsTests
{
    [TestCleanup]
    public void Restore() => ConvThreads.Max = int.MaxValue;

    [TestMethod]
    public void TheLimitHoldsForEveryEngine()
    {
        Assert.AreEqual(Environment.ProcessorCount, ConvThreads.Max);
        ConvThreads.Max = 1;
        Assert.AreEqual(1, ConvThreads.Max);
        Assert.AreEqual(1, WorkerPool.Shared.MaxThreads);
        foreach (string engine in (string[])["managed", "onednn"])
        {
            if (!Backends.Engines.Find(engine)!.Status.Available) continue;
            foreach (string text in (string[])["mb1ic64ih28oc64kh3ph1", "--op=deform mb1ic64ih28oc64kh3ph1"])
                foreach (int threads in (int[])[0, 8])
                {
                    using ConvPlan plan = ConvPlan.Create(ConvProblem.Parse(text), PlanOptions.Default with { MaxThreads = threads }, engine);
                    Assert.AreEqual(1, plan.Threads, $"{engine}, MaxThreads = {threads}: {text}");
                }
        }
    }

    [TestMethod]
    public void LessThanOneIsRefused() => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ConvThreads.Max = 0);
}
