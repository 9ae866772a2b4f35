using System.Runtime.CompilerServices;
using ConvNative.Backends.Common;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>
/// Winograd's minimal filtering for dense 3x3 kernels of stride 1, forward and backward data, in f32: F(4x4, 3x3) with a quarter of the
/// products, F(2x2, 3x3) with 4/9 of them where the larger one's weights would outgrow the caches. Three steps for a band of tile rows at a
/// time: transform sources, a matrix product for each point, transform results.
/// </summary>
internal sealed unsafe class WinogradPlan : FinitePlan<float>
{
    // What a band's transformed sources and products may take of a shared last-level cache, and what weights may.
    private const long BandBytes = 6 * 1024 * 1024;
    private const long WeightBytesMost = 16 * 1024 * 1024;
    private const int LeastChannels = 64;
    private const int LeastSize = 14;
    private const int Chunk = 64;

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
    private readonly int _bandRows;
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
    private readonly float* _sources;
    private readonly float* _products;
    private readonly float* _strips;
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
        long perRow = (long)_n * _n * _across * (_inPitch + _outPitch) * sizeof(float);
        _bandRows = (int)Math.Clamp(BandBytes / perRow, 1, Math.Max(1, _tileRows));
        int tiles = _bandRows * _across;
        _tile = EqualTiles.Of(tiles, set.MostRows(2));
        _kernel = (nint)set.Find(_tile, 2);
        _inPoint = ((long)tiles * _inPitch) + 16;
        _outPoint = ((long)tiles * _outPitch) + 16;
        _weights = (float*)AllocateWeights((long)_n * _n * _blocks * _inputs * _width * sizeof(float));
        _bias = (float*)AllocateWeights((long)_blocks * _width * sizeof(float));
        _zero = (float*)AllocateWeights(_width * sizeof(float));
        _taps = (nint*)AllocateWeights(2 * sizeof(nint));
        _sources = (float*)AllocateWorkspace(_n * _n * _inPoint * sizeof(float));
        _products = (float*)AllocateWorkspace(_n * _n * _outPoint * sizeof(float));
        _strip = ((long)_n * ((_across * _m) + 2) * Chunk) + 64;
        _strips = (float*)AllocateWorkspace(_strip * Threads * sizeof(float));
    }

    public override AlgorithmClass Algorithm => NeedsExact ? AlgorithmClass.Direct : AlgorithmClass.Winograd;

    protected override bool ReadsPadding => true;

    protected override IEnumerable<string> Steps =>
        [$"Winograd F({_m}x{_m}, 3x3), {_n * _n} matrix products of {_tile} tiles by {_width} channels, {_bandRows} tile rows at a time"];

    private int Parts => _step switch
    {
        0 => _rowsNow * ((_inputs + Chunk - 1) / Chunk),
        1 => _n * _n * BlockParts,
        _ => _rowsNow * ((_outputs + Chunk - 1) / Chunk),
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

    protected override void ExecuteFinite()
    {
        for (_firstRow = 0; _firstRow < _tileRows; _firstRow += _bandRows)
        {
            _rowsNow = (int)Math.Min(_bandRows, _tileRows - _firstRow);
            for (_step = 0; _step < 3; _step++) Spread(Parts);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DoParts(long from, long to, int worker)
    {
        int inChunks = (_inputs + Chunk - 1) / Chunk, outChunks = (_outputs + Chunk - 1) / Chunk;
        float* strip = _strips + (worker * _strip);
        for (int part = (int)from; part < to; part++)
            if (_step == 0) TransformSources(part / inChunks, part % inChunks * Chunk, strip);
            else if (_step == 1) Multiply(part / BlockParts, part % BlockParts);
            else TransformResults(part / outChunks, part % outChunks * Chunk, strip);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformSources(int row, int channel, float* strip)
    {
        long n = (_firstRow + row) / _tilesDown, down = (_firstRow + row) % _tilesDown;
        int channels = Math.Min(Chunk, _inputs - channel), columns = (_across * _m) + 2;
        int first = Math.Max(0, -_w.Offset[0]), last = Math.Clamp(_sourceWidth - _w.Offset[0], first, columns);
        float* x = Source + (n * _from.N) + (channel * _from.C) + ((first + _w.Offset[0]) * _from.W);
        for (int i = 0; i < _n; i++)
        {
            float* to = strip + ((long)i * columns * Chunk);
            long h = (down * _m) + i + _h.Offset[0];
            if (h < 0 || h >= _sourceHeight)
            {
                new Span<float>(to, columns * Chunk).Clear();
                continue;
            }

            new Span<float>(to, first * Chunk).Clear();
            new Span<float>(to + (last * Chunk), (columns - last) * Chunk).Clear();
            float* from = x + (h * _from.H);
            if (_from.C == 1)
                for (int w = first; w < last; w++, from += _from.W) Copy.Run(from, to + (w * Chunk), channels);
            else Transposition.ToPixels(from, _from.W, _from.C, to + (first * Chunk), Chunk, last - first, channels);
        }

        float* points = _sources + ((long)row * _across * _inPitch) + channel;
        for (int t = 0; t < _across; t++)
            WinogradTransforms.Input(_m, strip + (t * _m * Chunk), (long)columns * Chunk, Chunk, points + ((long)t * _inPitch), _inPoint, channels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(int point, int part)
    {
        int tiles = _rowsNow * _across, b0 = (int)((long)_blocks * part / BlockParts), b1 = (int)((long)_blocks * (part + 1) / BlockParts);
        var kernel = (delegate*<MicroArguments*, void>)_kernel;
        float* sources = _sources + (point * _inPoint), products = _products + (point * _outPoint);
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
                long t0 = Math.Min(t, (_bandRows * _across) - _tile);
                q.A = (byte*)(sources + (t0 * _inPitch));
                q.Out = (byte*)(products + (t0 * _outPitch) + (b * _width));
                kernel(&q);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransformResults(int row, int channel, float* strip)
    {
        long n = (_firstRow + row) / _tilesDown, down = (_firstRow + row) % _tilesDown;
        int channels = Math.Min(Chunk, _outputs - channel), columns = _across * _m;
        float* points = _products + ((long)row * _across * _outPitch) + channel;
        for (int t = 0; t < _across; t++)
            WinogradTransforms.Output(_m, points + ((long)t * _outPitch), _outPoint, _bias + channel, strip + (t * _m * Chunk), (long)columns * Chunk, Chunk, channels);
        for (int i = 0; i < Math.Min(_m, _h.Count - (int)(down * _m)); i++)
        {
            long at = (n * _to.N) + (channel * _to.C) + (((down * _m) + i) * _to.H);
            float* from = strip + ((long)i * columns * Chunk), y = (float*)Now.Result + at;
            if (_to.C == 1)
                for (int w = 0; w < _w.Count; w++)
                {
                    Copy.Run(from + (w * Chunk), y + (w * _to.W), channels);
                    if (!Post.IsNone) Finish(at + (w * _to.W), channels);
                }
            else
            {
                Transposition.ToChannels(from, Chunk, y, _to.C, _to.W, _w.Count, channels);
                for (int c = 0; c < channels && !Post.IsNone; c++) Finish(at + (c * _to.C), _w.Count);
            }
        }
    }
}
