using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Backends.Managed.Rearrange;

/// <summary>Short copies, inlined: rows are often too short for the cost of a call into the runtime.</summary>
internal static unsafe class Copy
{
    /// <summary>Copies <paramref name="count"/> elements that do not overlap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<T>(T* from, T* to, int count)
        where T : unmanaged
    {
        int i = 0, l = Vector512<T>.Count;
        if (Vector512.IsHardwareAccelerated && count >= l)
        {
            for (; i + l <= count; i += l) Vector512.Store(Vector512.Load(from + i), to + i);
            if (i < count) Vector512.Store(Vector512.Load(from + count - l), to + count - l);
            return;
        }

        l = Vector256<T>.Count;
        if (Vector256.IsHardwareAccelerated && count >= l)
        {
            for (; i + l <= count; i += l) Vector256.Store(Vector256.Load(from + i), to + i);
            if (i < count) Vector256.Store(Vector256.Load(from + count - l), to + count - l);
            return;
        }

        l = Vector128<T>.Count;
        if (Vector128.IsHardwareAccelerated && count >= l)
        {
            for (; i + l <= count; i += l) Vector128.Store(Vector128.Load(from + i), to + i);
            if (i < count) Vector128.Store(Vector128.Load(from + count - l), to + count - l);
            return;
        }

        for (; i < count; i++) to[i] = from[i];
    }

    /// <summary>Copies <paramref name="count"/> runs of <paramref name="length"/> elements that lie steps apart; runs of a cache line without a question for each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Runs<T>(T* from, long fromStep, T* to, long toStep, int count, int length)
        where T : unmanaged
    {
        if (Vector512.IsHardwareAccelerated && length == Vector512<T>.Count)
            for (; count > 0; count--, from += fromStep, to += toStep) Vector512.Load(from).Store(to);
        else if (Vector256.IsHardwareAccelerated && length == 2 * Vector256<T>.Count)
            for (; count > 0; count--, from += fromStep, to += toStep)
            {
                Vector256<T> low = Vector256.Load(from), high = Vector256.Load(from + Vector256<T>.Count);
                low.Store(to);
                high.Store(to + Vector256<T>.Count);
            }
        else
            for (; count > 0; count--, from += fromStep, to += toStep) Run(from, to, length);
    }

    /// <summary>Copies every <paramref name="step"/>-th element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Strided<T>(T* from, int step, T* to, int count)
        where T : unmanaged
    {
        if (step == 1)
        {
            Run(from, to, count);
            return;
        }

        int i = 0;
        if (typeof(T) == typeof(float) && step == 2 && Avx2.IsSupported)
        {
            // Reads one element past the last that is used, which only exists while another one follows.
            for (; i + 8 < count; i += 8)
            {
                var p = (float*)from + (2 * i);
                Vector256<float> even = Avx.Shuffle(Vector256.Load(p), Vector256.Load(p + 8), 0x88);
                Avx2.Permute4x64(even.AsDouble(), 0xD8).AsSingle().Store((float*)to + i);
            }
        }

        for (; i < count; i++) to[i] = from[(long)i * step];
    }

    /// <summary>Copies elements 0, 2, 4, ... to <paramref name="even"/> and 1, 3, 5, ... to <paramref name="odd"/>, <paramref name="count"/> of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Split<T>(T* from, T* even, T* odd, int count)
        where T : unmanaged
    {
        int i = 0;
        if (typeof(T) == typeof(float))
        {
            if (Avx512F.IsSupported)
            {
                Vector512<int> evens = (Vector512<int>.Indices << 1) & Vector512.Create(31), odds = evens | Vector512<int>.One;
                for (; i + 16 <= count; i += 16)
                {
                    Vector512<float> a = Vector512.Load((float*)from + (2 * i)), b = Vector512.Load((float*)from + (2 * i) + 16);
                    Avx512F.PermuteVar16x32x2(a, evens, b).Store((float*)even + i);
                    Avx512F.PermuteVar16x32x2(a, odds, b).Store((float*)odd + i);
                }
            }

            if (Avx2.IsSupported)
                for (; i + 8 <= count; i += 8)
                {
                    Vector256<float> a = Vector256.Load((float*)from + (2 * i)), b = Vector256.Load((float*)from + (2 * i) + 8);
                    Avx2.Permute4x64(Avx.Shuffle(a, b, 0x88).AsDouble(), 0xD8).AsSingle().Store((float*)even + i);
                    Avx2.Permute4x64(Avx.Shuffle(a, b, 0xDD).AsDouble(), 0xD8).AsSingle().Store((float*)odd + i);
                }
        }

        for (; i < count; i++) (even[i], odd[i]) = (from[2L * i], from[(2L * i) + 1]);
    }
}
