using ConvNative.Problems;

namespace ConvNative.Backends.Common.Geometry;

/// <summary>
/// One spatial axis of a correlation: where tap <c>k</c> of small index <c>p</c> reads the big side. "Big" is the side that the
/// correlation reads (its input; a transposed convolution's output), "small" the side that it writes.
/// </summary>
internal sealed class AxisMap(int big, int small, int kernel, long stride, long dilation, long padBegin, PaddingMode mode)
{
    public const int Outside = -1;

    public int Big { get; } = big;

    public int Small { get; } = small;

    public int Kernel { get; } = kernel;

    public long Stride { get; } = stride;

    public long Dilation { get; } = dilation;

    public long PadBegin { get; } = padBegin;

    public PaddingMode Mode { get; } = mode;

    /// <summary>Every number of the axis fits 29 bits: places and steps are safe to count with 32.</summary>
    public bool IsNarrow => Array.TrueForAll(
        (long[])[Big, Stride, Dilation, PadBegin, ((Small - 1) * Stride) + ((Kernel - 1) * Dilation)], v => v < 1L << 29);

    /// <summary>Place of tap k of small index p on the big side, inside or not.</summary>
    public long Place(int p, int k) => (p * Stride) - PadBegin + (k * Dilation);

    /// <summary>Big index of (p, k), or <see cref="Outside"/>.</summary>
    public int At(int p, int k) => Map(Place(p, k), Big, Mode);

    /// <summary>The small indices whose tap <paramref name="k"/> lies within the big side, from and end; padding is left out whatever it shows.</summary>
    public (int From, int To) Readers(int k)
    {
        long start = (k * Dilation) - PadBegin;
        int from = (int)Math.Clamp(CeilDiv(-start, Stride), 0, Small);
        return (from, (int)Math.Clamp(CeilDiv(Big - start, Stride), from, Small));
    }

    /// <summary>The taps with which small index <paramref name="p"/> reads the big side, from and end; padding is left out whatever it shows.</summary>
    public (int From, int To) Taps(int p)
    {
        long start = (p * Stride) - PadBegin;
        int from = (int)Math.Clamp(CeilDiv(-start, Dilation), 0, Kernel);
        return (from, (int)Math.Clamp(CeilDiv(Big - start, Dilation), from, Kernel));
    }

    /// <summary>The element that index <paramref name="q"/> of the padded axis shows, or <see cref="Outside"/>.</summary>
    public static int Map(long q, int size, PaddingMode mode)
    {
        if (q >= 0 && q < size) return (int)q;
        switch (mode)
        {
            case PaddingMode.Replicate:
                return q < 0 ? 0 : size - 1;
            case PaddingMode.Circular:
                return (int)Mod(q, size);
            case PaddingMode.Symmetric:
                long s = Mod(q, 2L * size);
                return (int)(s < size ? s : (2L * size) - 1 - s);
            case PaddingMode.Reflect:
                if (size == 1) return 0;
                long r = Mod(q, 2L * (size - 1));
                return (int)(r < size ? r : (2L * (size - 1)) - r);
            default:
                return Outside;
        }
    }

    private static long Mod(long a, long m)
    {
        long r = a % m;
        return r < 0 ? r + m : r;
    }

    private static long CeilDiv(long a, long b) => -ConvGeometry.FloorDiv(-a, b);
}
