using ConvNative.Plans;

namespace ConvNative.Tests.Lives;

/// <summary>Who runs when: lanes are bounded and each has one run at a time, setters wait and are not starved, the last run out frees.</summary>
[TestClass]
public sealed class LaneGateTests
{
    [TestMethod]
    public void EachLaneHasOneRunAtATimeAndThereAreNoMoreThanMayBe()
    {
        var made = new List<Lane> { new() };
        var gate = new LaneGate<Lane>(made[0], "gate", Make, lane => lane.Freed++);
        Crowd.Run(thread =>
        {
            for (int i = 0; i < 200; i++)
            {
                int at = gate.Take();
                Lane lane = gate[at];
                if (Interlocked.Increment(ref lane.Inside) != 1) throw new AssertFailedException("two runs on a lane");
                Crowd.Jostle(thread, i);
                Interlocked.Decrement(ref lane.Inside);
                gate.Return(at);
            }
        });
        Assert.IsLessThanOrEqualTo(Environment.ProcessorCount, made.Count);
        gate.Dispose();
        gate.Dispose();
        Assert.IsTrue(made.TrueForAll(l => l.Freed == 1));

        Lane Make()
        {
            var lane = new Lane();
            lock (made) made.Add(lane);
            return lane;
        }
    }

    [TestMethod]
    public void WhoClosesIsAloneAndIsNotStarved()
    {
        var first = new Lane();
        var gate = new LaneGate<Lane>(first, "gate", () => new Lane(), lane => lane.Freed++);
        int running = 0, closed = 0, strange = 0;
        Crowd.Run(thread =>
        {
            for (int i = 0; i < 100; i++)
            {
                if (thread < 4)
                {
                    gate.Close(keepsLanes: (i & 1) == 0);
                    if (Interlocked.Increment(ref closed) != 1 || Volatile.Read(ref running) != 0) Interlocked.Increment(ref strange);
                    Crowd.Jostle(thread, i);
                    Interlocked.Decrement(ref closed);
                    gate.Open();
                    continue;
                }

                int at = gate.Take();
                Interlocked.Increment(ref running);
                if (Volatile.Read(ref closed) != 0 || gate[at].Freed != 0) Interlocked.Increment(ref strange);
                Crowd.Jostle(thread, i);
                Interlocked.Decrement(ref running);
                gate.Return(at);
            }
        });
        Assert.AreEqual(0, strange);
        Assert.AreEqual(0, first.Freed);
    }

    [TestMethod]
    public void TheLastRunOutFrees()
    {
        var first = new Lane();
        var gate = new LaneGate<Lane>(first, "gate", () => null, lane => lane.Freed++);
        int at = gate.Take();
        using var waits = new ManualResetEventSlim();
        string? refused = null;
        var waiter = new Thread(() =>
        {
            waits.Set();
            refused = Assert.ThrowsExactly<ObjectDisposedException>(() => gate.Take()).ObjectName;
        });
        waiter.Start();
        waits.Wait();
        Thread.Sleep(20);
        gate.Dispose();
        waiter.Join();
        Assert.AreEqual("gate", refused);
        Assert.AreEqual(0, first.Freed, "a run is in progress");
        Assert.ThrowsExactly<ObjectDisposedException>(() => gate.Take());
        Assert.ThrowsExactly<ObjectDisposedException>(() => gate.Close());
        gate.Return(at);
        Assert.AreEqual(1, first.Freed);
    }

    [TestMethod]
    public void DisposedWhileItIsClosedItFreesWhenItIsOpened()
    {
        var first = new Lane();
        var gate = new LaneGate<Lane>(first, "gate", () => null, lane => lane.Freed++);
        gate.Close();
        gate.Dispose();
        Assert.AreEqual(0, first.Freed);
        gate.Open();
        Assert.AreEqual(1, first.Freed);
    }

    [TestMethod]
    public void WhereALaneCannotBeMadeRunsTakeTurns()
    {
        int tries = 0;
        var gate = new LaneGate<Lane>(new Lane(), "gate", () => Interlocked.Increment(ref tries) > 0 ? throw new InsufficientMemoryException() : null, _ => { });
        int inside = 0;
        Crowd.Run(
            thread =>
            {
                for (int i = 0; i < 50; i++)
                {
                    int at = gate.Take();
                    Assert.AreEqual(0, at);
                    if (Interlocked.Increment(ref inside) != 1) throw new AssertFailedException("two runs on a lane");
                    Crowd.Jostle(thread, i);
                    Interlocked.Decrement(ref inside);
                    gate.Return(at);
                }
            },
            8);
        if (Environment.ProcessorCount > 1) Assert.IsGreaterThan(0, tries);
    }

    [TestMethod]
    public void TakingAndReturningAllocateNothing()
    {
        var gate = new LaneGate<Lane>(new Lane(), "gate", () => new Lane(), _ => { });
        for (int i = 0; i < 2; i++) gate.Return(gate.Take());
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            gate.Return(gate.Take());
            gate.Close();
            gate.Open();
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private sealed class Lane
    {
        public int Inside;

        public int Freed { get; set; }
    }
}
