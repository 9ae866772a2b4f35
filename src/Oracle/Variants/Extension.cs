using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary>Where a position outside the input takes its value from.</summary>
internal static class Extension
{
    /// <summary>No element of the input: nothing (zeros) or the constant.</summary>
    public const int Outside = -1;

    /// <summary>For each tap k and output p of one axis (index <c>k*Output + p</c>) the input element that is read, or <see cref="Outside"/>.</summary>
    public static int[] Table(Axis a, PaddingMode mode)
    {
        var table = new int[a.Kernel * a.Output];
        for (int k = 0; k < a.Kernel; k++)
            for (int p = 0; p < a.Output; p++)
                table[(k * a.Output) + p] = Source(a, k, p, mode);
        return table;
    }

    /// <summary>The input element that tap k of output p reads, or <see cref="Outside"/>.</summary>
    public static int Source(Axis a, int k, int p, PaddingMode mode) => Source(((long)p * a.Stride) - a.Begin + ((long)k * a.Dilation), a.Input, mode);

    /// <summary>The element that position <paramref name="q"/> of an axis of <paramref name="size"/> elements stands for.</summary>
    public static int Source(long q, int size, PaddingMode mode)
    {
        if (q >= 0 && q < size) return (int)q;
        switch (mode)
        {
            case PaddingMode.Replicate:
                return q < 0 ? 0 : size - 1;
            case PaddingMode.Circular:
                return (int)Modulo(q, size);
            case PaddingMode.Symmetric:
                // ... c b a | a b c | c b a ...: period 2n, the second half runs backwards.
                long s = Modulo(q, 2L * size);
                return (int)(s < size ? s : (2L * size) - 1 - s);
            case PaddingMode.Reflect:
                // ... c b | a b c | b a ...: period 2n-2; a single element can only repeat itself.
                if (size == 1) return 0;
                long r = Modulo(q, 2L * (size - 1));
                return (int)(r < size ? r : (2L * (size - 1)) - r);
            default:
                return Outside;
        }
    }

    private static long Modulo(long a, long n)
    {
        long r = a % n;
        return r < 0 ? r + n : r;
    }
}
