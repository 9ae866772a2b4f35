using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ConvNative.Cli.Benchmarks;

/// <summary>
/// What the machine's multiply-add units can do, measured: chains of independent fused multiply-adds in registers, so that nothing
/// but the units limits them. The best of several short runs counts, because other processes can only make it slower.
/// </summary>
public static class FmaPeak
{
    // Two units of latency four need eight chains; twelve leave room, and fit sixteen registers.
    private const int Chains = 12;
    private const int Iterations = 100_000;
    private static float s_sink;

    /// <summary>f32 GFLOP/s (two a multiply-add) of <paramref name="threads"/> threads at once, for the widest vectors that gain.</summary>
    public static double Measure(int threads, double milliseconds = 60)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        double best = 0;
        if (Vector512.IsHardwareAccelerated) best = Math.Max(best, Best(threads, milliseconds, Kernel512, 16));
        if (Vector256.IsHardwareAccelerated) best = Math.Max(best, Best(threads, milliseconds, Kernel256, 8));
        return best > 0 ? best : Best(threads, milliseconds, Kernel128, 4);
    }

    private static double Best(int threads, double milliseconds, Func<float> kernel, int lanes)
    {
        double flops = 2.0 * Chains * lanes * Iterations;
        s_sink += kernel();
        double best = 0;
        var rates = new double[threads];
        using var barrier = new Barrier(threads);
        void Work(int t)
        {
            long begin = Stopwatch.GetTimestamp();
            float sum = 0;
            double mine = 0;
            do
            {
                barrier.SignalAndWait();
                long t0 = Stopwatch.GetTimestamp();
                sum += kernel();
                rates[t] = flops / Stopwatch.GetElapsedTime(t0).TotalSeconds * 1e-9;
                barrier.SignalAndWait();
                if (t == 0)
                {
                    double all = 0;
                    foreach (double r in rates) all += r;
                    mine = Math.Max(mine, all);
                    Volatile.Write(ref best, Stopwatch.GetElapsedTime(begin).TotalMilliseconds < milliseconds ? -mine : mine);
                }

                barrier.SignalAndWait();
            }
            while (Volatile.Read(ref best) < 0);
            s_sink += sum;
        }

        var others = new Thread[threads - 1];
        for (int i = 0; i < others.Length; i++)
        {
            int t = i + 1;
            others[i] = new Thread(() => Work(t)) { IsBackground = true };
            others[i].Start();
        }

        Work(0);
        foreach (Thread t in others) t.Join();
        return best;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float Kernel512()
    {
        Vector512<float> a = Vector512.Create(0.5f), b = Vector512.Create(0.75f);
        Vector512<float> c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b;
        for (int i = 0; i < Iterations; i++)
        {
            c0 = Vector512.FusedMultiplyAdd(c0, a, b);
            c1 = Vector512.FusedMultiplyAdd(c1, a, b);
            c2 = Vector512.FusedMultiplyAdd(c2, a, b);
            c3 = Vector512.FusedMultiplyAdd(c3, a, b);
            c4 = Vector512.FusedMultiplyAdd(c4, a, b);
            c5 = Vector512.FusedMultiplyAdd(c5, a, b);
            c6 = Vector512.FusedMultiplyAdd(c6, a, b);
            c7 = Vector512.FusedMultiplyAdd(c7, a, b);
            c8 = Vector512.FusedMultiplyAdd(c8, a, b);
            c9 = Vector512.FusedMultiplyAdd(c9, a, b);
            c10 = Vector512.FusedMultiplyAdd(c10, a, b);
            c11 = Vector512.FusedMultiplyAdd(c11, a, b);
        }

        return Vector512.Sum(c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float Kernel256()
    {
        Vector256<float> a = Vector256.Create(0.5f), b = Vector256.Create(0.75f);
        Vector256<float> c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b;
        for (int i = 0; i < Iterations; i++)
        {
            c0 = Vector256.FusedMultiplyAdd(c0, a, b);
            c1 = Vector256.FusedMultiplyAdd(c1, a, b);
            c2 = Vector256.FusedMultiplyAdd(c2, a, b);
            c3 = Vector256.FusedMultiplyAdd(c3, a, b);
            c4 = Vector256.FusedMultiplyAdd(c4, a, b);
            c5 = Vector256.FusedMultiplyAdd(c5, a, b);
            c6 = Vector256.FusedMultiplyAdd(c6, a, b);
            c7 = Vector256.FusedMultiplyAdd(c7, a, b);
            c8 = Vector256.FusedMultiplyAdd(c8, a, b);
            c9 = Vector256.FusedMultiplyAdd(c9, a, b);
            c10 = Vector256.FusedMultiplyAdd(c10, a, b);
            c11 = Vector256.FusedMultiplyAdd(c11, a, b);
        }

        return Vector256.Sum(c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float Kernel128()
    {
        Vector128<float> a = Vector128.Create(0.5f), b = Vector128.Create(0.75f);
        Vector128<float> c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b;
        for (int i = 0; i < Iterations; i++)
        {
            c0 = Vector128.FusedMultiplyAdd(c0, a, b);
            c1 = Vector128.FusedMultiplyAdd(c1, a, b);
            c2 = Vector128.FusedMultiplyAdd(c2, a, b);
            c3 = Vector128.FusedMultiplyAdd(c3, a, b);
            c4 = Vector128.FusedMultiplyAdd(c4, a, b);
            c5 = Vector128.FusedMultiplyAdd(c5, a, b);
            c6 = Vector128.FusedMultiplyAdd(c6, a, b);
            c7 = Vector128.FusedMultiplyAdd(c7, a, b);
            c8 = Vector128.FusedMultiplyAdd(c8, a, b);
            c9 = Vector128.FusedMultiplyAdd(c9, a, b);
            c10 = Vector128.FusedMultiplyAdd(c10, a, b);
            c11 = Vector128.FusedMultiplyAdd(c11, a, b);
        }

        return Vector128.Sum(c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11);
    }
}
