using ConvNative.Backends.Common.Threads;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Our own work on oneDNN's threads.</summary>
[TestClass]
public sealed class OpenMpTeamTests
{
    private const int Threads = 3;

    [TestMethod]
    public void EveryPartIsDoneOnceByOneOfTheSeats()
    {
        OpenMpTeam team = Team();
        foreach (int parts in (int[])[1, 2, 7, 1000])
        {
            var work = new Counting(parts);
            for (int run = 1; run <= 20; run++)
            {
                Inside(() => Assert.IsTrue(team.TryRun(work, parts, Threads)));
                CollectionAssert.AreEqual(Enumerable.Repeat(run, parts).ToArray(), work.Done);
            }
        }
    }

    [TestMethod]
    public void AFailureReachesTheCallerAndTheTeamGoesOn()
    {
        OpenMpTeam team = Team();
        Assert.AreEqual("part 5", Assert.ThrowsExactly<InvalidOperationException>(() => Inside(() => team.TryRun(new Failing(), 40, Threads))).Message);
        var work = new Counting(10);
        Inside(() => Assert.IsTrue(team.TryRun(work, 10, Threads)));
        CollectionAssert.AreEqual(Enumerable.Repeat(1, 10).ToArray(), work.Done);
    }

    [TestMethod]
    public void WorkWithinWorkOfTheSameThreadIsRefused()
    {
        OpenMpTeam team = Team();
        var work = new Nested(team);
        Inside(() => Assert.IsTrue(team.TryRun(work, 1, 1)));
        Assert.IsFalse(work.Inner);
    }

    [TestMethod]
    public void ItIsAwakeAfterOneDnnRanOnSeveralThreads()
    {
        OpenMpTeam team = Team();
        bool awake = false, before = true;

        // A thread of its own: nothing has run on it yet.
        var thread = new Thread(() =>
        {
            before = team.IsAwake;
            using ConvPlan plan = ConvPlan.Create(ConvProblem.Parse("mb1ic32ih28oc32kh3ph1"), PlanOptions.Default with { MaxThreads = 2 }, "onednn");
            var trial = new TrialRun(plan);
            for (int i = 0; i < 100 && !awake; i++)
                Inside(() =>
                {
                    trial.Run();
                    awake = team.IsAwake;
                });
        });
        thread.Start();
        thread.Join();
        Assert.IsFalse(before);
        Assert.IsTrue(awake);
    }

    [TestMethod]
    public void ManyCallersMakeNoThreadsOfTheirOwn()
    {
        _ = Team();
        if (!OperatingSystem.IsLinux()) Assert.Inconclusive("threads are counted in /proc");
        using ConvPlan plan = ConvPlan.Create(ConvProblem.Parse("mb1ic32ih28oc32kh3ph1"), PlanOptions.Default with { MaxThreads = 2 }, "onednn");
        Assert.AreEqual(2, plan.Threads);
        var trial = new TrialRun(plan);
        trial.Run();
        int most = 0;
        using var all = new Barrier(Crowd.Threads, _ => most = Directory.GetDirectories("/proc/self/task").Length);
        Crowd.Run(thread =>
        {
            byte[] x = new byte[plan.InputBytes], y = new byte[plan.OutputBytes];
            for (int i = 0; i < 5; i++) plan.Execute(new ConvArguments { Input = x, Result = y });
            all.SignalAndWait();
        });

        // A team each would be as many again, and stay until the callers end. The rest is the test runner's.
        int others = Directory.GetDirectories("/proc/self/task").Length;
        Assert.IsLessThan(others + Crowd.Threads + (Crowd.Threads / 4), most);
    }

    /// <summary>Where several OpenMP threads may be used.</summary>
    private static void Inside(Action act) => TeamGate.Run(new Hosted(act));

    private static OpenMpTeam Team()
    {
        OneDnnRun.Require();
        return OpenMpTeam.Instance ?? throw new AssertFailedException("oneDNN's runtime has no GOMP_parallel");
    }

    private sealed class Hosted(Action act) : IHosted
    {
        public void Invoke() => act();
    }

    private sealed class Counting(int parts) : IParallelWork
    {
        public int[] Done { get; } = new int[parts];

        public void DoParts(long from, long to, int worker)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(worker, Threads);
            for (long i = from; i < to; i++) Interlocked.Increment(ref Done[i]);
        }
    }

    private sealed class Failing : IParallelWork
    {
        public void DoParts(long from, long to, int worker)
        {
            if (from <= 5 && 5 < to) throw new InvalidOperationException("part 5");
        }
    }

    private sealed class Nested(OpenMpTeam team) : IParallelWork
    {
        public bool Inner { get; private set; } = true;

        public void DoParts(long from, long to, int worker) => Inner = team.TryRun(new Counting(2), 2, 2);
    }
}
