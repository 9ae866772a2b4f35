using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>
/// How <c>cpu_blocked.cl</c> cuts a forward direction or backward data: tiles, panels, parts of the work; and the tables that its
/// kernels read. Results do not depend on the cut.
/// </summary>
internal sealed class CpuBlockedGeometry
{
    // A part's rows stay in half of a usual second-level cache, and share one reading of the weights of each block.
    private const long PanelBytes = 384 * 1024;
    private const int LeastPixels = 256;

    // Rows longer than this are cut.
    private const int ChunkColumns = 112;
    private const int LineBytes = 64;

    // Numbers of a phase in the tables; what a number takes while they are made, in lists that grow.
    private const int PhaseNumbers = 24;
    private const int NumberBytes = 32;

    // Vector multiply-adds that are worth a work-group of their own: some microseconds.
    private const long LeastWork = 20_000;
    private const int PartsPerUnit = 16;

    private readonly View _view;
    private readonly CpuVectors _vectors;
    private readonly CpuCut _cut;
    private readonly int _elementSize;
    private readonly int _units;
    private readonly Strides5 _from;
    private readonly Strides5 _to;
    private readonly PhaseAxis _d;
    private readonly PhaseAxis _h;
    private readonly PhaseAxis _w;
    private readonly int[] _begins;
    private readonly int _pitch;
    private readonly long _rowStep;
    private readonly int _blockParts;
    private readonly int _rowsPerPart;
    private readonly int _blocksPerPart;

    public CpuBlockedGeometry(View view, CpuVectors vectors, int elementSize, int units, CpuCut cut = default)
    {
        (_view, _vectors, _elementSize, _units, _cut) = (view, vectors, elementSize, units, cut);
        ConvProblem p = view.Problem;
        bool down = view.IsDown;
        (_from, _to) = down ? (view.Big, view.Small) : (view.Small, view.Big);
        FromChannels = down ? view.BigChannels : view.SmallChannels;
        FromPerGroup = FromChannels / view.Groups;
        ToPerGroup = (down ? view.SmallChannels : view.BigChannels) / view.Groups;
        AxisMap[] axes = view.Axes;
        if (IsPointwise())
        {
            // One tap, no stride, no padding: all pixels are one row.
            int pixels = checked(axes[0].Big * axes[1].Big * axes[2].Big);
            var one = new AxisMap(1, 1, 1, 1, 1, 0, PaddingMode.Zeros);
            axes = [one, one, new AxisMap(pixels, pixels, 1, 1, 1, 0, PaddingMode.Zeros)];
        }

        PaddingMode mode = down ? p.PaddingMode : PaddingMode.Zeros;
        (_d, _h, _w) = (Axis(0), Axis(1), Axis(2));
        ReadsOutside = _d.ReadsOutside || _h.ReadsOutside || _w.ReadsOutside;
        (Tile, Vectors) = cut.Rows > 0 ? (cut.Rows, cut.Vectors) : vectors.Tile(_w.Count, ToPerGroup);
        Lanes = vectors.Lanes;
        Width = Vectors * Lanes;
        Blocks = (ToPerGroup + Width - 1) / Width;
        _begins = CutColumns();
        int widest = Enumerable.Range(0, Chunks).Max(i => _w.PanelSize(_begins[i + 1] - _begins[i]));

        // Rows an odd number of cache lines apart, so that the channels of a column do not share one set of a cache.
        int line = LineBytes / elementSize, lines = (Math.Max(widest, Lanes) + line - 1) / line;
        _pitch = (lines | 1) * line;
        IsDirect = CanBeDirect && (cut.Source == CpuSource.Any ? PrefersDirect() : cut.Source == CpuSource.InPlace);
        Step = IsDirect ? checked(_w.SourceStep * (int)_from.W) : _w.PanelStep;
        _rowStep = (long)Chunks * FromChannels * _pitch;
        PanelDepths = _d.PanelSize(_d.Count);
        PanelRows = _h.PanelSize(_h.Count);
        PanelElements = IsDirect ? 0 : checked((p.Batch * PanelDepths * PanelRows * _rowStep) + (Tile * (long)Step) + Lanes);
        (_rowsPerPart, _blocksPerPart) = CutParts();
        RowParts = (_h.Count + _rowsPerPart - 1) / _rowsPerPart;
        _blockParts = (Blocks + _blocksPerPart - 1) / _blocksPerPart;
        WorkGroups = p.Batch * view.Groups * _d.Count * RowParts * Chunks * _blockParts;
        ChannelParts = (FromChannels + ChannelsPerPart - 1) / ChannelsPerPart;
        PackGroups = IsDirect ? 0 : p.Batch * PanelDepths * PanelRows * Chunks * ChannelParts;
        MemoryBudget.Take(((_d.Phases.Length * (Int128)_h.Phases.Length * _w.Phases.Length * PhaseNumbers) + (view.Taps * 2L) + PanelDepths + PanelRows + _w.PanelSize(_w.Count)) * NumberBytes);
        (Table, WeightTable, PackedElements) = DescribePhases();
        PackTable = IsDirect ? [] : DescribePack();

        bool IsPointwise() => view.Taps == 1 && Array.TrueForAll(axes, a => a is { Stride: 1, PadBegin: 0 } && a.Big == a.Small);
        PhaseAxis Axis(int i) => new(axes[i], down, view.Flip, mode);
    }

