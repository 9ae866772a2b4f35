using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Backends.Common;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>
/// Depthwise, or a few channels a group, on channels-last tensors: a vector holds neighbouring channels of one pixel (of several
/// groups), so neither side is rearranged. Pixels at the border run with the taps that exist, which serves every padding mode that
/// shows elements of the input.
/// </summary>
internal sealed unsafe class LanesPlan<T> : FinitePlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly KernelSet _set;
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
    private readonly int _perGroup;
    private readonly int _mostRows;
    private readonly T* _index;
    private readonly T* _weights;
    private readonly T* _init;
    private readonly nint* _tables;
    private readonly int _rowTile;
    private readonly nint _row;

    public LanesPlan(View view, PlanOptions options)
        : base(view, options, view.Groups == view.BigChannels ? "depthwise" : "groups")
    {
        _set = KernelSet.For<T>();
        (_from, _to) = view.IsDown ? (view.Big, view.Small) : (view.Small, view.Big);
        (_channels, _lanes, _taps) = (view.BigChannels, _set.Lanes, view.Taps);
        _perGroup = _channels / view.Groups;
        _mostRows = _set.Accumulators < 24 && _perGroup > 1 ? 4 : 8;
        _blocks = (_channels + _lanes - 1) / _lanes;
        PaddingMode mode = view.IsDown ? Problem.PaddingMode : PaddingMode.Zeros;
        (_d, _h, _w) = (Axis(0), Axis(1), Axis(2));
        var phases = new List<LanesPhase>();
        foreach (Phase d in _d.Phases)
            foreach (Phase h in _h.Phases)
                foreach (Phase w in _w.Phases) phases.Add(Describe(d, h, w));
        _phases = [.. phases];
        _weights = (T*)AllocateWeights((long)_blocks * _taps * _perGroup * _lanes * sizeof(T));
        _index = (T*)AllocateWeights((long)_perGroup * _lanes * sizeof(T));
        WriteIndex();
        _init = (T*)AllocateWeights((long)_channels * sizeof(T));
        if (_perGroup == 1 && _w.Phases is [var only] && mode == PaddingMode.Zeros && OneStep(only.Offset) && _set.FindRow(only.Offset.Length, _w.SourceStep, 1) != null)
        {
            // The fewest pixels in all; of those the largest tile.
            _rowTile = ((int[])[8, 7, 4, 2, 1]).Where(r => r <= only.Count).MinBy(r => (only.Count + r - 1) / r * r);
            _row = (nint)_set.FindRow(only.Offset.Length, _w.SourceStep, _rowTile);
        }

        _tables = (nint*)AllocateWorkspace((long)Threads * _taps * 4 * sizeof(nint));

        PhaseAxis Axis(int i) => new(view.Axes[i], view.IsDown, view.Flip, mode);
    }

    protected override bool ReadsPadding => false;

    protected override IEnumerable<string> Steps => [$"vectors of {_lanes} channels, {(_row != 0 ? _rowTile : _mostRows)} pixels a tile, in place on both sides; {_phases.Length} phase(s)"];

    /// <summary>True where this plan serves: whole groups in a vector, as many channels in as out, channels last, enough of them.</summary>
    public static bool Serves(View view)
    {
        int lanes = KernelSet.For<T>().Lanes, perGroup = view.BigChannels / view.Groups;
        return view.SmallChannels == view.BigChannels && (perGroup == 1 || (perGroup < lanes && lanes % perGroup == 0)) && view.Groups > 1
            && view.Big.C == 1 && view.Small.C == 1 && view.BigChannels >= lanes && (view.Problem.PaddingMode != PaddingMode.Constant || !view.IsDown);
    }

    private void WriteIndex()
    {
        int words = sizeof(T) / sizeof(int);
        for (int c = 0; c < _perGroup; c++)
            for (int l = 0; l < _lanes; l++)
                for (int i = 0; i < words; i++)
                    ((int*)_index)[(((c * _lanes) + l) * words) + i] = (((l / _perGroup * _perGroup) + c) * words) + i;
    }

    private LanesPhase Describe(Phase d, Phase h, Phase w)
    {
        // Columns whose taps all lie where the unpadded formula says; the others go one by one.
        int first = 0, last = w.Count;
        while (first < last && !Plain(first)) first++;
        while (last > first && !Plain(last - 1)) last--;
        return new LanesPhase(d, h, w, first, last, EqualTiles.Of(last - first, _mostRows));

        bool Plain(int j) => Array.TrueForAll(w.Offset, o => (j * _w.SourceStep) + o >= 0 && (j * _w.SourceStep) + o < _w.SourceSize);
    }

    private static bool OneStep(int[] offsets) => Array.TrueForAll(offsets, o => o - offsets[0] == Array.IndexOf(offsets, o));

    /// <summary>Packs to [block][tap][lane]; the last block is moved back to end with the channels. Columns lie as the rows' kernel reads them.</summary>
    protected override void PackWeights(T* weights, T* bias)
    {
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        int kd = View.Axes[0].Kernel, kh = View.Axes[1].Kernel, kw = View.Axes[2].Kernel;
        for (int b = 0; b < _blocks; b++)
            for (int t = 0; t < _taps; t++)
                for (int c = 0; c < _perGroup; c++)
                    for (int l = 0; l < _lanes; l++)
                    {
                        int o = Channel(b) + l, column = _row != 0 ? _w.Phases[0].Weight[t % kw] : t % kw;
                        _weights[(((((long)b * _taps) + t) * _perGroup + c) * _lanes) + l] = weights[WeightAt(s, o / _perGroup, o % _perGroup, c, t / kw / kh % kd, t / kw % kh, column)];
                    }

        if (bias != null) new ReadOnlySpan<T>(bias, _channels).CopyTo(new Span<T>(_init, _channels));
    }

    private int Channel(int block) => Math.Min(block * _lanes, _channels - _lanes);

    protected override void ExecuteFinite() => Spread(Problem.Batch * _d.Count * _h.Count);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DoParts(long from, long to, int worker)
    {
        nint* inner = _tables + ((long)worker * _taps * 4), border = inner + (2 * _taps);
        for (long part = from; part < to; part++)
        {
            int h = (int)(part % _h.Count), d = (int)(part / _h.Count % _d.Count);
            long n = part / _h.Count / _d.Count;
            foreach (LanesPhase p in _phases)
                if (h < p.H.Count && d < p.D.Count) Row(p, n, d, h, inner, border);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Row(LanesPhase p, long n, int d, int h, nint* inner, nint* border)
    {
        T* x = Source + (n * _from.N);
        long at = (n * _to.N) + ((p.D.First + (p.D.Step * d)) * _to.D) + ((p.H.First + (p.H.Step * h)) * _to.H) + (p.W.First * _to.W);
        long step = p.W.Step * _to.W;
        T* y = (T*)Now.Result + at;
        if (_row != 0)
        {
            WholeRow(p, x, y, d, h, inner);
            if (!Post.IsNone) Finish(at, checked(p.W.Count * _channels));
            return;
        }

        int taps = Table(p, d, h, -1, inner);
        MicroArguments q = new()
        {
            AStep = checked((nint)(_w.SourceStep * _from.W * sizeof(T))),
            OutStep = checked((nint)(step * sizeof(T))),
            Taps = inner,
            TapCount = taps,
            Run = _perGroup,
            Index = (byte*)_index,
        };
        for (int w = p.Inner; w < p.InnerEnd; w += p.Tile)
        {
            int w0 = Math.Min(w, p.InnerEnd - p.Tile);
            Blocks(ref q, Kernel(p.Tile), x + (w0 * _w.SourceStep * _from.W), y + (w0 * step));
        }

        q.Taps = border;
        for (int w = 0; w < p.W.Count; w++)
        {
            if (w == p.Inner) w = p.InnerEnd;
            if (w >= p.W.Count) break;
            q.TapCount = Table(p, d, h, w, border);
            Blocks(ref q, Kernel(1), x, y + (w * step));
        }

        if (Post.IsNone) return;
        if (step == _channels) Finish(at, checked(p.W.Count * _channels));
        else
            for (int w = 0; w < p.W.Count; w++) Finish(at + (w * step), _channels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WholeRow(LanesPhase p, T* x, T* y, int d, int h, nint* table)
    {
        int taps = 0, kh = View.Axes[1].Kernel, kw = View.Axes[2].Kernel;
        for (int i = 0; i < p.D.Offset.Length; i++)
            for (int j = 0; j < p.H.Offset.Length; j++)
            {
                int sd = _d.SourceAt(d, p.D.Offset[i]), sh = _h.SourceAt(h, p.H.Offset[j]);
                if ((sd | sh) < 0) continue;
                table[2 * taps] = checked((nint)(((sd * _from.D) + (sh * _from.H)) * sizeof(T)));
                table[(2 * taps) + 1] = (nint)((p.D.Weight[i] * kh) + p.H.Weight[j]) * kw * _lanes * sizeof(T);
                taps++;
            }

        MicroArguments q = new()
        {
            AStep = checked((nint)(_from.W * sizeof(T))),
            OutStep = checked((nint)(_to.W * sizeof(T))),
            Taps = table,
            TapCount = taps,
        };
        for (int w = 0; w < p.W.Count; w += _rowTile)
        {
            int w0 = Math.Min(w, p.W.Count - _rowTile), column = (w0 * _w.SourceStep) + p.W.Offset[0];
            (q.First, q.End) = (-column, _w.SourceSize - column);
            Blocks(ref q, (delegate*<MicroArguments*, void>)_row, x + (column * _from.W), y + (w0 * _to.W));
        }
    }

    private delegate*<MicroArguments*, void> Kernel(int rows) => _perGroup == 1 ? _set.FindLanes(rows) : _set.FindGroups(rows);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Blocks(ref MicroArguments q, delegate*<MicroArguments*, void> kernel, T* x, T* y)
    {
        fixed (MicroArguments* a = &q)
            for (int b = 0; b < _blocks; b++)
            {
                int c = Channel(b);
                a->A = (byte*)(x + c);
                a->B = (byte*)(_weights + ((long)b * _taps * _perGroup * _lanes));
                a->Init = (byte*)(_init + c);
                a->Out = (byte*)(y + c);
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
                    table[(2 * count) + 1] = (nint)tap * _perGroup * _lanes * sizeof(T);
                    count++;
                }
            }
        }

        return count;
    }

    /// <summary>Phases of the three axes, and the columns from <c>Inner</c> to <c>InnerEnd</c> that have all their taps.</summary>
    private sealed record LanesPhase(Phase D, Phase H, Phase W, int Inner, int InnerEnd, int Tile);
}
