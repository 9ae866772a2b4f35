using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>
/// Winograd's minimal filtering for dense 3x3 kernels of stride 1, forward and backward data, in f32: F(4x4, 3x3) with a quarter of the
/// products, F(2x2, 3x3) with 4/9 of them where the larger one's weights would outgrow the caches. Three steps for a band of tiles at a
/// time: transform sources, a matrix product for each point, transform results. With few channels a band belongs to one thread and stays in its
/// second-level cache; with many it is a band of tile rows, and the threads share each step.
/// </summary>
internal sealed unsafe class WinogradPlan : FinitePlan<float>
{
    // What a band's transformed sources and products may take of a shared last-level cache, and what weights may.
    private const long BandBytes = 6 * 1024 * 1024;
    private const long WeightBytesMost = 16 * 1024 * 1024;
    private const int LeastChannels = 64;
    private const int LeastSize = 14;

    // A thread's own band beside these weights, in a usual second-level cache.
    private const long OwnBandBytes = 288 * 1024;
    private const long OwnWeightBytesMost = 640 * 1024;

    private readonly Strides5 _from;
    private readonly Strides5 _to;
    private readonly int _inputs;
    private readonly int _outputs;
    private readonly Phase _h;
    private readonly Phase _w;
    private readonly int _sourceHeight;
    private readonly int _sourceWidth;
    private readonly int _m;
    private readonly int _n;
    private readonly int _across;
    private readonly long _tileRows;
    private readonly int _tilesDown;
    private readonly bool _own;
    private readonly int _chunk;
    private readonly int _bandRows;
    private readonly int _bandTiles;
    private readonly int _width;
    private readonly int _blocks;
    private readonly int _tile;
    private readonly nint _kernel;
    private readonly int _inPitch;
    private readonly int _outPitch;
    private readonly long _inPoint;
    private readonly long _outPoint;
    private readonly float* _weights;
    private readonly float* _bias;
    private float* _sources;
    private float* _products;
    private float* _strips;
    private readonly long _strip;
    private readonly nint* _taps;
    private readonly float* _zero;
    private int _step;
    private long _firstRow;
    private int _rowsNow;

    public WinogradPlan(View view, PlanOptions options)
        : base(view, options, $"winograd_f{Size(view)}")
    {
        KernelSet set = KernelSet.For<float>();
        (_from, _to) = view.IsDown ? (view.Big, view.Small) : (view.Small, view.Big);
        (_inputs, _outputs) = view.IsDown ? (view.BigChannels, view.SmallChannels) : (view.SmallChannels, view.BigChannels);
        PhaseAxis h = Axis(view, 1), w = Axis(view, 2);
        (_h, _w, _sourceHeight, _sourceWidth) = (h.Phases[0], w.Phases[0], h.SourceSize, w.SourceSize);
        _m = Size(view);
        _n = _m + 2;
        _across = (_w.Count + _m - 1) / _m;
        _tilesDown = (_h.Count + _m - 1) / _m;
        _tileRows = Problem.Batch * _tilesDown;
        _width = 2 * set.Lanes;
        _blocks = (_outputs + _width - 1) / _width;

        // A cache line more where rows would lie a multiple of a part of a page apart.
        _inPitch = _inputs + (_inputs % 256 == 0 ? 16 : 0);
        _outPitch = (_blocks * _width) + (_blocks * _width % 256 == 0 ? 16 : 0);
        long perTile = (long)_n * _n * (_inPitch + _outPitch) * sizeof(float);
        int most = set.MostRows(2), own = (int)(OwnBandBytes / perTile / most) * most;
        _own = own > 0 && (long)_n * _n * _blocks * _width * _inputs * sizeof(float) <= OwnWeightBytesMost;
        _bandRows = (int)Math.Clamp(BandBytes / (perTile * Math.Max(1, _across)), 1, Math.Max(1, _tileRows));
        _bandTiles = _own ? (int)Math.Min(own, Math.Max(1, _tileRows * _across)) : _bandRows * _across;
        _tile = EqualTiles.Of(_bandTiles, most);
        _kernel = (nint)set.Find(_tile, 2);

        // A transposed strip of a quarter of the channels stays in the first-level cache.
        _chunk = _own && (_from.C != 1 || _to.C != 1) ? 16 : 64;
        int bands = _own ? Threads : 1, tiles = _bandTiles;
        _inPoint = ((long)tiles * _inPitch) + 16;
        _outPoint = ((long)tiles * _outPitch) + 16;
        _weights = (float*)AllocateWeights((long)_n * _n * _blocks * _inputs * _width * sizeof(float));
        _bias = (float*)AllocateWeights((long)_blocks * _width * sizeof(float));
        _zero = (float*)AllocateWeights(_width * sizeof(float));
        _taps = (nint*)AllocateWeights(2 * sizeof(nint));
        _sources = (float*)AllocateWorkspace(bands * _n * _n * _inPoint * sizeof(float));
        _products = (float*)AllocateWorkspace(bands * _n * _n * _outPoint * sizeof(float));
        _strip = ((long)_n * ((Math.Min(_across, _bandTiles) * _m) + 2) * _chunk) + 64;
        _strips = (float*)AllocateWorkspace(_strip * Threads * sizeof(float));
    }