    public int FromChannels { get; }

    public int FromPerGroup { get; }

    public int ToPerGroup { get; }

    /// <summary>Some tap reads padding, which the kernel multiplies.</summary>
    public bool ReadsOutside { get; }

    /// <summary>The source is read where it lies.</summary>
    public bool IsDirect { get; }

    /// <summary>The source may be read where it lies: no tap leaves it.</summary>
    public bool CanBeDirect => !ReadsOutside && _w.SourceStep * _from.W <= int.MaxValue && Array.TrueForAll(_w.Phases, q => q.Count == _w.Count);

    /// <summary>Pixels of a tile.</summary>
    public int Tile { get; }

    /// <summary>Vectors of output channels of a tile.</summary>
    public int Vectors { get; }

    public int Lanes { get; }

    /// <summary>Output channels of a block.</summary>
    public int Width { get; }

    /// <summary>Blocks of a group.</summary>
    public int Blocks { get; }

    /// <summary>Elements from one pixel's source column to the next.</summary>
    public int Step { get; }

    public int Phases => _d.Phases.Length * _h.Phases.Length * _w.Phases.Length;

    public int PanelDepths { get; }

    public int PanelRows { get; }

    public int RowParts { get; }

    public int Chunks => _begins.Length - 1;

    public long PanelElements { get; }

    public long PackedElements { get; }

    /// <summary>First values of the sums: a block's lanes for each block of each group.</summary>
    public long InitElements => (long)_view.Groups * Blocks * Width;

    public long WorkGroups { get; }

    public long PackGroups { get; }

    /// <summary>Channels that one work-group packs.</summary>
    public int ChannelsPerPart => Math.Max(4 * Lanes, 1);

    private int ChannelParts { get; }

    public long[] Table { get; }

    public long[] PackTable { get; }

    public long[] WeightTable { get; }

    /// <summary>Whether <paramref name="cut"/> is one of this problem's.</summary>
    public bool Suits(CpuCut cut) => (cut.Source != CpuSource.InPlace || CanBeDirect)
        && (cut.Rows == 0 || (cut.Rows <= Math.Min(Math.Max(1, _w.Count), _vectors.MostRows(cut.Vectors)) && (cut.Vectors == 1 || cut.Vectors / 2 * Lanes < ToPerGroup)));

    /// <summary>Cuts that differ from this one in one thing.</summary>
    public IEnumerable<CpuCut> Near()
    {
        if (CanBeDirect) yield return _cut with { Source = IsDirect ? CpuSource.Copied : CpuSource.InPlace };
        foreach (int parts in CpuRoutine.Parts(_units)) yield return _cut with { Parts = parts };
        foreach (int panel in (int[])[48, 96, 192, 384, 768]) yield return _cut with { Panel = panel };
        foreach (int vectors in (int[])[2, 4, 1])
        {
            int most = EqualTiles.Of(_w.Count, _vectors.MostRows(vectors));
            yield return _cut with { Rows = most, Vectors = vectors };
            if (most > 2) yield return _cut with { Rows = EqualTiles.Of(_w.Count, most - 1), Vectors = vectors };
        }
    }

