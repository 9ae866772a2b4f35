using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Depthwise;

/// <summary>
/// Depthwise, or a few channels a group: a vector holds neighbouring channels of one pixel (of several groups). Channels-last tensors
/// are used as they lie; small channels-first planes are transposed, a vector's worth of them at a time. Pixels at the border run with
/// the taps that exist, which serves every padding mode that shows elements of the input.
/// </summary>
internal sealed unsafe partial class LanesPlan<T> : FinitePlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // Rows of both sides of so many bytes leave room in a second-level cache for what streams by.
    private const long BandBytes = 128 * 1024;

    // What a phase takes, roughly.
    private const int PhaseBytes = 128;

    private readonly DepthwiseSet _set;
    private readonly Strides5 _source;
    private readonly Strides5 _target;
    private readonly Strides5 _from;
    private readonly Strides5 _to;
    private readonly int _channels;
    private readonly int _lanes;
    private readonly int _blocks;
    private readonly PhaseAxis _d;
    private readonly PhaseAxis _h;
    private readonly PhaseAxis _w;
    private readonly LanesPhase[] _phases;
    private readonly int _taps;
    private readonly int _inputs;
    private readonly int _outputs;
    private readonly bool _spreads;
    private readonly int _mostRows;
    private readonly T* _index;
    private readonly T* _weights;
    private readonly T* _init;
    private nint* _tables;
    private readonly int _rowTile;
    private readonly nint _row;
    private readonly int _tilePixels;
    private readonly nint _tile;
    private readonly bool _packs;
    private readonly int _rowsPerPart;
    private readonly int _rowParts;
    private readonly int _bandRows;
    private readonly int _bands;
    private T* _panels;
    private readonly long _panelElements;
    private readonly long _sourcePanel;

    public LanesPlan(View view, PlanOptions options)
        : base(view, options, view.Groups == view.BigChannels ? "depthwise" : "groups")
    {
        _set = DepthwiseSet.For<T>();
        (_source, _target) = view.IsDown ? (view.Big, view.Small) : (view.Small, view.Big);
        (_channels, _lanes, _taps) = (view.IsDown ? view.SmallChannels : view.BigChannels, _set.Lanes, view.Taps);
        (_inputs, _outputs) = ((view.IsDown ? view.BigChannels : view.SmallChannels) / view.Groups, _channels / view.Groups);
        _spreads = _outputs > 1;
        _packs = _source.C != 1;
        _mostRows = _set.Registers < 32 && _spreads ? 4 : 8;
        _blocks = (_channels + _lanes - 1) / _lanes;
        PaddingMode mode = view.IsDown ? Problem.PaddingMode : PaddingMode.Zeros;
        (_d, _h, _w) = (Axis(0), Axis(1), Axis(2));
        if (_packs)
        {
            // A vector's worth of planes, channels last.
            (AxisMap h, AxisMap w) = (view.Axes[1], view.Axes[2]);
            (int height, int width, int results) = view.IsDown ? (h.Big, w.Big, w.Small) : (h.Small, w.Small, w.Big);
            _from = new Strides5(0, 1, 0, (long)width * _lanes, _lanes);
            _to = new Strides5(0, 1, 0, (long)results * _lanes, _lanes);
            int step = _h.Phases[0].Step;
            long bytes = ((_from.H * _h.SourceStep) + (_to.H * step)) * sizeof(T);
            _bandRows = mode == PaddingMode.Zeros ? (int)Math.Clamp(BandBytes / bytes, 1, Math.Max(1, _h.Count)) : _h.Count;
            _bandRows = EqualTiles.Of(_h.Count, _bandRows);
            _bands = (_h.Count + _bandRows - 1) / _bandRows;
            int rows = _bands == 1 ? height : Math.Min(height, ((_bandRows - 1) * _h.SourceStep) + _h.Offsets[^1] - _h.Offsets[0] + 1);
            _sourcePanel = rows * _from.H;
            _panelElements = (_sourcePanel + (_bandRows * step * _to.H) + 63) / 64 * 64;
            _panels = (T*)AllocateWorkspace(checked(_panelElements * Threads * sizeof(T)));
        }
        else (_from, _to) = (_source, _target);
        MemoryBudget.Take((Int128)_d.Phases.Length * _h.Phases.Length * _w.Phases.Length * PhaseBytes);
        var phases = new List<LanesPhase>();
        foreach (Phase d in _d.Phases)
            foreach (Phase h in _h.Phases)
                foreach (Phase w in _w.Phases) phases.Add(Describe(d, h, w));
        _phases = [.. phases];
        _weights = (T*)AllocateWeights((long)_blocks * _taps * _inputs * _lanes * sizeof(T));
        _index = (T*)AllocateWeights((_inputs == _outputs ? (long)_inputs : _blocks) * _lanes * sizeof(T));
        WriteIndex();
        _init = (T*)AllocateWeights((long)_channels * sizeof(T));
        if (mode == PaddingMode.Zeros && _w.Phases is [var only] && OneStep(only.Offset)) (_rowTile, _row, _tilePixels, _tile) = ChooseRow(only);
        _rowsPerPart = _tile == 0 ? 1 : 2;
        _rowParts = (_h.Count + _rowsPerPart - 1) / _rowsPerPart;

        _tables = (nint*)AllocateWorkspace((long)Threads * _taps * 4 * sizeof(nint));

        PhaseAxis Axis(int i) => new(view.Axes[i], view.IsDown, view.Flip, mode);
    }

    protected override bool ReadsPadding => false;

    protected override IEnumerable<string> Steps => [$"vectors of {_lanes} channels, {(_tile != 0 ? $"2 by {_tilePixels}" : _row != 0 ? _rowTile : _mostRows)} pixels a tile, {(_packs ? $"planes transposed {_bandRows} rows at a time" : "in place on both sides")}; {_phases.Length} phase(s)"];

    /// <summary>
    /// True where this plan serves. Channels last: whole groups in a vector with as many channels in as out, or one channel in and a few out.
    /// Channels first: depthwise.
    /// </summary>
    public static bool Serves(View view)
    {
        int lanes = DepthwiseSet.For<T>().Lanes, from = view.IsDown ? view.BigChannels : view.SmallChannels, to = view.IsDown ? view.SmallChannels : view.BigChannels;
        if (view.Groups == 1 || from < lanes || to < lanes || (view.Problem.PaddingMode == PaddingMode.Constant && view.IsDown)) return false;
        int inputs = from / view.Groups, outputs = to / view.Groups;
        if (view.Big.C == 1 && view.Small.C == 1) return inputs == outputs ? inputs == 1 || (inputs < lanes && lanes % inputs == 0) : inputs == 1 && outputs * 2 <= lanes;
        return typeof(T) == typeof(float) && lanes >= 4 && inputs == 1 && outputs == 1 && view.Big.W == 1 && view.Small.W == 1 && view.Big.C != 1 && view.Small.C != 1
            && view.Axes[0] is { Kernel: 1, Big: 1, Small: 1 } && view.Problem.PaddingMode == PaddingMode.Zeros && Transposes(view, lanes);
    }

    /// <summary>Which lanes of a loaded vector go to the lanes of the results: an order for each channel of a group, or for each block where a channel has several results.</summary>
    private void WriteIndex()
    {
        int words = sizeof(T) / sizeof(int), orders = _inputs == _outputs ? _inputs : _blocks;
        for (int c = 0; c < orders; c++)
            for (int l = 0; l < _lanes; l++)
                for (int i = 0; i < words; i++)
                {
                    int lane = _inputs == _outputs ? (l / _outputs * _outputs) + c : ((Channel(c) + l) / _outputs) - SourceChannel(c);
                    ((int*)_index)[(((c * _lanes) + l) * words) + i] = (lane * words) + i;
                }
    }

    private LanesPhase Describe(Phase d, Phase h, Phase w)
    {
        // Columns whose taps all lie where the unpadded formula says; the others go one by one.
        int first = 0, last = w.Count;
        while (first < last && !Plain(first)) first++;
        while (last > first && !Plain(last - 1)) last--;
        return new LanesPhase(d, h, w, first, last, EqualTiles.Of(last - first, _mostRows));

        bool Plain(int j) => w.Offset.Length == 0 || ((j * (long)_w.SourceStep) + w.Offset[0] >= 0 && (j * (long)_w.SourceStep) + w.Offset[^1] < _w.SourceSize);
    }

    private static bool OneStep(int[] offsets) => Array.TrueForAll(offsets, o => o - offsets[0] == Array.IndexOf(offsets, o));

    /// <summary>Packs to [block][tap][lane]; the last block is moved back to end with the channels. Columns and rows lie as the kernels read them.</summary>
    protected override void PackWeights(T* weights, T* bias)
    {
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        int kd = View.Axes[0].Kernel, kh = View.Axes[1].Kernel, kw = View.Axes[2].Kernel;
        for (int b = 0; b < _blocks; b++)
            for (int t = 0; t < _taps; t++)
                for (int c = 0; c < _inputs; c++)
                    for (int l = 0; l < _lanes; l++)
                    {
                        int o = Channel(b) + l, column = _row != 0 ? _w.Phases[0].Weight[t % kw] : t % kw, row = _tile != 0 ? _h.Phases[0].Weight[t / kw % kh] : t / kw % kh;
                        _weights[(((((long)b * _taps) + t) * _inputs + c) * _lanes) + l] = weights[WeightAt(s, o / _outputs, o % _outputs, c, t / kw / kh % kd, row, column)];
                    }

        if (bias != null) new ReadOnlySpan<T>(bias, _channels).CopyTo(new Span<T>(_init, _channels));
    }

    private int Channel(int block) => Math.Min(block * _lanes, _channels - _lanes);

    /// <summary>The channel at which a block's vectors of the source begin; none reaches past the last one.</summary>
    private int SourceChannel(int block) => _inputs == _outputs ? Channel(block) : Math.Min(Channel(block) / _outputs, (_channels / _outputs) - _lanes);

    protected override void Renew()
    {
        base.Renew();
        _tables = Another(_tables);
        _panels = Another(_panels);
    }

    protected override void ExecuteFinite() => Spread(_packs ? Problem.Batch * _blocks * _bands : Problem.Batch * _d.Count * _rowParts);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DoParts(long from, long to, int worker)
    {
        nint* inner = _tables + ((long)worker * _taps * 4);
        for (long part = from; part < to; part++)
        {
            if (_packs)
            {
                Band(part, worker, inner);
                continue;
            }

            int h0 = (int)(part % _rowParts) * _rowsPerPart, d = (int)(part / _rowParts % _d.Count);
            long n = part / _rowParts / _d.Count;
            foreach (LanesPhase p in _phases)
            {
                if (d >= p.D.Count) continue;
                int h1 = Math.Min(h0 + _rowsPerPart, p.H.Count);
                long at = (n * _to.N) + ((p.D.First + (p.D.Step * d)) * _to.D) + (p.H.First * _to.H) + (p.W.First * _to.W), row = p.H.Step * _to.H;
                Rows(p, Source + (n * _from.N), (T*)Now.Result + at, d, h0, h1, new Range32(0, _blocks), inner);
                for (int h = h0; h < h1; h++) FinishRow(p, at + (h * row));
            }
        }
    }

    /// <summary>Rows h0 to h1 of results of a phase, of the blocks given; x is the image, y the phase's first result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Rows(LanesPhase p, T* x, T* y, int d, int h0, int h1, Range32 blocks, nint* inner)
    {
        long row = p.H.Step * _to.H;
        int h = h0;
        if (_tile != 0)
            for (; h + 1 < h1; h += 2) TwoRows(p, x, y + (h * row), d, h, blocks);
        for (; h < h1; h++)
        {
            if (_row != 0) WholeRow(p, x, y + (h * row), d, h, blocks, inner);
            else Row(p, x, y + (h * row), d, h, blocks, inner);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Row(LanesPhase p, T* x, T* y, int d, int h, Range32 blocks, nint* inner)
    {
        long step = p.W.Step * _to.W;
        nint* border = inner + (2 * _taps);
        MicroArguments q = new()
        {
            AStep = checked((nint)(_w.SourceStep * _from.W * sizeof(T))),
            OutStep = checked((nint)(step * sizeof(T))),
            Taps = inner,
            TapCount = Table(p, d, h, -1, inner),
            Run = _inputs,
            Index = (byte*)_index,
        };
        for (int w = p.Inner; w < p.InnerEnd; w += p.Tile)
        {
            int w0 = Math.Min(w, p.InnerEnd - p.Tile);
            Blocks(ref q, Kernel(p.Tile), x + (w0 * _w.SourceStep * _from.W), y + (w0 * step), blocks);
        }

        q.Taps = border;
        for (int w = 0; w < p.W.Count; w++)
        {
            if (w == p.Inner) w = p.InnerEnd;
            if (w >= p.W.Count) break;
            q.TapCount = Table(p, d, h, w, border);
            Blocks(ref q, Kernel(1), x, y + (w * step), blocks);
        }
    }

    private void FinishRow(LanesPhase p, long at)
    {
        long step = p.W.Step * _to.W;
        if (Post.IsNone) return;
        if (step == _channels) Finish(at, checked(p.W.Count * _channels));
        else
            for (int w = 0; w < p.W.Count; w++) Finish(at + (w * step), _channels);
    }

    private delegate*<MicroArguments*, void> Kernel(int rows) => _spreads ? _set.Groups(rows) : _set.Rows(rows);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Blocks(ref MicroArguments q, delegate*<MicroArguments*, void> kernel, T* x, T* y, Range32 blocks)
    {
        fixed (MicroArguments* a = &q)
            for (int b = blocks.From; b < blocks.To; b++)
            {
                int c = Channel(b);
                a->A = (byte*)(_packs ? x : x + SourceChannel(b));
                a->B = (byte*)(_weights + ((long)b * _taps * _inputs * _lanes));
                a->Init = (byte*)(_init + c);
                a->Out = (byte*)(_packs ? y : y + c);
                if (_inputs != _outputs) a->Index = (byte*)(_index + ((long)b * _lanes));
                kernel(a);
            }
    }

    /// <summary>Taps of one row that exist: for column w, or with w = -1 for all inner columns, relative to the column's own place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Table(LanesPhase p, int d, int h, int w, nint* table)
    {
        int count = 0, kh = View.Axes[1].Kernel, kw = View.Axes[2].Kernel;
        for (int i = 0; i < p.D.Offset.Length; i++)
        {
            int sd = _d.SourceAt(d, p.D.Offset[i]);
            if (sd < 0) continue;
            for (int j = 0; j < p.H.Offset.Length; j++)
            {
                int sh = _h.SourceAt(h, p.H.Offset[j]);
                if (sh < 0) continue;
                for (int k = 0; k < p.W.Offset.Length; k++)
                {
                    int sw = w < 0 ? p.W.Offset[k] : _w.SourceAt(w, p.W.Offset[k]);
                    if (w >= 0 && sw < 0) continue;
                    int tap = (((p.D.Weight[i] * kh) + p.H.Weight[j]) * kw) + p.W.Weight[k];
                    table[2 * count] = checked((nint)(((sd * _from.D) + (sh * _from.H) + (sw * _from.W)) * sizeof(T)));
                    table[(2 * count) + 1] = (nint)tap * _inputs * _lanes * sizeof(T);
                    count++;
                }
            }
        }

        return count;
    }

    private readonly record struct Range32(int From, int To);

    /// <summary>Phases of the three axes, and the columns from <c>Inner</c> to <c>InnerEnd</c> that have all their taps.</summary>
    private sealed record LanesPhase(Phase D, Phase H, Phase W, int Inner, int InnerEnd, int Tile);
}
