using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>
/// Channels-first with few channels a group on either side (depthwise and first layers among them): vectors run along pixels, weights are broadcast. Source
/// rows are copied with their padding into planes whose row pitch is that of the results, so one vector may span rows.
/// </summary>
internal sealed unsafe partial class PlanePlan<T> : FinitePlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const long PanelBytes = 32 * 1024;

    // What a phase, a row of a panel and a column without its sources take beside their taps, roughly.
    private const int PhaseBytes = 512;
    private const int RowBytes = 8;
    private const int ColumnBytes = 64;

    private readonly Strides5 _from;
    private readonly Strides5 _to;
    private readonly int _inputs;
    private readonly int _outputs;
    private readonly PhaseAxis _d;
    private readonly PhaseAxis _h;
    private readonly PhaseAxis _w;
    private readonly PlanePhase[] _phases;
    private readonly int _tile;
    private readonly nint _kernel;
    private readonly nint _half;
    private readonly nint _rest;
    private readonly nint _restHalf;
    private readonly int _lanes;
    private readonly int _vector;
    private readonly int _pitch;
    private readonly int _rowsPerPart;
    private readonly int _rowParts;
    private readonly int _planeRows;
    private readonly int _rowStep;
    private readonly long _linePitch;
    private readonly long _slot;
    private readonly long _plane;
    private readonly long _flat;
    private readonly T* _weights;
    private readonly T* _init;
    private T* _scratch;
    private readonly long _scratchPerWorker;
    private readonly ColumnRun[] _columns;
    private readonly long[] _rowPlace;
    private readonly bool _rowsVary;
    private readonly bool _isPlain;
    private readonly bool _isSplit;
    private readonly bool _isWide;

    public PlanePlan(View view, PlanOptions options)
        : base(view, options, view.Problem.IsDepthwise ? "depthwise" : "planes")
    {
        KernelSet set = KernelSet.For<T>();
        (_from, _to) = view.IsDown ? (view.Big, view.Small) : (view.Small, view.Big);
        _inputs = (view.IsDown ? view.BigChannels : view.SmallChannels) / view.Groups;
        _outputs = (view.IsDown ? view.SmallChannels : view.BigChannels) / view.Groups;
        PaddingMode mode = view.IsDown ? Problem.PaddingMode : PaddingMode.Zeros;
        (_d, _h, _w) = (Axis(0), Axis(1), Axis(2));
        _isWide = IsWide(view);
        int vectors = !_isWide && _outputs <= set.MostRows(4) ? 4 : 2;
        _tile = EqualTiles.Of(_outputs, set.MostRows(vectors));
        _kernel = (nint)set.Find(_tile, vectors);
        if (_isWide)
        {
            // Half the pixels, and the channels that fill no tile.
            int rest = _outputs % _tile;
            _half = (nint)set.Find(_tile, 1);
            if (rest > 0) (_rest, _restHalf) = ((nint)set.Find(rest, 2), (nint)set.Find(rest, 1));
        }

        _vector = set.Lanes;
        _lanes = vectors * _vector;

        // Columns and rows of each residue of the stride form planes of their own: a step of one result is a step of one element.
        _pitch = (_w.PanelSize(_w.Count) + _w.PanelStep - 1) / _w.PanelStep;
        long row = checked((long)_pitch * _w.PanelStep * _h.PanelStep * Math.Max(1, _d.Offsets.Length) * _inputs * sizeof(T));
        int rows = (int)Math.Clamp(((_isWide ? WidePanelBytes : PanelBytes) / row) - (_h.Span / _h.PanelStep), Math.Min(_h.Count, 4), _h.Count);
        _rowParts = (_h.Count + rows - 1) / rows;
        long others = Problem.Batch * view.Groups * _d.Count;
        if (Threads > 1 && others * _rowParts < 4L * Threads) _rowParts = (int)Math.Clamp(4L * Threads / Math.Max(1, others), 1, (_h.Count + 1) / 2);
        _rowsPerPart = (_h.Count + _rowParts - 1) / _rowParts;
        _rowParts = (_h.Count + _rowsPerPart - 1) / _rowsPerPart;
        _rowStep = _isWide ? 1 : _h.PanelStep;
        _planeRows = (_h.PanelSize(_rowsPerPart) + _rowStep - 1) / _rowStep;
        _linePitch = (long)_pitch * (_isWide ? _inputs : 1);
        _slot = checked(_linePitch * _planeRows * _w.PanelStep * _rowStep);
        _plane = checked(_slot * Math.Max(1, _d.Offsets.Length));
        MemoryBudget.Take(((Int128)_d.Phases.Length * _h.Phases.Length * _w.Phases.Length * PhaseBytes) + ((Int128)_w.PanelStep * ColumnBytes)
            + ((Int128)_w.PanelSize(_w.Count) * sizeof(int)) + ((Int128)_h.PanelSize(_rowsPerPart) * RowBytes));
        _flat = (((long)_rowsPerPart * _pitch) + (2 * _lanes) - 1) / _lanes * _lanes;
        long at = 0;
        var phases = new List<PlanePhase>();
        foreach (Phase d in _d.Phases)
            foreach (Phase h in _h.Phases)
                foreach (Phase w in _w.Phases)
                {
                    phases.Add(Describe(d, h, w, at));
                    at += (long)view.Groups * _outputs * _inputs * phases[^1].Taps;
                }

        _phases = [.. phases];
        _weights = (T*)AllocateWeights(at * sizeof(T));
        _init = (T*)AllocateWeights((long)view.Groups * _outputs * _lanes * sizeof(T));
        _scratchPerWorker = checked(((_isWide ? _plane : (_flat * _tile) + (_plane * _inputs)) + _lanes + 64) / 64 * 64 + 64);
        _scratch = (T*)AllocateWorkspace(checked(_scratchPerWorker * Threads * sizeof(T)));
        _columns = new ColumnRun[_w.PanelStep];
        for (int i = 0; i < _columns.Length; i++) _columns[i] = DescribeColumns(i);
        _rowPlace = new long[_h.PanelSize(_rowsPerPart)];
        for (int r = 0; r < _rowPlace.Length; r++) _rowPlace[r] = Place(r, 0);

        // Where padding lies is the same for all parts, unless there are several a plane: then rows are filled as they come.
        _rowsVary = _rowParts > 1 || _d.Count > 1;
        _isPlain = !_isWide && _columns.Length == 1 && _columns[0] is { Sources: null, Step: 1 } && _d is { Count: 1, Offsets: [0], ReadsOutside: false }
            && _h is { PanelStep: 1, Division: 1 } && Problem.PaddingMode is PaddingMode.Zeros or PaddingMode.Constant;
        _isSplit = _columns is [{ Sources: null, Step: 2 } even, { Sources: null, Step: 2 } odd] && Math.Abs(even.Source - odd.Source) == 1;
        FillPadding();

        PhaseAxis Axis(int i) => new(view.Axes[i], view.IsDown, view.Flip, mode);
    }

    protected override bool ReadsPadding => _d.ReadsOutside || _h.ReadsOutside || _w.ReadsOutside;

    protected override IEnumerable<string> Steps =>
        [$"{_tile} channels by {_lanes} pixels, vectors along pixels; {_rowsPerPart} rows at a time copied with their padding, {_phases.Length} phase(s)"];

    /// <summary>
    /// True where this plan serves: planes whose output channels would fill less than half a vector, or few input planes whose rows are
    /// long enough for vectors along them.
    /// </summary>
    public static bool Serves(View view)
    {
        if (view.Big.W != 1 || view.Small.W != 1) return false;
        int lanes = KernelSet.For<T>().Lanes, outputs = (view.IsDown ? view.SmallChannels : view.BigChannels) / view.Groups;
        return outputs * 2 <= lanes || IsWide(view);
    }

    private PlanePhase Describe(Phase d, Phase h, Phase w, long weights)
    {
        // Where a line has all inputs, the rows of a kernel column lie side by side and are one entry.
        int taps = d.Offset.Length * h.Offset.Length * w.Offset.Length, t = 0;
        int[] rows = _isWide ? h.Offset[..1] : h.Offset;
        int elements = _isWide ? h.Offset.Length * _inputs : _inputs;
        var table = (nint*)AllocateWeights(Math.Max(1, taps) * 2L * sizeof(nint));
        foreach (int i in d.Offset)
            foreach (int j in rows)
                foreach (int k in w.Offset)
                {
                    int row = (j - _h.Lowest) / _h.Division, column = (k - _w.Lowest) / _w.Division;
                    long at = (Array.IndexOf(_d.Offsets, i) * _slot) + Place(row, column);
                    table[2 * t] = checked((nint)((long)t * elements * sizeof(T)));
                    table[(2 * t) + 1] = checked((nint)(at * sizeof(T)));
                    t++;
                }

        return new PlanePhase(d, h, w, taps, weights, (nint)table, _inputs == 1 && _outputs == 1 ? (nint)DepthwiseSet.For<T>().Sweep(taps) : 0);
    }

    protected override void Renew()
    {
        base.Renew();
        _scratch = Another(_scratch);
        FillPadding();
    }

    private void FillPadding()
    {
        for (int i = 0; i < Threads; i++) new Span<T>(_scratch + (i * _scratchPerWorker), checked((int)_scratchPerWorker)).Fill(PadValue);
    }

    /// <summary>Where an entry of the padded rows and columns lies within a slot.</summary>
    private long Place(int row, int column) =>
        ((((((long)row % _rowStep) * _w.PanelStep) + (column % _w.PanelStep)) * _planeRows) + (row / _rowStep)) * _linePitch + (column / _w.PanelStep);

    /// <summary>Packs to [phase][group][output channel][tap][source channel] in the order of the tap table; begin values are a vector block a channel.</summary>
    protected override void PackWeights(T* weights, T* bias)
    {
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        foreach (PlanePhase p in _phases)
        {
            T* to = _weights + p.Weights;
            for (int g = 0; g < View.Groups; g++)
                for (int o = 0; o < _outputs; o++)
                    foreach (int kd in p.D.Weight)
                        foreach (int i in _isWide ? p.W.Weight : p.H.Weight)
                            foreach (int j in _isWide ? p.H.Weight : p.W.Weight)
                                for (int c = 0; c < _inputs; c++) *to++ = weights[WeightAt(s, g, o, c, kd, _isWide ? j : i, _isWide ? i : j)];
        }

        if (bias == null) return;
        for (int o = 0; o < View.Groups * _outputs; o++) new Span<T>(_init + ((long)o * _lanes), _lanes).Fill(bias[o]);
    }

    protected override void ExecuteFinite() => Spread(Problem.Batch * View.Groups * _d.Count * _rowParts);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DoParts(long from, long to, int worker)
    {
        T* flat = _scratch + (worker * _scratchPerWorker), panel = _isWide ? flat : flat + (_flat * _tile);
        for (long part = from; part < to; part++)
        {
            int rows = (int)(part % _rowParts);
            long rest = part / _rowParts;
            int depth = (int)(rest % _d.Count);
            rest /= _d.Count;
            int group = (int)(rest % View.Groups);
            long n = rest / View.Groups;
            int h0 = rows * _rowsPerPart, h1 = Math.Min(_h.Count, h0 + _rowsPerPart);
            T* x = Source + (n * _from.N) + ((long)group * _inputs * _from.C);
            for (int c = 0; c < _inputs; c++) Pack(x + (c * _from.C), panel + (c * (_isWide ? _pitch : _plane)), depth, h0, h1);
            if (_isWide) ComputeWide(_phases[0], panel, n, group, depth, h0, h1);
            else
                foreach (PlanePhase p in _phases)
                    if (depth < p.D.Count) Compute(p, panel, flat, n, group, depth, h0, Math.Min(h1, p.H.Count));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compute(PlanePhase p, T* panel, T* flat, long n, int group, int depth, int h0, int h1)
    {
        if (h1 <= h0) return;
        int columns = p.W.Count, length = ((h1 - h0 - 1) * _pitch) + columns;
        var kernel = (delegate*<MicroArguments*, void>)_kernel;
        MicroArguments q = new()
        {
            AStep = (nint)p.Taps * _inputs * sizeof(T),
            AElement = sizeof(T),
            BStep = checked((nint)(_plane * sizeof(T))),
            Taps = (nint*)p.Table,
            TapCount = p.Taps,
            Run = _inputs,
            InitStep = _lanes * sizeof(T),
            OutStep = checked((nint)(_flat * sizeof(T))),
        };
        long start = (n * _to.N) + ((long)group * _outputs * _to.C) + ((p.D.First + (p.D.Step * depth)) * _to.D) + (p.W.First * _to.W);
        for (int o = 0; o < _outputs; o += _tile)
        {
            int o0 = Math.Min(o, _outputs - _tile);
            long channel = ((long)group * _outputs) + o0;
            q.A = (byte*)(_weights + p.Weights + (channel * p.Taps * _inputs));
            q.Init = (byte*)(_init + (channel * _lanes));
            if (p.Sweep != 0)
            {
                q.B = (byte*)panel;
                q.Out = (byte*)flat;
                q.Run = (length + _vector - 1) / _vector;
                ((delegate*<MicroArguments*, void>)p.Sweep)(&q);
            }

            for (int f = p.Sweep != 0 ? length : 0; f < length; f += _lanes)
            {
                q.B = (byte*)(panel + f);
                q.Out = (byte*)(flat + f);
                kernel(&q);
            }

            // Channels that the tile before has finished must not be finished twice.
            for (int r = o - o0; r < _tile; r++)
            {
                T* row = flat + (r * _flat), y = (T*)Now.Result + start + ((o0 + r) * _to.C) + ((p.H.First + (p.H.Step * h0)) * _to.H);
                if (p.W.Step == 1 && Post.IsNone)
                    for (int h = h0; h < h1; h++, row += _pitch, y += p.H.Step * _to.H) Copy.Run(row, y, columns);
                else
                    for (int h = h0; h < h1; h++, row += _pitch, y += p.H.Step * _to.H) Store(row, y - (T*)Now.Result, columns, p.W.Step);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Store(T* row, long at, int columns, int step)
    {
        T* y = (T*)Now.Result + at;
        if (step == 1)
        {
            Copy.Run(row, y, columns);
            Finish(at, columns);
            return;
        }

        for (int w = 0; w < columns; w++) y[w * (long)step] = row[w];
        if (Post.IsNone) return;
        for (int w = 0; w < columns; w++) Finish(at + (w * (long)step), 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pack(T* source, T* plane, int depth, int h0, int h1)
    {
        int rows = _h.PanelSize(h1 - h0);
        if (_isPlain)
        {
            PackPlain(source, plane, h0, rows);
            return;
        }

        long residueStep = _planeRows * _linePitch;
        for (int slot = 0; slot < _d.Offsets.Length; slot++)
        {
            int d = _d.SourceAt(depth, _d.Offsets[slot]);
            for (int r = 0; r < rows; r++)
            {
                int h = d < 0 ? d : _h.Source(h0, r);
                T* to = plane + (slot * _slot) + _rowPlace[r], x = source + (d * _from.D) + (h * _from.H);
                if (h >= 0 && _isSplit)
                {
                    // Both residues at once; one of them may have an element more at either end.
                    ColumnRun a = _columns[0], b = _columns[1];
                    int count = Math.Min(a.Last - a.First, b.Last - b.First);
                    if (a.Source < b.Source) Copy.Split(x + a.Source, to + a.First, to + residueStep + b.First, count);
                    else Copy.Split(x + b.Source, to + residueStep + b.First, to + a.First, count);
                    for (int i = a.First + count; i < a.Last; i++) to[i] = x[a.Source + (2 * (i - a.First))];
                    for (int i = b.First + count; i < b.Last; i++) to[residueStep + i] = x[b.Source + (2 * (i - b.First))];
                }
                else if (h >= 0)
                    foreach (ColumnRun c in _columns)
                    {
                        PackRow(c, x, to);
                        to += residueStep;
                    }
                else if (_rowsVary)
                    foreach (ColumnRun c in _columns)
                    {
                        new Span<T>(to, c.Count).Fill(PadValue);
                        to += residueStep;
                    }
            }
        }
    }

    /// <summary>The common case without calls: one slot, stride 1 in both axes, rows as they lie.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackPlain(T* source, T* plane, int h0, int rows)
    {
        ColumnRun c = _columns[0];
        int count = c.Last - c.First, first = h0 + _h.Lowest, r = Math.Clamp(-first, 0, rows), end = Math.Clamp(_h.SourceSize - first, 0, rows);
        if (_rowsVary)
        {
            new Span<T>(plane, r * _pitch).Fill(PadValue);
            new Span<T>(plane + ((long)end * _pitch), (rows - end) * _pitch).Fill(PadValue);
        }

        T* x = source + ((first + r) * _from.H) + c.Source, to = plane + ((long)r * _pitch) + c.First;
        for (; r < end; r++, x += _from.H, to += _pitch) Copy.Run(x, to, count);
    }

    /// <summary>Padding beside the run was filled when the plan was made, and nothing overwrites it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRow(ColumnRun c, T* source, T* to)
    {
        if (c.Sources == null) Copy.Strided(source + c.Source, c.Step, to + c.First, c.Last - c.First);
        else
            for (int i = c.First; i < c.Last; i++) to[i] = source[c.Sources[i]];
    }

    private ColumnRun DescribeColumns(int residue)
    {
        int s = _w.PanelStep, all = _w.PanelSize(_w.Count), count = Math.Max(0, (all - residue + s - 1) / s), step = s * _w.Division;
        int[] sources = [.. Enumerable.Range(0, count).Select(i => _w.Source(0, (i * s) + residue))];
        int first = Array.FindIndex(sources, c => c >= 0), last = Array.FindLastIndex(sources, c => c >= 0) + 1;
        if (first < 0) return new ColumnRun(count, 0, 0, 0, 1, null);
        bool plain = true;
        for (int i = first; i < last; i++) plain &= sources[i] == sources[first] + ((i - first) * step);
        return new ColumnRun(count, first, last, sources[first], step, plain ? null : sources);
    }

    /// <summary>Panel columns First to Last show source columns from Source on, Step apart; or those of Sources where a padding mode repeats some.</summary>
    private readonly record struct ColumnRun(int Count, int First, int Last, int Source, int Step, int[]? Sources);

    private sealed record PlanePhase(Phase D, Phase H, Phase W, int Taps, long Weights, nint Table, nint Sweep);
}
