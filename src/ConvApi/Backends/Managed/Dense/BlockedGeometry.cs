using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>
/// A run of output channels of a group that one micro-kernel computes: <c>Vectors</c> vectors, the last lanes perhaps unused; a narrow
/// one has a kernel of just so many channels.
/// </summary>
internal readonly record struct ChannelBlock(int First, int Valid, int Vectors, int LaneStart, bool IsNarrow)
{
    public const int NarrowKernel = 3;

    /// <summary>Which of a tile's kernels.</summary>
    public int Kernel => IsNarrow ? NarrowKernel : Vectors >> 1;

    /// <summary>Vectors whose weights lie side by side.</summary>
    public int PairVectors => Math.Min(Vectors, 2);
}

/// <summary>
/// How a gather is cut: channel blocks, rows a part, pixels a tile; and where the taps of each phase lie. All of it follows from
/// the shape, the vector width and the thread count; results do not depend on the cut.
/// </summary>
internal sealed class BlockedGeometry
{
    // Half of a usual second-level cache; the other half holds a block's weights.
    private const long PanelBytes = 256 * 1024;

    // A block's weights are read again for each part: this many pixels share one reading, even where the panel grows for it.
    private const int LeastPixels = 256;
    private const long LargeWeights = 320 * 1024;

    // A latency of 4 cycles at 2 multiply-adds a cycle.
    private const int LeastAccumulators = 8;

    // Rows that all blocks pass over while they stay in the first-level cache, and the weights that are then read again from the second.
    private const long PassBytes = 16 * 1024;
    private const long PassWeights = 128 * 1024;

    // Pixels of a tile that lie a multiple of this apart share one set of a usual first-level cache, which holds eight of them.
    private const int SetsBytes = 4096;
    private const int SetLines = 8;
    private const int CacheLine = 64;

    // What a part costs beside its multiply-adds: weights and rows that come from beyond the second-level cache, rows that are packed, and the rest.
    private const double WeightBytesPerCycle = 32;
    private const double PackedBytesPerCycle = 8;
    private const double ReadBytesPerCycle = 16;
    private const double PartCycles = 500;

    // A thread comes late or is held up by so much of a part.
    private const double Unevenness = 0.1;

    // With fewer channels, taps that are one run are worth more than no copy of the rows.
    private const int LeastDirect = 16;

    // What a phase beside its taps, and a column or row, take in tables, roughly.
    private const int PhaseBytes = 2048;
    private const int ColumnBytes = 12;

    // Pixels that leave for channels-first in one transposition.
    private const int StorePixels = 128;

    public BlockedGeometry(View view, KernelSet set, int elementSize, int threads, Func<int, bool> isNarrow)
    {
        ConvProblem p = view.Problem;
        bool down = view.IsDown;
        Source = down ? view.Big : view.Small;
        Target = down ? view.Small : view.Big;
        Groups = view.Groups;
        FromPerGroup = (down ? view.BigChannels : view.SmallChannels) / Groups;
        ToPerGroup = (down ? view.SmallChannels : view.BigChannels) / Groups;
        PaddingMode mode = down ? p.PaddingMode : PaddingMode.Zeros;
        D = new PhaseAxis(view.Axes[0], down, view.Flip, mode);
        H = new PhaseAxis(view.Axes[1], down, view.Flip, mode);
        W = new PhaseAxis(view.Axes[2], down, view.Flip, mode);
        SkipsPadding = mode == PaddingMode.Zeros;
        bool oneSet = Source.C == 1 && W.SourceStep * Source.W * elementSize % SetsBytes == 0;
        Blocks = Cut(set, isNarrow);
        Lanes = Blocks.Sum(b => b.Vectors) * set.Lanes;
        int most = MostPixels = set.MostRows(W.Count <= set.MostRows(Blocks[0].Vectors) ? Blocks[0].Vectors : Blocks[0].PairVectors);
        bool outside = D.ReadsOutside || H.ReadsOutside || W.ReadsOutside;
        ColumnTile[]?[] exact = [.. W.Phases.Select(p => ColumnTile.Exact(W, p, most))];
        bool exactly = !outside || (SkipsPadding && FromPerGroup >= LeastDirect && Array.TrueForAll(exact, t => t is not null));

        // Pixels of one cache line each, half a page apart: all kernel rows would share two sets.
        bool crowded = outside && Groups > 1 && (long)FromPerGroup * elementSize <= CacheLine && W.SourceStep * Source.W * elementSize % (SetsBytes / 2) == 0;
        IsDirect = exactly && !crowded && (Source.C == 1 || FromPerGroup == 1) && (!oneSet || Math.Min(W.Count, most) <= SetLines);
        ReadsPadding = outside && !IsDirect;
        Tiles = [.. W.Phases.Select((p, i) => TilesOf(p, exact[i], most))];
        PanelPixel = FromPerGroup + ((long)FromPerGroup * elementSize % (SetsBytes / 4) == 0 ? CacheLine / elementSize : 0);
        PanelColumns = W.PanelSize(W.Count);
        PanelRow = (long)PanelColumns * PanelPixel;
        MemoryBudget.Take((PanelColumns * (Int128)ColumnBytes) + ((Int128)D.Phases.Length * H.Phases.Length * W.Phases.Length * PhaseBytes) + ((D.Count + (Int128)H.Count) * ColumnBytes));
        ChooseParts(p, elementSize, threads, view.Taps);
        ChooseStores(view, set, elementSize);
        RowsPerPass = ChoosePass(elementSize, view.Taps);
        PanelSlot = checked(PanelRow * H.PanelSize(RowsPerPart));
        PanelElements = IsDirect ? 0 : checked(PanelSlot * Math.Max(1, D.Offsets.Length));
    }