    public override AlgorithmClass Algorithm => NeedsExact ? AlgorithmClass.Direct : AlgorithmClass.Winograd;

    protected override bool ReadsPadding => true;

    protected override IEnumerable<string> Steps =>
        [$"Winograd F({_m}x{_m}, 3x3), {_n * _n} matrix products of {_tile} tiles by {_width} channels, {(_own ? $"{_bandTiles} tiles a thread" : $"{_bandRows} tile rows")} at a time"];

    private int InChunks => (_inputs + _chunk - 1) / _chunk;

    private int OutChunks => (_outputs + _chunk - 1) / _chunk;

    private int Parts => _step switch
    {
        0 => _rowsNow * InChunks,
        1 => _n * _n * BlockParts,
        _ => _rowsNow * OutChunks,
    };

    private int BlockParts => Math.Min(_blocks, Math.Max(1, 4 * Threads / (_n * _n)));

    /// <summary>True where this plan serves and is faster.</summary>
    public static bool Serves(View view)
    {
        AxisMap d = view.Axes[0], h = view.Axes[1], w = view.Axes[2];
        return d is { Kernel: 1, Big: 1, Small: 1 } && h is { Kernel: 3, Stride: 1, Dilation: 1 } && w is { Kernel: 3, Stride: 1, Dilation: 1 }
            && view.Groups == 1 && view.BigChannels >= LeastChannels && view.SmallChannels >= LeastChannels
            && Math.Min(h.Small, w.Small) >= LeastSize && Math.Min(h.Big, w.Big) >= LeastSize
            && (view.Problem.PaddingMode == PaddingMode.Zeros || !view.IsDown);
    }

    private static PhaseAxis Axis(View view, int i) => new(view.Axes[i], view.IsDown, view.Flip, PaddingMode.Zeros);

    private static int Size(View view) => 36L * view.BigChannels * view.SmallChannels * sizeof(float) > WeightBytesMost ? 2 : 4;

    /// <summary>Transforms and packs to [point][block][source channel][lane].</summary>
    protected override void PackWeights(float* weights, float* bias)
    {
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        Span<double> g = stackalloc double[9], points = stackalloc double[36];
        for (int o = 0; o < _outputs; o++)
            for (int c = 0; c < _inputs; c++)
            {
                for (int k = 0; k < 9; k++) g[k] = weights[WeightAt(s, 0, o, c, 0, _h.Weight[k / 3], _w.Weight[k % 3])];
                WinogradTransforms.Kernel(_m, g, points);
                float* to = _weights + ((((long)(o / _width) * _inputs) + c) * _width) + (o % _width);
                for (int k = 0; k < _n * _n; k++) to[(long)k * _blocks * _inputs * _width] = (float)points[k];
            }

        if (bias != null) new ReadOnlySpan<float>(bias, _outputs).CopyTo(new Span<float>(_bias, _outputs));
    }