    // Planes a multiple of 2048 bytes apart, or pixels, would share a few sets of a first-level cache.
    private bool PrefersDirect() => _from.W == 1 ? _from.C * _elementSize % 2048 != 0 && Blocks * _view.Taps <= 2 : _from.C == 1 && _w.SourceStep * _from.W * _elementSize % 2048 != 0;

    private int[] CutColumns()
    {
        int count = _w.Count, most = Math.Max(ChunkColumns, 2 * _w.Span), chunks = Math.Max(1, (count + (most / 2)) / most);
        int unit = count % Tile == 0 ? Tile : 1;
        return [.. Enumerable.Range(0, chunks + 1).Select(i => (int)((long)(count / unit) * i / chunks) * unit)];
    }

    private (int Rows, int Blocks) CutParts()
    {
        int most = Math.Max(1, _h.Count), chunk = Math.Max(1, _w.Count / Chunks);
        long row = (long)FromPerGroup * _pitch * _elementSize * Math.Max(1, _d.Offsets.Length);
        int least = _cut.Panel > 0 ? 1 : (LeastPixels + chunk - 1) / chunk;
        long bytes = _cut.Panel > 0 ? _cut.Panel * 1024L : PanelBytes;
        int rows = (int)Math.Clamp(Math.Max(least, ((bytes / row) - _h.Span) / _h.PanelStep), 1, most);
        long others = _view.Problem.Batch * _view.Groups * _d.Count * Chunks;
        long tiles = others * most * ((chunk + Tile - 1) / Tile) * Blocks;
        long work = tiles * Tile * Vectors * FromPerGroup * Math.Max(1, _view.Taps / Phases);
        long wanted = _cut.Parts > 0 ? _cut.Parts : Math.Clamp(work / LeastWork, 1, (long)PartsPerUnit * _units);
        long weights = (long)FromPerGroup * Blocks * Width * _view.Taps * _elementSize, panel = row * most;
        int rowParts = (most + rows - 1) / rows, blockParts = 1;
        while (others * rowParts * blockParts < wanted)
        {
            // A part more of the rows reads all weights once more, one more of the blocks the rows.
            bool moreRows = rowParts < most, moreBlocks = blockParts < Blocks;
            if (!moreRows && !moreBlocks) break;
            if (moreRows && (!moreBlocks || weights * rowParts <= panel * blockParts)) rowParts++;
            else blockParts++;
        }

        return ((most + rowParts - 1) / rowParts, (Blocks + blockParts - 1) / blockParts);
    }

