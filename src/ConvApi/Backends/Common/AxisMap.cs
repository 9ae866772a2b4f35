using ConvNative.Problems;

namespace ConvNative.Backends.Common;

/// <summary>
/// One spatial axis of a correlation: where tap <c>k</c> of small index <c>p</c> reads the big side. "Big" is the side that the
/// correlation reads (its input; a transposed convolution's output), "small" the side that it writes.
/// </summary>
internal sealed class AxisMap
{
    public const int Outside = -1;

    public AxisMap(int big, int small, int kernel, long stride, long dilation, long padBegin, PaddingMode mode)
    {
        (Big, Small, Kernel) = (big, small, kernel);
        (Stride, Dilation, PadBegin) = (stride, dilation, padBegin);
        Source = new int[checked(small * kernel)];
        for (int p = 0; p < small; p++)
            for (int k = 0; k < kernel; k++)
                Source[(p * kernel) + k] = Map((p * stride) - padBegin + (k * dilation), big, mode);
    }

    public int Big { get; }

    public int Small { get; }

    public int Kernel { get; }

    public long Stride { get; }

    public long Dilation { get; }

    public long PadBegin { get; }

    /// <summary>Big index of (p, k) at <c>p*Kernel + k</c>, or <see cref="Outside"/>.</summary>
    public int[] Source { get; }

    /// <summary>True when every tap of every output is inside.</summary>
    public bool IsInside => !Array.Exists(Source, s => s == Outside);

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
}

/// <summary>
/// Per destination index of one axis, the (source index, weight index) pairs that it sums: a gather, so that no two threads ever
/// write the same element, in an order that no thread count changes.
/// </summary>
internal sealed class TapList
{
    private TapList(int[] start, int[] source, int[] weight) => (Start, Source, Weight) = (start, source, weight);

    /// <summary>First pair of each destination index, and the end of the last one.</summary>
    public int[] Start { get; }

    /// <summary>Source indices; <see cref="AxisMap.Outside"/> only where outside counts (constant padding).</summary>
    public int[] Source { get; }

    /// <summary>Indices into the kernel as the caller stores it.</summary>
    public int[] Weight { get; }

    /// <summary>Destination is the small side: the correlation itself.</summary>
    public static TapList Down(AxisMap m, bool flip, bool keepOutside)
    {
        var start = new int[m.Small + 1];
        List<int> source = [], weight = [];
        for (int p = 0; p < m.Small; p++)
        {
            for (int k = 0; k < m.Kernel; k++)
            {
                int q = m.Source[(p * m.Kernel) + k];
                if (q == AxisMap.Outside && !keepOutside) continue;
                source.Add(q);
                weight.Add(flip ? m.Kernel - 1 - k : k);
            }

            start[p + 1] = source.Count;
        }

        return new TapList(start, [.. source], [.. weight]);
    }

    /// <summary>Destination is the big side: the adjoint. Padding modes that repeat elements give one more than one source per tap.</summary>
    public static TapList Up(AxisMap m, bool flip)
    {
        var start = new int[m.Big + 1];
        foreach (int q in m.Source)
            if (q != AxisMap.Outside) start[q + 1]++;
        for (int q = 0; q < m.Big; q++) start[q + 1] += start[q];
        int[] next = start.AsSpan(0, m.Big).ToArray(), source = new int[start[^1]], weight = new int[start[^1]];
        for (int p = 0; p < m.Small; p++)
            for (int k = 0; k < m.Kernel; k++)
            {
                int q = m.Source[(p * m.Kernel) + k];
                if (q == AxisMap.Outside) continue;
                source[next[q]] = p;
                weight[next[q]++] = flip ? m.Kernel - 1 - k : k;
            }

        return new TapList(start, source, weight);
    }
}