    protected override void Renew()
    {
        base.Renew();
        _sources = Another(_sources);
        _products = Another(_products);
        _strips = Another(_strips);
    }

    protected override void ExecuteFinite()
    {
        if (_own)
        {
            Spread(((_tileRows * _across) + _bandTiles - 1) / _bandTiles);
            return;
        }

        for (_firstRow = 0; _firstRow < _tileRows; _firstRow += _bandRows)
        {
            _rowsNow = (int)Math.Min(_bandRows, _tileRows - _firstRow);
            for (_step = 0; _step < 3; _step++) Spread(Parts);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DoParts(long from, long to, int worker)
    {
        int inChunks = InChunks, outChunks = OutChunks;
        float* strip = _strips + (worker * _strip);
        for (long part = from; part < to; part++)
            if (_own) OwnBand(part * _bandTiles, worker, strip);
            else if (_step == 0) TransformSources(_firstRow + (part / inChunks), 0, _across, (int)(part % inChunks) * _chunk, _sources + (part / inChunks * _across * _inPitch), strip);
            else if (_step == 1) Multiply(_sources, _products, _rowsNow * _across, (int)part / BlockParts, (int)part % BlockParts, BlockParts);
            else TransformResults(_firstRow + (part / outChunks), 0, _across, (int)(part % outChunks) * _chunk, _products + (part / outChunks * _across * _outPitch), strip);
    }

    /// <summary>All three steps of the tiles from <paramref name="first"/> on, counted along rows and images, row by row of tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void OwnBand(long first, int worker, float* strip)
    {
        int tiles = (int)Math.Min(_bandTiles, (_tileRows * _across) - first);
        float* sources = _sources + (worker * _n * _n * _inPoint), products = _products + (worker * _n * _n * _outPoint);
        for (int i = 0; i < tiles;)
        {
            int t = (int)((first + i) % _across), count = Math.Min(_across - t, tiles - i);
            for (int c = 0; c < _inputs; c += _chunk) TransformSources((first + i) / _across, t, count, c, sources + ((long)i * _inPitch), strip);
            i += count;
        }

        for (int point = 0; point < _n * _n; point++) Multiply(sources, products, tiles, point, 0, 1);
        for (int i = 0; i < tiles;)
        {
            int t = (int)((first + i) % _across), count = Math.Min(_across - t, tiles - i);
            for (int c = 0; c < _outputs; c += _chunk) TransformResults((first + i) / _across, t, count, c, products + ((long)i * _outPitch), strip);
            i += count;
        }
    }

    /// <summary>Tiles <paramref name="tile"/> and on of a tile row, up to a chunk of channels from <paramref name="channel"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformSources(long row, int tile, int count, int channel, float* sources, float* strip)
    {
        long n = row / _tilesDown;
        int channels = Math.Min(_chunk, _inputs - channel), h = ((int)(row % _tilesDown) * _m) + _h.Offset[0], w = (tile * _m) + _w.Offset[0];
        float* x = Source + (n * _from.N) + (channel * _from.C), points = sources + channel;
        if (_from.C != 1)
        {
            int columns = (count * _m) + 2;
            Gather(x, h, w, columns, channels, strip);
            for (int t = 0; t < count; t++, points += _inPitch) WinogradTransforms.Input(_m, strip + (t * _m * _chunk), (long)columns * _chunk, _chunk, points, _inPoint, channels);
            return;
        }

        bool inside = h >= 0 && h + _n <= _sourceHeight;
        for (int t = 0; t < count; t++, w += _m, points += _inPitch)
            if (inside && w >= 0 && w + _n <= _sourceWidth) WinogradTransforms.Input(_m, x + (h * _from.H) + (w * _from.W), _from.H, _from.W, points, _inPoint, channels);
            else
            {
                Gather(x, h, w, _n, channels, strip);
                WinogradTransforms.Input(_m, strip, (long)_n * _chunk, _chunk, points, _inPoint, channels);
            }
    }

    /// <summary>Copies the rows of a strip of source columns, from row h and column w on, with their padding: channels last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Gather(float* x, int h, int w, int columns, int channels, float* strip)
    {
        int first = Math.Clamp(-w, 0, columns), last = Math.Clamp(_sourceWidth - w, first, columns);
        for (int i = 0; i < _n; i++, h++)
        {
            float* to = strip + ((long)i * columns * _chunk);
            if (h < 0 || h >= _sourceHeight)
            {
                new Span<float>(to, columns * _chunk).Clear();
                continue;
            }

            new Span<float>(to, first * _chunk).Clear();
            new Span<float>(to + (last * _chunk), (columns - last) * _chunk).Clear();
            float* from = x + (h * _from.H) + ((w + first) * _from.W);
            if (_from.C == 1)
                for (int k = first; k < last; k++, from += _from.W) Copy.Run(from, to + (k * _chunk), channels);
            else Transposition.ToPixels(from, _from.W, _from.C, to + (first * _chunk), _chunk, last - first, channels);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(float* sources, float* products, int tiles, int point, int part, int parts)
    {
        int b0 = (int)((long)_blocks * part / parts), b1 = (int)((long)_blocks * (part + 1) / parts);
        var kernel = (delegate*<MicroArguments*, void>)_kernel;
        sources += point * _inPoint;
        products += point * _outPoint;
        MicroArguments q = new()
        {
            AStep = (nint)_inPitch * sizeof(float),
            AElement = sizeof(float),
            BStep = _width * sizeof(float),
            Taps = _taps,
            TapCount = 1,
            Run = _inputs,
            Init = (byte*)_zero,
            OutStep = (nint)_outPitch * sizeof(float),
        };
        for (int b = b0; b < b1; b++)
        {
            q.B = (byte*)(_weights + (((((long)point * _blocks) + b) * _inputs) * _width));

            // In the last band a tile may reach beyond its rows, into tiles that nobody reads.
            for (int t = 0; t < tiles; t += _tile)
            {
                long t0 = Math.Min(t, _bandTiles - _tile);
                q.A = (byte*)(sources + (t0 * _inPitch));
                q.Out = (byte*)(products + (t0 * _outPitch) + (b * _width));
                kernel(&q);
            }
        }
    }

    /// <summary>Tiles <paramref name="tile"/> and on of a tile row, up to a chunk of channels from <paramref name="channel"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformResults(long row, int tile, int count, int channel, float* products, float* strip)
    {
        int channels = Math.Min(_chunk, _outputs - channel), h = (int)(row % _tilesDown) * _m, w = tile * _m, rows = Math.Min(_m, _h.Count - h);
        int columns = Math.Min(count * _m, _w.Count - w), pitch = count * _m * _chunk;
        long at = (row / _tilesDown * _to.N) + (channel * _to.C) + (h * _to.H) + (w * _to.W);
        float* y = (float*)Now.Result + at, points = products + channel, bias = _bias + channel;
        for (int t = 0; t < count; t++, points += _outPitch)
        {
            bool whole = _to.C == 1 && rows == _m && (t + 1) * _m <= columns;
            if (whole) WinogradTransforms.Output(_m, points, _outPoint, bias, y + (t * _m * _to.W), _to.H, _to.W, channels);
            else WinogradTransforms.Output(_m, points, _outPoint, bias, strip + (t * _m * _chunk), pitch, _chunk, channels);
            for (int i = 0; i < rows && !whole && _to.C == 1; i++)
                for (int k = t * _m; k < Math.Min((t + 1) * _m, columns); k++)
                    Copy.Run(strip + ((long)i * pitch) + (k * _chunk), y + (i * _to.H) + (k * _to.W), channels);
        }

        for (int i = 0; i < rows; i++, at += _to.H)
        {
            if (_to.C != 1) Transposition.ToChannels(strip + ((long)i * pitch), _chunk, (float*)Now.Result + at, _to.C, _to.W, columns, channels);
            if (Post.IsNone) continue;
            if (_to.C == 1)
                for (int k = 0; k < columns; k++) Finish(at + (k * _to.W), channels);
            else
                for (int c = 0; c < channels; c++) Finish(at + (c * _to.C), columns);
        }
    }
}
