using ConvNative.Backends.Common.Memory;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Geometry;

/// <summary>
/// Destination indices <c>First + Step*j</c>, j below <see cref="Count"/>, that all read the same taps: source index
/// <c>j*SourceStep + Offset[t]</c>. A correlation has one phase an axis; its adjoint one per residue of the stride.
/// </summary>
internal sealed record Phase(int First, int Step, int Count, int[] Offset, int[] Weight);

/// <summary>One axis of a gather, cut into phases, and how its source indices lie in a packed panel.</summary>
internal sealed class PhaseAxis
{
    // What a phase and a tap take here, roughly.
    private const int PhaseBytes = 128;
    private const int TapBytes = 32;

    private readonly PaddingMode _mode;

    public PhaseAxis(AxisMap map, bool down, bool flip, PaddingMode mode)
    {
        _mode = mode;

        // One destination takes no step: a stride beyond the source would only make panels of nothing.
        SourceStep = down && map.Small > 1 ? checked((int)map.Stride) : 1;
        SourceSize = down ? map.Big : map.Small;
        MemoryBudget.Take(((down ? 1 : Math.Min(map.Stride, map.Big)) * (Int128)PhaseBytes) + ((Int128)map.Kernel * TapBytes));
        Phases = down ? [Down(map, flip)] : Up(map, flip);
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
                if (o < 0 || ((p.Count - 1L) * SourceStep) + o >= SourceSize) outside++;
            }

        Lowest = lowest;
        ReadsOutside = outside > 0;

        // Every source index has the same residue: the panel holds only those.
        Division = dense ? SourceStep : 1;
        Span = checked((highest - lowest) / Division) + 1;
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
    /// <exception cref="OverflowException">There are more than an int counts.</exception>
    public int PanelSize(int count) => checked(((count - 1) * PanelStep) + Span);

    /// <summary>Source index of panel entry <paramref name="entry"/> of a panel that begins at j, or <see cref="AxisMap.Outside"/>.</summary>
    public int Source(int j, int entry) => AxisMap.Map(((long)j * SourceStep) + Lowest + ((long)entry * Division), SourceSize, _mode);

    /// <summary>Source index of tap offset <paramref name="offset"/> at j, or <see cref="AxisMap.Outside"/>.</summary>
    public int SourceAt(int j, int offset) => AxisMap.Map(((long)j * SourceStep) + offset, SourceSize, _mode);

    private static Phase Down(AxisMap m, bool flip)
    {
        int[] offset = new int[m.Kernel], weight = new int[m.Kernel];
        for (int k = 0; k < m.Kernel; k++) (offset[k], weight[k]) = (checked((int)m.Place(0, k)), flip ? m.Kernel - 1 - k : k);
        return new Phase(0, 1, m.Small, offset, weight);
    }

    private static Phase[] Up(AxisMap m, bool flip)
    {
        int s = checked((int)m.Stride);
        var phases = new Phase[Math.Min(s, m.Big)];
        int[] taps = new int[phases.Length];
        for (int k = 0; k < m.Kernel; k++)
            if (Residue(k) is var r && r < taps.Length) taps[r]++;
        for (int first = 0; first < phases.Length; first++)
        {
            phases[first] = new Phase(first, s, ((m.Big - 1 - first) / s) + 1, taps[first] == 0 ? [] : new int[taps[first]], taps[first] == 0 ? [] : new int[taps[first]]);
            taps[first] = 0;
        }

        // Ascending offsets, so that taps which lie side by side in memory can become one.
        for (int k = m.Kernel - 1; k >= 0; k--)
        {
            int r = Residue(k);
            if (r >= taps.Length) continue;
            int n = taps[r]++;
            phases[r].Offset[n] = checked((int)((r - m.Place(0, k)) / s));
            phases[r].Weight[n] = flip ? m.Kernel - 1 - k : k;
        }

        return phases;

        // First destination whose distance from tap k is a multiple of the stride.
        int Residue(int k) => (int)(((m.Place(0, k) % s) + s) % s);
    }
}