    public Strides5 Source { get; }

    public Strides5 Target { get; }

    public int Groups { get; }

    public int FromPerGroup { get; }

    public int ToPerGroup { get; }

    public PhaseAxis D { get; }

    public PhaseAxis H { get; }

    public PhaseAxis W { get; }

    /// <summary>Taps outside count as zeros, which need no products.</summary>
    public bool SkipsPadding { get; }

    /// <summary>Some product has an element of the padding in it.</summary>
    public bool ReadsPadding { get; }

    /// <summary>For each phase of the columns its tiles.</summary>
    public ColumnTile[][] Tiles { get; }

    /// <summary>Most pixels of a tile.</summary>
    public int MostPixels { get; }

    /// <summary>The source is read where it lies: channels last, and all taps outside are left out.</summary>
    public bool IsDirect { get; }

    /// <summary>Elements from one column of the panel to the next.</summary>
    public int PanelPixel { get; }

    public int PanelColumns { get; }

    public long PanelRow { get; }

    /// <summary>Elements from one depth slot to the next; a slot belongs to one depth offset.</summary>
    public long PanelSlot { get; }

    public long PanelElements { get; }

    public ChannelBlock[] Blocks { get; }

    /// <summary>Lanes of all blocks of a group.</summary>
    public int Lanes { get; }

    public int RowsPerPart { get; private set; }

    public int RowParts { get; private set; }

    public int BlockParts { get; private set; }

    /// <summary>Result rows of a part that all of its blocks pass over before the next rows.</summary>
    public int RowsPerPass { get; }

    /// <summary>Columns of all phases leave together: channels-first results whose columns would be written a stride apart.</summary>
    public bool Interleaves { get; private set; }

    /// <summary>Result rows that wait in the row buffer.</summary>
    public int WaitingRows { get; private set; }

    /// <summary>Columns of a waiting row.</summary>
    public int WaitingColumns { get; private set; }

    /// <summary>Kernel rows whose weights a block reads before it goes on to the next result row; all unless its weights outgrow the second-level cache.</summary>
    public int KernelRows { get; private set; }

    /// <summary>Offset in a, in elements, of tap (i, j, k) of a phase.</summary>
    public long TapOffset(Phase d, Phase h, Phase w, int i, int j, int k) => IsDirect
        ? (d.Offset[i] * Source.D) + (h.Offset[j] * Source.H) + (w.Offset[k] * Source.W)
        : (Array.IndexOf(D.Offsets, d.Offset[i]) * PanelSlot) + ((h.Offset[j] - H.Lowest) / H.Division * PanelRow) + ((long)(w.Offset[k] - W.Lowest) / W.Division * PanelPixel);

    /// <summary>True when the taps of a phase's row from one to another lie side by side: channels of one column, then those of the next.</summary>
    public bool RowIsOneRun(Phase w, int from, int to)
    {
        long pixel = IsDirect ? Source.W : PanelPixel;
        int step = IsDirect ? 1 : W.Division;
        for (int k = from + 1; k < to; k++)
            if (w.Offset[k] - w.Offset[k - 1] != step) return false;
        return pixel == FromPerGroup;
    }

    private ColumnTile[] TilesOf(Phase phase, ColumnTile[]? exact, int most)
    {
        if (exact is not null && IsDirect) return exact;
        ColumnTile[] whole = ColumnTile.Whole(phase, most);
        if (exact is null || !SkipsPadding || H.Phases.Length == 0) return whole;
        long depth = (long)FromPerGroup * D.Offsets.Length * H.Phases.Max(p => p.Offset.Length);
        return [.. exact.Select((t, i) => t.Saves(phase.Offset.Length, depth) ? t : whole[i])];
    }