    private (long[] Table, long[] Weights, long Packed) DescribePhases()
    {
        ConvProblem p = _view.Problem;
        Strides5 ws = Strides5.Of(p.WeightShape, p.WeightLayout);
        (long channel, long from, long group) = _view.IsDown ? (ws.N, ws.C, ToPerGroup * ws.N) : (ws.C, ws.N, FromPerGroup * ws.N);
        long aC = IsDirect ? _from.C : _pitch, aW = IsDirect ? _from.W : 1;
        long aH = IsDirect ? _from.H : _rowStep, aD = IsDirect ? _from.D : _rowStep * PanelRows;
        const int record = 16, weightHeader = 8, weightRecord = 5;
        List<long> t =
        [
            Blocks, _blocksPerPart, _blockParts, _rowsPerPart, RowParts, Chunks, _d.Count, _view.Groups, Phases, ToPerGroup,
            IsDirect ? _from.N : aD * PanelDepths, FromPerGroup * aC, aD * (IsDirect ? _d.SourceStep : _d.PanelStep), aH * (IsDirect ? _h.SourceStep : _h.PanelStep),
            _to.N, _to.C, _to.D, _to.H, _to.W,
        ];
        t.Add(t.Count + 2);
        t.Add(t.Count + 1 + _begins.Length + Chunks);
        t.AddRange(_begins.Select(b => (long)b));
        t.AddRange(Enumerable.Range(0, Chunks).Select(i => IsDirect ? 0 : (i * (long)FromChannels * _pitch) - (_begins[i] * (long)Step)));
        int phaseTable = t.Count;
        t.AddRange(new long[record * Phases]);
        List<long> w = [_view.Groups, Blocks, Width, ToPerGroup, Phases, group, channel, weightHeader];
        w.AddRange(new long[weightRecord * Phases]);
        long place = 0;
        int n = 0;
        foreach (Phase d in _d.Phases)
            foreach (Phase h in _h.Phases)
                foreach (Phase c in _w.Phases)
                {
                    // The innermost loop runs along whichever is longer: channels, or the taps of a row.
                    bool along = FromPerGroup < c.Offset.Length;
                    int run = along ? c.Offset.Length : FromPerGroup, inner = along ? FromPerGroup : c.Offset.Length;
                    int taps = d.Offset.Length * h.Offset.Length * inner;
                    long blockSize = (long)taps * run * Width;
                    long[] phase =
                    [
                        d.First, d.Step, d.Count, h.First, h.Step, h.Count, c.First, c.Step, c.Count, taps, run,
                        along ? (c.Offset[1] - c.Offset[0]) / (IsDirect ? 1 : _w.Division) * aW : aC, t.Count, place, Blocks * blockSize, blockSize,
                    ];
                    long[] weights = [taps, run, along ? (c.Weight[1] - c.Weight[0]) * ws.W : from, w.Count, place];
                    for (int i = 0; i < record; i++) t[phaseTable + (n * record) + i] = phase[i];
                    for (int i = 0; i < weightRecord; i++) w[weightHeader + (n * weightRecord) + i] = weights[i];
                    n++;
                    place += _view.Groups * Blocks * blockSize;
                    for (int i = 0; i < d.Offset.Length; i++)
                        for (int j = 0; j < h.Offset.Length; j++)
                            for (int k = 0; k < inner; k++)
                            {
                                int column = along ? 0 : k;
                                t.Add((Entry(_d, d.Offset[i]) * aD) + (Entry(_h, h.Offset[j]) * aH) + (Entry(_w, c.Offset[column]) * aW) + (along ? k * aC : 0));
                                w.Add((d.Weight[i] * ws.D) + (h.Weight[j] * ws.H) + (c.Weight[column] * ws.W) + (along ? k * from : 0));
                            }
                }

        return ([.. t], [.. w], place);

        long Entry(PhaseAxis axis, int offset) => IsDirect ? offset : (offset - axis.Lowest) / axis.Division;
    }

    private long[] DescribePack()
    {
        int columns = _w.PanelSize(_w.Count);
        int inner = Enumerable.Range(0, columns).FirstOrDefault(q => IsPlain(q), columns), end = inner;
        while (end < columns && IsPlain(end)) end++;
        List<long> t = [PanelDepths, PanelRows, Chunks, ChannelParts, ChannelsPerPart, FromChannels, _from.N, _from.C, _from.D, _from.H, _from.W, _pitch];
        int header = t.Count + 8;
        t.Add(header);
        t.Add(header + PanelDepths);
        t.Add(header + PanelDepths + PanelRows);
        t.Add(header + PanelDepths + PanelRows + columns);
        t.Add(header + PanelDepths + PanelRows + columns + Chunks);
        t.AddRange([inner, end, _w.Division]);
        for (int i = 0; i < PanelDepths; i++) t.Add(_d.Source(0, i));
        for (int i = 0; i < PanelRows; i++) t.Add(_h.Source(0, i));
        for (int i = 0; i < columns; i++) t.Add(_w.Source(0, i));
        for (int i = 0; i < Chunks; i++) t.Add((long)_begins[i] * _w.PanelStep);
        for (int i = 0; i < Chunks; i++) t.Add(_w.PanelSize(_begins[i + 1] - _begins[i]));
        return [.. t];

        bool IsPlain(int q) => _w.Lowest + ((long)q * _w.Division) is long s && s >= 0 && s < _w.SourceSize;
    }
}
