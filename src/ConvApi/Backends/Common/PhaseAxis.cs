using ConvNative.Problems;

namespace ConvNative.Backends.Common;

/// <summary>
/// Destination indices <c>First + Step*j</c>, j below <see cref="Count"/>, that all read the same taps: source index
/// <c>j*SourceStep + Offset[t]</c>. A correlation has one phase an axis; its adjoint one per residue of the stride.
/// </summary>
internal sealed record Phase(int First, int Step, int Count, int[] Offset, int[] Weight);

/// <summary>One axis of a gather, cut into phases, and how its source indices lie in a packed panel.</summary>
internal sealed class PhaseAxis
{
    private readonly AxisMap _map;
    private readonly PaddingMode _mode;

    public PhaseAxis(AxisMap map, bool down, bool flip, PaddingMode mode)
    {
        _map = map;
        _mode = mode;
        SourceStep = down ? checked((int)map.Stride) : 1;
        SourceSize = down ? map.Big : map.Small;
        Phases = [.. (down ? Down(map, flip) : Up(map, flip)).Select(Sorted)];
        bool any = false;
        int lowest = 0, highest = 0, outside = 0, residue = 0;
        bool dense = true;
        foreach (Phase p in Phases)
            foreach (int o in p.Offset)
            {
                (lowest, highest) = any ? (Math.Min(lowest, o), Math.Max(highest, o)) : (o, o);
                int r = ((o % SourceStep) + SourceStep) % SourceStep;
                dense &= !any || r == residue;
                (residue, any) = (r, true);
                if (o < 0 || ((p.Count - 1) * SourceStep) + o >= SourceSize) outside++;
            }

        Lowest = lowest;
        ReadsOutside = outside > 0;

        // Every source index has the same residue: the panel holds only those.
        Division = dense ? SourceStep : 1;
        Span = ((highest - lowest) / Division) + 1;
        PanelStep = SourceStep / Division;
        Count = Phases.Length == 0 ? 0 : Phases.Max(p => p.Count);
        Offsets = [.. Phases.SelectMany(p => p.Offset).Distinct().Order()];
    }

    public Phase[] Phases { get; }

    /// <summary>Source indices from one j to the next.</summary>
    public int SourceStep { get; }

    public int SourceSize { get; }

    /// <summary>Least tap offset.</summary>
    public int Lowest { get; }

    /// <summary>Panel entries that the taps of one j span.</summary>
    public int Span { get; }

    /// <summary>Source indices from one panel entry to the next.</summary>
    public int Division { get; }

    /// <summary>Panel entries from one j to the next.</summary>
    public int PanelStep { get; }

    /// <summary>The longest phase.</summary>
    public int Count { get; }

    /// <summary>All different tap offsets.</summary>
    public int[] Offsets { get; }

    /// <summary>True when some tap of some destination lies outside the source.</summary>
    public bool ReadsOutside { get; }

    /// <summary>Panel entries for <paramref name="count"/> consecutive j.</summary>
    public int PanelSize(int count) => ((count - 1) * PanelStep) + Span;

    /// <summary>Source index of panel entry <paramref name="entry"/> of a panel that begins at j, or <see cref="AxisMap.Outside"/>.</summary>
    public int Source(int j, int entry) => AxisMap.Map(((long)j * SourceStep) + Lowest + ((long)entry * Division), SourceSize, _mode);

    /// <summary>Source index of tap offset <paramref name="offset"/> at j, or <see cref="AxisMap.Outside"/>.</summary>
    public int SourceAt(int j, int offset) => AxisMap.Map(((long)j * SourceStep) + offset, SourceSize, _mode);

    private static IEnumerable<Phase> Down(AxisMap m, bool flip)
    {
        int[] taps = [.. Enumerable.Range(0, m.Kernel)];
        yield return new Phase(0, 1, m.Small, [.. taps.Select(k => checked((int)((k * m.Dilation) - m.PadBegin)))], [.. taps.Select(k => flip ? m.Kernel - 1 - k : k)]);
    }

    private static IEnumerable<Phase> Up(AxisMap m, bool flip)
    {
        int s = checked((int)m.Stride);
        for (int first = 0; first < Math.Min(s, m.Big); first++)
        {
            List<int> offset = [], weight = [];
            for (int k = 0; k < m.Kernel; k++)
            {
                long t = first + m.PadBegin - (k * m.Dilation);
                if (t % s != 0) continue;
                offset.Add(checked((int)(t / s)));
                weight.Add(flip ? m.Kernel - 1 - k : k);
            }

            yield return new Phase(first, s, ((m.Big - 1 - first) / s) + 1, [.. offset], [.. weight]);
        }
    }

    /// <summary>Ascending offsets, so that taps which lie side by side in memory can become one.</summary>
    private static Phase Sorted(Phase p)
    {
        int[] order = [.. Enumerable.Range(0, p.Offset.Length).OrderBy(i => p.Offset[i])];
        return p with { Offset = [.. order.Select(i => p.Offset[i])], Weight = [.. order.Select(i => p.Weight[i])] };
    }
}
