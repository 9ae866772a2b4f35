using ConvNative.Backends.Common.Threads;

namespace ConvNative.Tests;

/// <summary>Parts are done once each, by workers that a run has room for, and parallel callers share the processors.</summary>
[TestClass]
public class WorkerPoolTests
{
    /// <summary>More threads than processors here: helpers lose the processor anywhere, also between two runs of different width.</summary>
    [TestMethod]
    public void EveryPartIsDoneOnceByAWorkerOfTheRun()
    {
        var pool = new WorkerPool(12);
        var done = new int[300];
        int[] widths = [12, 2, 5, 3];
        int threads = 0, strange = 0;
        var busy = new int[12];
        var work = new Work((from, to, worker) =>
        {
            if (worker >= threads || Interlocked.Increment(ref busy[worker]) != 1) Interlocked.Increment(ref strange);
            for (long i = from; i < to; i++) Interlocked.Increment(ref done[i]);
            Thread.SpinWait(20);
            Interlocked.Decrement(ref busy[worker]);
        });
        for (int run = 0; run < 6000; run++)
        {
            threads = widths[run % 4];
            pool.Run(work, done.Length, threads);
        }

        Assert.AreEqual(0, strange, "workers beyond the run's threads, or one number twice at the same time");
        Assert.IsTrue(done.All(d => d == 6000), string.Join(' ', done.Where(d => d != 6000).Take(5)));
    }

    [TestMethod]
    public void ARunBesideAnotherLeavesItItsProcessor()
    {
        var pool = new WorkerPool(2);
        using ManualResetEventSlim owns = new(), goOn = new(), alone = new(), end = new();
        var first = Task.Factory.StartNew(() => pool.Run(new Work((from, to, worker) => { owns.Set(); goOn.Wait(); }), 2, 2), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        owns.Wait();
        var second = Task.Factory.StartNew(() => pool.Run(new Work((from, to, worker) => { alone.Set(); end.Wait(); }), 2, 2), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        alone.Wait();
        goOn.Set();
        first.Wait();

        // Two processors, one caller at work: nothing is left for a helper, though the pool is free.
        int workers = 0;
        using ManualResetEventSlim another = new();
        pool.Run(
            new Work((from, to, worker) =>
            {
                if (worker > 0) another.Set();
                Interlocked.Or(ref workers, 1 << worker);
                another.Wait(100);
            }),
            2,
            2);
        Assert.AreEqual(1, workers);
        end.Set();
        second.Wait();

        pool.Run(
            new Work((from, to, worker) =>
            {
                if (worker > 0) another.Set();
                Interlocked.Or(ref workers, 1 << worker);
                another.Wait(10_000);
            }),
            2,
            2);
        Assert.AreEqual(3, workers, "nobody is beside it any more");
    }

    [TestMethod]
    public void ARunWithinAPartWorksAlone()
    {
        var pool = new WorkerPool(3);
        for (int run = 0; run < 200; run++)
        {
            int outer = 0, inner = 0, strange = 0;
            pool.Run(
                new Work((from, to, worker) =>
                {
                    pool.Run(
                        new Work((a, b, seat) =>
                        {
                            if (seat != 0) Interlocked.Increment(ref strange);
                            Interlocked.Add(ref inner, (int)(b - a));
                        }),
                        10,
                        3);
                    Interlocked.Add(ref outer, (int)(to - from));
                }),
                100,
                3);
            Assert.AreEqual(0, strange);
            Assert.AreEqual(100, outer, "parts of the outer run were lost or done twice");
            Assert.AreEqual(0, inner % 10);
        }
    }

    [TestMethod]
    public void ThreadsThatAreLentAreNotUsed()
    {
        var pool = new WorkerPool(3);
        int workers = 0;
        pool.Lend();
        pool.Run(new Work((from, to, worker) => Interlocked.Or(ref workers, 1 << worker)), 100, 3);
        pool.TakeBack();
        Assert.AreEqual(1, workers);
    }

    [TestMethod]
    public void AFailureReachesTheCaller()
    {
        var pool = new WorkerPool(3);
        for (int i = 0; i < 50; i++)
            Assert.ThrowsExactly<InvalidOperationException>(() => pool.Run(new Work((from, to, worker) => throw new InvalidOperationException("part")), 40, 3));
        int parts = 0;
        pool.Run(new Work((from, to, worker) => Interlocked.Add(ref parts, (int)(to - from))), 40, 3);
        Assert.AreEqual(40, parts);
    }

    private sealed class Work(Action<long, long, int> parts) : IParallelWork
    {
        public void DoParts(long from, long to, int worker) => parts(from, to, worker);
    }
}
