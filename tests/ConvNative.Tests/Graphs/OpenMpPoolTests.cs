using ConvNative.Backends;
using ConvNative.Backends.Common;
using ConvNative.Bindings.Loading;
using ConvNative.Cli.Checking;
using ConvNative.Graphs;
using ConvNative.Plans;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Graphs;

/// <summary>Our work on OpenMP's threads, and graphs whose nodes run on several engines.</summary>
[TestClass]
public sealed class OpenMpPoolTests
{
    [TestMethod]
    public void EveryPartIsDoneOnce()
    {
        RequireOpenMp();
        using var pool = new OpenMpPool();
        foreach (int parts in new[] { 0, 1, 2, 7, 1000 })
            foreach (int threads in new[] { 1, 2, 3 })
            {
                var work = new Counting(parts, pool);
                pool.Run(work, parts, threads);
                Assert.IsTrue(work.Times.All(t => t == 1), $"{parts} parts on {threads} threads");
                Assert.IsLessThan(Math.Max(1, Math.Min(threads, pool.MaxThreads)), work.MostWorker);
            }
    }

    [TestMethod]
    public void AFailureReachesTheCallerAndTheNextRunWorks()
    {
        RequireOpenMp();
        using var pool = new OpenMpPool();
        Assert.AreEqual("part 5", Assert.ThrowsExactly<InvalidOperationException>(() => pool.Run(new Counting(100, pool) { FailsAt = 5 }, 100, 2)).Message);
        var work = new Counting(100, pool);
        pool.Run(work, 100, 2);
        Assert.IsTrue(work.Times.All(t => t == 1));
    }

    [TestMethod]
    public void ABorrowedPoolIsTheCallingThreadsOnly()
    {
        RequireOpenMp();
        using var pool = new OpenMpPool();
        WorkerPool shared = WorkerPool.Shared, elsewhere = shared;
        WorkerPool.Borrowed = pool;
        try
        {
            Assert.AreSame(pool, WorkerPool.Shared);
            var other = new Thread(() => elsewhere = WorkerPool.Shared);
            other.Start();
            other.Join();
        }
        finally
        {
            WorkerPool.Borrowed = null;
        }

        Assert.AreSame(shared, elsewhere);
        Assert.AreSame(shared, WorkerPool.Shared);
    }

    [TestMethod]
    public void ATrialLeavesNoWeights()
    {
        RequireOpenMp();
        ConvGraph graph = BlockCatalog.Reduced("basic")!;
        using GraphPlan one = GraphPlan.Create(graph, new GraphOptions { Backend = "managed" }), other = GraphPlan.Create(graph, new GraphOptions { Backend = "onednn" });
        Assert.IsInRange(0, 1, GraphTuner.Time(graph, [one, other]));
        foreach (GraphPlan plan in new[] { one, other })
        {
            Assert.Contains("SetWeights must be called for conv, conv1", Assert.ThrowsExactly<InvalidOperationException>(() => GraphData.Create(graph, 1).Run(plan)).Message);
            Assert.ThrowsExactly<InvalidOperationException>(() => plan.PlanOf("conv").Run(new float[graph.Nodes[0].Shape.Product], new float[graph.Nodes[0].Shape.Product]));
        }
    }

    [TestMethod]
    [DataRow("shuffle")]
    [DataRow("bottleneck")]
    [DataRow("squeezenet")]
    public void AutoMeasuredIsRightAndRemembered(string block)
    {
        RequireOpenMp();
        ConvGraph graph = BlockCatalog.Reduced(block) ?? TrunkCatalog.Find(block)!.Reduced();
        GraphData data = GraphData.Create(graph, 1);
        var options = new GraphOptions { Plan = new PlanOptions { Tuning = Tuning.Measure, MaxThreads = 2 } };
        using GraphPlan first = GraphPlan.Create(graph, options), again = data.Plan(graph, options), reference = data.Plan(graph, new GraphOptions { Backend = "managed" });
        Assert.AreEqual(first.Options.Backend, again.Options.Backend);
        Assert.Contains("SetWeights must be called for", Assert.ThrowsExactly<InvalidOperationException>(() => data.Run(first)).Message);
        float[][] got = data.Run(again), want = data.Run(reference);
        for (int o = 0; o < want.Length; o++)
            for (int i = 0; i < want[o].Length; i++) Assert.AreEqual(want[o][i], got[o][i], 1e-3f * (1 + Math.Abs(want[o][i])), $"output {o}, element {i}");
    }

    private static void RequireOpenMp()
    {
        ConvBackend onednn = Backends.Engines.Find("onednn")!;
        if (!onednn.Status.Available) Engines.Skip("onednn", onednn.Status.Summary);
        if (!OpenMp.HasParallel) Engines.Skip("onednn", OpenMp.UnavailableReason ?? "the OpenMP runtime has no GOMP_parallel");
    }

    /// <summary>Counts how often each part is done; every part tries a run of its own inside.</summary>
    private sealed class Counting(int parts, WorkerPool pool) : IParallelWork
    {
        private int _most;

        public int[] Times { get; } = new int[parts];

        public int MostWorker => _most;

        public int FailsAt { get; init; } = -1;

        public void DoParts(long from, long to, int worker)
        {
            for (int seen = Volatile.Read(ref _most); worker > seen; seen = Volatile.Read(ref _most)) Interlocked.CompareExchange(ref _most, worker, seen);
            for (long p = from; p < to; p++)
            {
                if (p == FailsAt) throw new InvalidOperationException($"part {p}");
                Interlocked.Increment(ref Times[p]);
            }

            if (parts == 7) pool.Run(new Counting(3, pool), 3, 2);
        }
    }
}
