using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>
/// A kernel of one tap without stride and padding on channels-first tensors is a matrix product as it stands: vectors run along
/// pixels, and nothing has to be transposed. Pixels are copied by tile into [source channel][pixel], so that one stream is read.
/// </summary>
internal sealed unsafe class MatrixPlan<T> : FinitePlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const long PanelBytes = 256 * 1024;
    private const int LeastTiles = 4;

    // Weights of tiles that share a call: a first-level cache holds them beside the pixels that go by.
    private const long CallBytes = 16 * 1024;
    private const int CacheLine = 64;

    private readonly Strides5 _from;
    private readonly Strides5 _to;
    private readonly int _inputs;
    private readonly int _outputs;
    private readonly long _pixels;
    private readonly int _lanes;
    private readonly int _tile;
    private readonly int _pixelsPerPart;
    private readonly long _pixelParts;
    private readonly int _channelParts;
    private readonly MatrixCall[] _calls;
    private readonly int _mostTiles;
    private readonly int _pitch;
    private readonly long _groupWeights;
    private readonly T* _weights;
    private readonly T* _init;
    private readonly nint* _taps;
    private T* _scratch;
    private readonly long _scratchPerWorker;
    private long[] _panelOf;

    public MatrixPlan(View view, PlanOptions options)
        : base(view, options, "matrix")
    {
        KernelSet set = KernelSet.For<T>();
        (_from, _to) = view.IsDown ? (view.Big, view.Small) : (view.Small, view.Big);
        _inputs = (view.IsDown ? view.BigChannels : view.SmallChannels) / view.Groups;
        _outputs = (view.IsDown ? view.SmallChannels : view.BigChannels) / view.Groups;
        _pixels = (long)view.Axes[0].Big * view.Axes[1].Big * view.Axes[2].Big;
        int vectors = _outputs <= set.MostRows(4) ? 4 : 2;
        _lanes = vectors * set.Lanes;
        _tile = EqualTiles.Of(_outputs, set.MostRows(vectors));
        int tiles = (_outputs + _tile - 1) / _tile;

        // All weights are read again for each part's pixels, which stay in the second-level cache meanwhile.
        long most = Math.Max(LeastTiles, PanelBytes / ((long)_inputs * _lanes * sizeof(T))), chunks = (_pixels + _lanes - 1) / _lanes;
        long others = Math.Max(1, Problem.Batch * view.Groups), wanted = Threads == 1 ? 1 : (4L * Threads + others - 1) / others;
        _pixelParts = (chunks + most - 1) / most;
        if (_pixelParts < wanted) _pixelParts = Math.Min(wanted, Math.Max(1, chunks / LeastTiles));
        long perPart = (chunks + _pixelParts - 1) / _pixelParts;
        _pixelsPerPart = checked((int)(perPart * _lanes));
        _pixelParts = (chunks + perPart - 1) / perPart;
        _channelParts = (int)Math.Clamp((wanted + _pixelParts - 1) / _pixelParts, 1, tiles);
        _mostTiles = (int)Math.Clamp(CallBytes / ((long)_tile * _inputs * sizeof(T)), 1, Math.Max(1, tiles / _channelParts));
        _calls = Cut(set, vectors);
        _channelParts = Math.Min(_channelParts, _calls.Length);

        // Tiles of pixels lie a cache line more than their elements apart: multiples of a page would share one set of a first-level cache.
        _pitch = (_inputs * _lanes) + (CacheLine / sizeof(T));
        _groupWeights = (long)_outputs * _inputs;
        _weights = (T*)AllocateWeights(view.Groups * _groupWeights * sizeof(T));
        _init = (T*)AllocateWeights((long)view.Groups * _outputs * _lanes * sizeof(T));
        _taps = (nint*)AllocateWeights(2 * sizeof(nint));
        _scratchPerWorker = ((long)_pixelsPerPart / _lanes * _pitch) + ((long)_mostTiles * _tile * _lanes) + 64;
        _scratch = (T*)AllocateWorkspace(_scratchPerWorker * Threads * sizeof(T));
        _panelOf = new long[Threads];
    }

    protected override bool ReadsPadding => false;

    protected override IEnumerable<string> Steps =>
        [$"one tap: a matrix product of {_tile} channels by {_lanes} pixels a tile, up to {_mostTiles} tile(s) a call, {_pixelsPerPart} pixels at a time"];

    /// <summary>True where this plan serves: one tap, no stride, no padding, dense channels-first planes on both sides.</summary>
    public static bool Serves(View view)
    {
        Strides5 b = view.Big, s = view.Small;
        if (!view.IsPointwise) return false;
        // A few pixels fill vectors badly; output channels fill them better.
        long pixels = (long)view.Axes[0].Big * view.Axes[1].Big * view.Axes[2].Big, outputs = (view.IsDown ? view.SmallChannels : view.BigChannels) / view.Groups;
        int lanes = KernelSet.For<T>().Lanes;
        if (outputs >= 4 * lanes && pixels * 5 < (pixels + lanes - 1) / lanes * lanes * 4) return false;
        return b.W == 1 && s.W == 1 && (view.BigChannels > 1 || view.SmallChannels > 1) && b.C != 1 && s.C != 1;
    }

    /// <summary>Tiles that share a call, as equal as can be; the channels that fill no tile have a call of their own.</summary>
    private MatrixCall[] Cut(KernelSet set, int vectors)
    {
        int whole = _outputs / _tile, calls = (whole + _mostTiles - 1) / _mostTiles, first = 0;
        var cut = new List<MatrixCall>();
        for (int i = 0; i < calls; i++) Add(_tile, (int)(((long)whole * (i + 1) / calls) - ((long)whole * i / calls)));
        if (first < _outputs) Add(_outputs - first, 1);
        return [.. cut];

        void Add(int rows, int tiles)
        {
            cut.Add(new MatrixCall(first, rows, tiles, (nint)set.Find(rows, vectors), vectors == 2 ? (nint)set.Find(rows, 1) : 0));
            first += rows * tiles;
        }
    }

    /// <summary>Packs to [group][call][source channel][channel of the call]: rows of a power of two apart would share few cache sets.</summary>
    protected override void PackWeights(T* weights, T* bias)
    {
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        T* to = _weights;
        for (int g = 0; g < View.Groups; g++)
            foreach (MatrixCall call in _calls)
                for (int c = 0; c < _inputs; c++)
                    for (int o = 0; o < call.Rows * call.Tiles; o++) *to++ = weights[WeightAt(s, g, call.First + o, c, 0, 0, 0)];

        if (bias == null) return;
        for (int o = 0; o < View.Groups * _outputs; o++) new Span<T>(_init + ((long)o * _lanes), _lanes).Fill(bias[o]);
    }

    protected override void Renew()
    {
        base.Renew();
        _scratch = Another(_scratch);
        _panelOf = new long[Threads];
    }

    protected override void ExecuteFinite()
    {
        Array.Fill(_panelOf, -1);
        Spread(Problem.Batch * View.Groups * _pixelParts * _channelParts);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DoParts(long from, long to, int worker)
    {
        T* rest = _scratch + (worker * _scratchPerWorker), panel = rest + ((long)_mostTiles * _tile * _lanes);
        for (long part = from; part < to; part++)
        {
            long place = part / _channelParts, first = place % _pixelParts * _pixelsPerPart;
            int channels = (int)(part % _channelParts), group = (int)(place / _pixelParts % View.Groups);
            long n = place / _pixelParts / View.Groups;
            int pixels = (int)Math.Min(_pixelsPerPart, _pixels - first);
            if (_panelOf[worker] != place)
            {
                Pack(Source + (n * _from.N) + ((long)group * _inputs * _from.C) + first, panel, pixels);
                _panelOf[worker] = place;
            }

            int c0 = (int)((long)_calls.Length * channels / _channelParts), c1 = (int)((long)_calls.Length * (channels + 1) / _channelParts);
            for (int c = c0; c < c1; c++) Compute(_calls[c], panel, rest, (n * _to.N) + first, group, pixels);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compute(in MatrixCall call, T* panel, T* rest, long at, int group, int pixels)
    {
        int rows = call.Rows * call.Tiles, lanes = _lanes;
        long channel = ((long)group * _outputs) + call.First;
        var kernel = (delegate*<MicroArguments*, void>)call.Kernel;
        T* y = (T*)Now.Result + at + (channel * _to.C);
        MicroArguments q = new()
        {
            A = (byte*)(_weights + (group * _groupWeights) + ((long)call.First * _inputs)),
            AStep = sizeof(T),
            AElement = (nint)rows * sizeof(T),
            BStep = _lanes * sizeof(T),
            Taps = _taps,
            TapCount = 1,
            Run = _inputs,
            Init = (byte*)(_init + (channel * _lanes)),
            InitStep = _lanes * sizeof(T),
            Tiles = call.Tiles,
        };
        T* tile = panel;
        for (int p = 0; p < pixels; p += _lanes, tile += _pitch)
        {
            // The last pixels may fit narrower vectors.
            if (call.Tail != 0 && pixels - p <= _lanes / 2)
            {
                kernel = (delegate*<MicroArguments*, void>)call.Tail;
                lanes = _lanes / 2;
            }

            bool full = p + lanes <= pixels;
            q.B = (byte*)tile;
            q.Out = (byte*)(full ? y + p : rest);
            q.OutStep = full ? checked((nint)(_to.C * sizeof(T))) : _lanes * sizeof(T);
            kernel(&q);
            int count = Math.Min(lanes, pixels - p);
            if (!full)
                for (int r = 0; r < rows; r++) Copy.Run(rest + ((long)r * _lanes), y + (r * _to.C) + p, count);
            if (Post.IsNone) continue;
            for (int r = 0; r < rows; r++) Finish(at + ((channel + r) * _to.C) + p, count);
        }
    }

    /// <summary>Copies to [tile][source channel][lane]; lanes past the last pixel keep what they held, no result reads them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pack(T* source, T* panel, int pixels)
    {
        for (int c = 0; c < _inputs; c++, source += _from.C, panel += _lanes)
        {
            T* to = panel;
            for (int p = 0; p < pixels; p += _lanes, to += _pitch) Copy.Run(source + p, to, Math.Min(_lanes, pixels - p));
        }
    }

    /// <summary>Output channels from First on that one call computes, a tile of Rows after the other: whole vectors of pixels, and the half of them that is left.</summary>
    private readonly record struct MatrixCall(int First, int Rows, int Tiles, nint Kernel, nint Tail);
}