    private ChannelBlock[] Cut(KernelSet set, Func<int, bool> isNarrow)
    {
        // Few pixels a tile leave the multiply-adds of two vectors waiting for each other: 7 columns are 4 and 3 where 6 is the most.
        int l = set.Lanes, shortest = W.Count / Math.Max(1, (W.Count + set.MostRows(2) - 1) / set.MostRows(2));
        bool four = ToPerGroup > 2 * l && (W.Count <= set.MostRows(4) || shortest * 2 < LeastAccumulators);
        int vectors = ToPerGroup <= l ? 1 : four ? 4 : 2;
        var blocks = new List<ChannelBlock>();
        for (int c = 0, lane = 0; c < ToPerGroup;)
        {
            int v = vectors;
            while (v > 1 && (v / 2) * l >= ToPerGroup - c) v /= 2;
            int valid = Math.Min(v * l, ToPerGroup - c);
            blocks.Add(new ChannelBlock(c, valid, v, lane, isNarrow(valid)));
            c += valid;
            lane += v * l;
        }

        return [.. blocks];
    }

    private void ChooseStores(View view, KernelSet set, int elementSize)
    {
        Interleaves = Target.W == 1 && Target.C != 1 && W.Phases.Length > 1;
        WaitingColumns = Interleaves ? view.Axes[2].Big : W.Count;
        int kernelRows = Math.Max(1, H.Phases.Max(p => p.Offset.Length)), rest = view.Taps / Math.Max(1, view.Axes[1].Kernel);
        long perRow = (long)FromPerGroup * rest * Blocks[0].Vectors * set.Lanes * elementSize;

        bool cut = perRow * kernelRows > LargeWeights && RowsPerPart > 1 && RowsPerPart * WaitingColumns <= 4 * LeastPixels;
        KernelRows = cut ? (int)Math.Clamp(LargeWeights / Math.Max(1, perRow), 1, kernelRows) : kernelRows;
        bool dense = H.Phases.Length == 1 && Target.H == WaitingColumns && Target.C != 1;
        WaitingRows = cut ? RowsPerPart : dense ? Math.Clamp(StorePixels / Math.Max(1, WaitingColumns), 1, RowsPerPart) : 1;
    }

    private int ChoosePass(int elementSize, int taps)
    {
        long row = (IsDirect ? W.SourceSize * Source.W : PanelRow) * elementSize, weights = (long)FromPerGroup * taps * Lanes / BlockParts * elementSize;
        bool serves = H.Span == 1 && D.Offsets.Length == 1 && KernelRows == 1 && weights <= PassWeights && row <= PassBytes;
        return serves ? (int)Math.Clamp(PassBytes / Math.Max(1, row), 1, RowsPerPart) : RowsPerPart;
    }

    /// <summary>The cut into rows and blocks whose slowest thread is done first, by a rough count of cycles.</summary>
    private void ChooseParts(ConvProblem p, int elementSize, int threads, int taps)
    {
        long panelRow = IsDirect ? 0 : checked(PanelRow * elementSize * Math.Max(1, D.Offsets.Length));
        long row = Math.Max(1, IsDirect ? W.SourceSize * Source.W * elementSize : panelRow);
        int least = (LeastPixels + W.Count - 1) / Math.Max(1, W.Count);
        int most = (int)Math.Clamp(Math.Max(least, ((PanelBytes / row) - (IsDirect ? 0 : H.Span)) / (IsDirect ? H.SourceStep : H.PanelStep)), 1, Math.Max(1, H.Count));
        int others = (int)Math.Clamp(p.Batch * Groups * D.Count, 1, 1 << 20);
        long perRow = (long)W.Count * Blocks[0].Vectors * FromPerGroup * taps;
        double weights = (double)FromPerGroup * taps * Lanes * elementSize / Blocks.Length / WeightBytesPerCycle, best = double.PositiveInfinity;
        for (int rows = Math.Max(1, Each(H.Count, Math.Max(1, Each(H.Count, most)))); rows >= 1; rows = rows > 1 ? Math.Min(rows - 1, Each(H.Count, Each(H.Count, rows) + 1)) : 0)
        {
            int rowParts = Math.Max(1, Each(H.Count, rows));
            for (int blocks = Blocks.Length; blocks >= 1; blocks = blocks > 1 ? Math.Min(blocks - 1, Each(Blocks.Length, Each(Blocks.Length, blocks) + 1)) : 0)
            {
                int blockParts = Each(Blocks.Length, blocks);
                double pack = IsDirect
                    ? (double)row * rows * H.SourceStep / ReadBytesPerCycle
                    : (double)panelRow * H.PanelSize(rows) / PackedBytesPerCycle * Math.Min(threads, blockParts) / blockParts;
                double part = (blocks * ((rows * (double)perRow) + weights)) + pack + PartCycles, parts = (double)others * rowParts * blockParts;
                double time = Math.Min(Math.Ceiling(parts / threads) * part, (parts / threads * part * H.Count * Blocks.Length / (rowParts * rows * blockParts * blocks)) + part) + (part * Unevenness);
                if (time >= best) continue;
                (best, RowsPerPart, RowParts, BlockParts) = (time, rows, rowParts, blockParts);
            }
        }

        static int Each(int count, int parts) => (count + parts - 1) / parts;
    }
}
