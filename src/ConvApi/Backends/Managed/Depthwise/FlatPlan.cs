using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Depthwise;

/// <summary>
/// Depthwise, channels-first: stride 1 with results as wide as the source, or stride 2. Planes are read as one line of pixels, so
/// neighbouring rows lie a fixed distance apart and nothing is copied inside a plane; what a tap takes from the row above or below is
/// masked out. At stride 2 even and odd columns are sorted in registers.
/// </summary>
internal sealed unsafe class FlatPlan<T> : FinitePlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // Planes from here on are cut into tiles: those that touch no border need no copy.
    private const long PartBytes = 8 * 1024;

    private readonly Strides5 _from;
    private readonly Strides5 _to;
    private readonly Phase _h;
    private readonly Phase _w;
    private readonly int _outputs;
    private readonly int _height;
    private readonly int _sourceWidth;
    private readonly int _width;
    private readonly int _stride;
    private readonly int _first;
    private readonly int _results;
    private readonly int _lanes;
    private readonly int _tile;
    private readonly int _vectors;
    private readonly nint _kernel;
    private readonly int _rowsPerPart;
    private readonly int _rowParts;
    private readonly int _reach;
    private readonly int _slack;
    private readonly T* _weights;
    private readonly T* _init;
    private readonly T* _masks;
    private readonly nint* _columns;
    private T* _scratch;
    private readonly long _scratchPerWorker;
    private readonly long _copied;

    public FlatPlan(View view, PlanOptions options)
        : base(view, options, "depthwise")
    {
        DepthwiseSet set = DepthwiseSet.For<T>();
        (_from, _to) = view.IsDown ? (view.Big, view.Small) : (view.Small, view.Big);
        (_h, _w) = (Axis(view, 1).Phases[0], Axis(view, 2).Phases[0]);
        _outputs = (view.IsDown ? view.SmallChannels : view.BigChannels) / view.Groups;
        (_height, _sourceWidth, _stride) = (Axis(view, 1).SourceSize, Axis(view, 2).SourceSize, Axis(view, 2).SourceStep);
        (_results, _width) = (_h.Count, _w.Count);
        _lanes = set.Lanes;
        int taps = _h.Offset.Length;
        bool whole = _width < _lanes;
        _vectors = whole ? 1 : (_width + _lanes - 1) / _lanes;
        if (_stride == 1)
        {
            _tile = EqualTiles.Of(_results, Math.Min(8, set.Registers - 2 - taps));
            _kernel = (nint)set.Flat(taps, _tile);
        }
        else
        {
            _tile = EqualTiles.Best(_results, [8, 7, 4, 2, 1]);
            _first = _w.Offset[0] & ~1;
            _kernel = (nint)set.Split(taps, _w.Offset[0] & 1, _tile);
        }

        int tiles = (_results + _tile - 1) / _tile;
        long planes = Problem.Batch * view.Groups, row = (long)_sourceWidth * sizeof(T);
        bool cut = !whole && _results % _tile == 0 && (_height * row >= PartBytes || planes < 4L * Threads);
        _rowParts = cut ? tiles : 1;
        _rowsPerPart = cut ? _tile : _results;

        // Before the first row what the leftmost tap of its first pixel reads, after the last what a whole vector reads.
        _reach = Math.Max(0, Math.Max(-_w.Offset[0], _w.Offset[^1]));
        if (_stride == 2) _reach = Math.Max(-_first, (2 * _width) + taps + 2 - _sourceWidth);
        _slack = (_reach + _lanes + 15) / 16 * 16;
        _copied = (((_rowsPerPart - 1L) * _stride) + taps) * _sourceWidth;
        _weights = (T*)AllocateWeights((long)view.Groups * _outputs * taps * _w.Offset.Length * sizeof(T));
        _init = (T*)AllocateWeights((long)view.Groups * _outputs * _lanes * sizeof(T));
        _masks = (T*)AllocateWeights((long)_vectors * _w.Offset.Length * _lanes * sizeof(T));
        _columns = (nint*)AllocateWeights(_w.Offset.Length * sizeof(nint));
        _scratchPerWorker = (((_copied + (2L * _slack)) * (cut ? 1 : 2)) + ((long)_results * _width * (whole ? 1 : 0)) + _lanes + 127) / 64 * 64;
        _scratch = (T*)AllocateWorkspace(_scratchPerWorker * Threads * sizeof(T));
        WriteMasks();
    }

    protected override bool ReadsPadding => true;

    protected override IEnumerable<string> Steps =>
        [$"{_tile} rows by {_lanes} pixels, vectors along pixels, planes read in place{(_stride == 2 ? ", even and odd columns sorted in registers" : "")}; {_rowsPerPart} rows at a time, those at the border copied beside rows of zeros"];

    /// <summary>True where this plan serves.</summary>
    public static bool Serves(View view)
    {
        AxisMap d = view.Axes[0], h = view.Axes[1], w = view.Axes[2];
        Strides5 from = view.IsDown ? view.Big : view.Small, to = view.IsDown ? view.Small : view.Big;
        int inputs = (view.IsDown ? view.BigChannels : view.SmallChannels) / view.Groups;
        DepthwiseSet set = DepthwiseSet.For<T>();
        int outputs = (view.IsDown ? view.SmallChannels : view.BigChannels) / view.Groups;
        if (inputs != 1 || outputs > 4 || from.W != 1 || to.W != 1 || from.C == 1 || to.C == 1 || d is not { Kernel: 1, Big: 1, Small: 1 }) return false;
        if (view.IsDown && view.Problem.PaddingMode != PaddingMode.Zeros) return false;
        if (h is { Stride: 2, Dilation: 1 } && w is { Stride: 2, Dilation: 1 })
            return view.IsDown && h.Kernel == w.Kernel && w.Small >= set.Lanes && Math.Abs(w.PadBegin) < 1024 && w.Small < 2 * w.Big && set.Split(h.Kernel, 0, 1) != null;
        return h.Stride == 1 && w.Stride == 1 && h.Dilation == 1 && w.Big == w.Small
            && (w.Big >= set.Lanes || (w.Big >= 4 && Math.Min(h.Small, h.Big) >= set.Lanes / w.Big + 1))
            && set.Flat(h.Kernel, 1) != null && w.Dilation * w.Kernel < 1024;
    }

    private static PhaseAxis Axis(View view, int i) => new(view.Axes[i], view.IsDown, view.Flip, PaddingMode.Zeros);

    private void WriteMasks()
    {
        for (int k = 0; k < _w.Offset.Length; k++)
        {
            _columns[k] = (nint)_w.Offset[k] * sizeof(T);
            for (int v = 0; v < _vectors; v++)
                for (int l = 0; l < _lanes; l++)
                {
                    int column = ((ColumnOf(v) + l) % _width * _stride) + _w.Offset[k];
                    var mask = new Span<byte>(_masks + ((((long)v * _w.Offset.Length) + k) * _lanes) + l, sizeof(T));
                    mask.Fill(column >= 0 && column < _sourceWidth ? (byte)0xFF : (byte)0);
                }
        }
    }

    private int ColumnOf(int vector) => _width < _lanes ? 0 : Math.Min(vector * _lanes, _width - _lanes);

    /// <summary>Packs to [output channel][kernel column][kernel row].</summary>
    protected override void PackWeights(T* weights, T* bias)
    {
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        T* to = _weights;
        for (int g = 0; g < View.Groups; g++)
            for (int o = 0; o < _outputs; o++)
                foreach (int kw in _w.Weight)
                    foreach (int kh in _h.Weight) *to++ = weights[WeightAt(s, g, o, 0, 0, kh, kw)];
        if (bias == null) return;
        for (int o = 0; o < View.Groups * _outputs; o++) new Span<T>(_init + ((long)o * _lanes), _lanes).Fill(bias[o]);
    }

    protected override void Renew()
    {
        base.Renew();
        _scratch = Another(_scratch);
    }

    protected override void ExecuteFinite() => Spread(Problem.Batch * View.Groups * _rowParts);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DoParts(long from, long to, int worker)
    {
        T* copy = _scratch + (worker * _scratchPerWorker) + _slack, other = copy + _copied + (2 * _slack);
        if (_rowParts == 1)
        {
            // The next plane is copied before this one is computed: vectors across what was just stored would wait for the stores.
            T* beside = other + _copied + _slack;
            int top = _h.Offset[0], bottom = ((_results - 1) * _stride) + _h.Offset[^1] + 1;
            CopyRows(PlaneOf(from), copy, top, bottom);
            for (long part = from; part < to; part++)
            {
                if (part + 1 < to) CopyRows(PlaneOf(part + 1), other, top, bottom);
                Planes(part, copy, 0, _results, part + 1 == to ? beside : null);
                T* x = copy;
                copy = other;
                other = x;
            }

            return;
        }

        for (long part = from; part < to; part++)
        {
            int h0 = (int)(part % _rowParts) * _rowsPerPart, h1 = h0 + _rowsPerPart, first = (h0 * _stride) + _h.Offset[0], end = ((h1 - 1) * _stride) + _h.Offset[^1] + 1;
            T* x = PlaneOf(part / _rowParts);

            // A row more on either side holds what vectors read beyond their rows.
            if (_reach <= _sourceWidth && first >= 1 && end < _height) x += (long)first * _sourceWidth;
            else
            {
                CopyRows(x, copy, first, end);
                x = copy;
            }

            Planes(part / _rowParts, x, h0, h1, null);
        }
    }

    private T* PlaneOf(long plane) => Source + (plane / View.Groups * _from.N) + (plane % View.Groups * _from.C);

    /// <summary>
    /// Rows h0 to h1 of all outputs of a source plane. Rows narrower than a vector spill into the next plane, which this call writes
    /// afterwards; the last plane of a call has <paramref name="beside"/> for that.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Planes(long plane, T* x, int h0, int h1, T* beside)
    {
        var result = (T*)Now.Result;
        for (int o = 0; o < _outputs; o++)
        {
            long channel = (plane % View.Groups * _outputs) + o, at = (plane / View.Groups * _to.N) + (channel * _to.C);
            bool spills = _width < _lanes && beside != null && o + 1 == _outputs;
            Compute(channel, x, spills ? beside : result + at, h0, h1);
            if (spills) Copy.Run(beside, result + at, _results * _width);
            if (!Post.IsNone) Finish(at + ((long)h0 * _width), (h1 - h0) * _width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compute(long channel, T* x, T* y, int h0, int h1)
    {
        MicroArguments q = new()
        {
            A = (byte*)(_weights + (channel * _h.Offset.Length * _w.Offset.Length)),
            BStep = (nint)_sourceWidth * sizeof(T),
            Taps = _columns,
            TapCount = _w.Offset.Length,
            Init = (byte*)(_init + (channel * _lanes)),
            OutStep = (nint)_width * sizeof(T),
        };
        var kernel = (delegate*<MicroArguments*, void>)_kernel;
        for (int h = h0; h < h1; h += _tile)
        {
            int row = Math.Min(h, _results - _tile);
            T* from = x + ((long)(row - h0) * _stride * _sourceWidth) + _first;
            for (int v = 0; v < _vectors; v++)
            {
                int column = ColumnOf(v);
                q.B = (byte*)(from + (column * _stride));
                q.Out = (byte*)(y + ((long)row * _width) + column);
                q.Index = (byte*)(_masks + ((long)v * _w.Offset.Length * _lanes));
                kernel(&q);
            }
        }
    }

    /// <summary>Source rows first to end, zeros for those that do not exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyRows(T* source, T* to, int first, int end)
    {
        int begin = Math.Clamp(0, first, end), last = Math.Clamp(_height, begin, end);

        // Where a plane is one part, rows outside are always the same ones, and are zeros since the plan was made.
        if (begin > first && _rowParts > 1) new Span<T>(to, (begin - first) * _sourceWidth).Clear();
        Copy.Run(source + ((long)begin * _sourceWidth), to + ((long)(begin - first) * _sourceWidth), (last - begin) * _sourceWidth);
        if (end > last && _rowParts > 1) new Span<T>(to + ((long)(last - first) * _sourceWidth), (end - last) * _sourceWidth).Clear();
    }
}
