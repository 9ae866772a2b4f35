using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>
/// Long filters over signals: one axis, stride 1, many taps, few output channels a group, channels first. A row is cut into stretches, each of which is
/// copied with what its taps read; vectors run along results, and the taps of one input channel are one run without a table.
/// </summary>
internal sealed unsafe class FirPlan<T> : FinitePlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int LeastTaps = 32;
    private const int LeastResults = 2048;

    // Results of a stretch: with its taps it stays in a second-level cache, and there are several for each thread.
    private const int MostResults = 4096;
    private const int PartsPerThread = 4;

    private readonly Strides5 _from;
    private readonly Strides5 _to;
    private readonly PhaseAxis _axis;
    private readonly Phase _taps;
    private readonly int _inputs;
    private readonly int _outputs;
    private readonly int _tile;
    private readonly int _lanes;
    private readonly nint _kernel;
    private readonly int _results;
    private readonly int _stretches;
    private readonly int _flat;
    private readonly int _plane;
    private readonly T* _weights;
    private readonly T* _init;
    private readonly nint* _table;
    private T* _scratch;
    private readonly long _scratchPerWorker;

    public FirPlan(View view, PlanOptions options)
        : base(view, options, "fir")
    {
        KernelSet set = KernelSet.For<T>();
        (_from, _to) = view.IsDown ? (view.Big, view.Small) : (view.Small, view.Big);
        _inputs = (view.IsDown ? view.BigChannels : view.SmallChannels) / view.Groups;
        _outputs = (view.IsDown ? view.SmallChannels : view.BigChannels) / view.Groups;
        _axis = new PhaseAxis(view.Axes[2], view.IsDown, view.Flip, view.IsDown ? Problem.PaddingMode : PaddingMode.Zeros);
        _taps = _axis.Phases[0];
        int vectors = _outputs <= set.MostRows(4) ? 4 : 2;
        _tile = EqualTiles.Of(_outputs, set.MostRows(vectors));
        _kernel = (nint)set.Find(_tile, vectors);
        _lanes = vectors * set.Lanes;
        long rows = Math.Max(1, Problem.Batch * view.Groups), wanted = (((long)PartsPerThread * Threads) + rows - 1) / rows;
        _results = (int)Math.Clamp((_taps.Count + wanted - 1) / wanted, Math.Min(_taps.Count, 4L * _lanes), MostResults);
        _results = (_results + _lanes - 1) / _lanes * _lanes;
        _stretches = (_taps.Count + _results - 1) / _results;
        _flat = _results + 64;
        _plane = checked(_results + _axis.Span + 64);
        _weights = (T*)AllocateWeights(Problem.WeightCount * sizeof(T));
        _init = (T*)AllocateWeights((long)view.Groups * _outputs * _lanes * sizeof(T));
        _table = (nint*)AllocateWeights((_inputs == 1 ? 1 : _taps.Offset.Length) * 2L * sizeof(nint));
        for (int k = 0; k < _taps.Offset.Length && _inputs > 1; k++)
            (_table[2 * k], _table[(2 * k) + 1]) = ((nint)k * _inputs * sizeof(T), (nint)(_taps.Offset[k] - _axis.Lowest) * sizeof(T));
        _scratchPerWorker = ((long)_flat * _tile) + ((long)_plane * _inputs);
        _scratch = (T*)AllocateWorkspace(checked(_scratchPerWorker * Threads * sizeof(T)));
    }

    protected override bool ReadsPadding => _axis.ReadsOutside;

    protected override IEnumerable<string> Steps =>
        [$"{_tile} channels by {_lanes} results, vectors along results; {_results} results at a time, their source copied with its padding"];

    /// <summary>True where this plan serves.</summary>
    public static bool Serves(View view)
    {
        (AxisMap d, AxisMap h, AxisMap w) = (view.Axes[0], view.Axes[1], view.Axes[2]);
        int outputs = (view.IsDown ? view.SmallChannels : view.BigChannels) / view.Groups;
        return outputs * 2 <= KernelSet.For<T>().Lanes && d is { Kernel: 1, Big: 1, Small: 1, PadBegin: 0 } && h is { Kernel: 1, Big: 1, Small: 1, PadBegin: 0 } && w is { Stride: 1, Kernel: >= LeastTaps }
            && (view.IsDown ? w.Small : w.Big) >= LeastResults && view.Big.W == 1 && view.Small.W == 1;
    }

    /// <summary>Packs to [group][output channel][tap][source channel]; begin values are a vector block a channel.</summary>
    protected override void PackWeights(T* weights, T* bias)
    {
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        T* to = _weights;
        for (int g = 0; g < View.Groups; g++)
            for (int o = 0; o < _outputs; o++)
                foreach (int k in _taps.Weight)
                    for (int c = 0; c < _inputs; c++) *to++ = weights[WeightAt(s, g, o, c, 0, 0, k)];
        if (bias == null) return;
        for (int o = 0; o < View.Groups * _outputs; o++) new Span<T>(_init + ((long)o * _lanes), _lanes).Fill(bias[o]);
    }

    protected override void Renew()
    {
        base.Renew();
        _scratch = Another(_scratch);
    }

    protected override void ExecuteFinite() => Spread(Problem.Batch * View.Groups * _stretches);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DoParts(long from, long to, int worker)
    {
        T* flat = _scratch + (worker * _scratchPerWorker), plane = flat + ((long)_flat * _tile);
        for (long part = from; part < to; part++)
        {
            int first = (int)(part % _stretches) * _results, count = Math.Min(_results, _taps.Count - first);
            long n = part / _stretches / View.Groups, group = part / _stretches % View.Groups;
            T* x = Source + (n * _from.N) + (group * _inputs * _from.C);
            for (int c = 0; c < _inputs; c++) Fill(x + (c * _from.C), first + _axis.Lowest, count + _axis.Span - 1, plane + ((long)c * _plane));
            Compute(plane, flat, n, group, first, count);
        }
    }

    /// <summary>Places first and on of the padded source.</summary>
    private void Fill(T* source, int first, int count, T* to)
    {
        int inside = Math.Clamp(-first, 0, count), end = Math.Clamp(_axis.SourceSize - first, inside, count);
        for (int i = 0; i < inside; i++) to[i] = At(source, first + i);
        if (end > inside) Copy.Run(source + first + inside, to + inside, end - inside);
        for (int i = end; i < count; i++) to[i] = At(source, first + i);
    }

    private T At(T* source, int place) => _axis.SourceAt(place, 0) is >= 0 and var i ? source[i] : PadValue;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compute(T* plane, T* flat, long n, long group, int first, int count)
    {
        var kernel = (delegate*<MicroArguments*, void>)_kernel;
        int taps = _taps.Offset.Length;
        bool run = _inputs == 1;
        MicroArguments q = new()
        {
            AStep = (nint)taps * _inputs * sizeof(T),
            AElement = sizeof(T),
            BStep = run ? (taps > 1 ? _taps.Offset[1] - _taps.Offset[0] : 1) * (nint)sizeof(T) : (nint)_plane * sizeof(T),
            Taps = _table,
            TapCount = run ? 1 : taps,
            Run = run ? taps : _inputs,
            InitStep = _lanes * sizeof(T),
            OutStep = (nint)_flat * sizeof(T),
        };
        long start = (n * _to.N) + (group * _outputs * _to.C) + first;
        for (int o = 0; o < _outputs; o += _tile)
        {
            int o0 = Math.Min(o, _outputs - _tile);
            long channel = (group * _outputs) + o0;
            q.A = (byte*)(_weights + (channel * taps * _inputs));
            q.Init = (byte*)(_init + (channel * _lanes));
            for (int f = 0; f < count; f += _lanes)
            {
                q.B = (byte*)(plane + f);
                q.Out = (byte*)(flat + f);
                kernel(&q);
            }

            // Channels that the tile before has finished must not be finished twice.
            for (int r = o - o0; r < _tile; r++)
            {
                long at = start + ((o0 + r) * _to.C);
                Copy.Run(flat + ((long)r * _flat), (T*)Now.Result + at, count);
                Finish(at, count);
            }
        }
    }
}
