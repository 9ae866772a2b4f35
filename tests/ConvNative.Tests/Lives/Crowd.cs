using System.Collections.Concurrent;

namespace ConvNative.Tests;

/// <summary>Many threads that do the same at once.</summary>
internal static class Crowd
{
    public const int Threads = 64;

    /// <summary>Each of the threads calls <paramref name="act"/> with its number; what any of them throws fails the test.</summary>
    public static void Run(Action<int> act, int threads = Threads)
    {
        var failures = new ConcurrentQueue<Exception>();
        using var go = new ManualResetEventSlim();
        var crowd = new Thread[threads];
        for (int t = 0; t < threads; t++)
        {
            int own = t;
            crowd[t] = new Thread(
                () =>
                {
                    go.Wait();
                    try
                    {
                        act(own);
                    }
#pragma warning disable CA1031 // It belongs to the test, not to the process.
                    catch (Exception e)
#pragma warning restore CA1031
                    {
                        failures.Enqueue(e);
                    }
                },
                512 * 1024);
            crowd[t].Start();
        }

        go.Set();
        foreach (Thread thread in crowd)
            if (!thread.Join(TimeSpan.FromMinutes(3))) Assert.Fail($"a thread waits for ever; before that: {failures.FirstOrDefault()}");
        if (!failures.IsEmpty) Assert.Fail($"{failures.Count} of {threads} threads failed, the first with {failures.First()}");
    }

    /// <summary>Lets another thread have the processor, at places that differ from thread to thread.</summary>
    public static void Jostle(int thread, int turn)
    {
        int n = (thread * 31) + (turn * 17);
        if (n % 3 == 0) Thread.Yield();
        else if (n % 7 == 0) Thread.Sleep(0);
        else Thread.SpinWait(n % 50);
    }
}
