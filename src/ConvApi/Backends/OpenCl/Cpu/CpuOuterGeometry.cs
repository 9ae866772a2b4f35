using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>How <c>cpu_outer.cl</c> cuts a gradient of weights, and the tables that its kernels read.</summary>
internal sealed class CpuOuterGeometry
{
    // Pixels that stay in a second-level cache while all taps and rows pass over them.
    private const int UnitPixels = 768;

    // Slices follow from shape and cut, never from threads, so that the bits do.
    private const int WantedSums = 32;
    private const long MostSumBytes = 16L << 20;
    private const int PartsPerUnit = 16;
    private const int PackPixels = 256;

    // What a tap takes in tables while they are made: nine numbers, in lists that grow.
    private const int TapBytes = 240;

    private readonly View _view;
    private readonly CpuVectors _vectors;
    private readonly Strides5 _lane;
    private readonly Strides5 _row;
    private readonly int _lanes;
    private readonly int _rows;
    private readonly int _rowTiles;
    private readonly int _blocks;
    private readonly long _pixels;

    public CpuOuterGeometry(View view, CpuVectors vectors, int elementSize, int units, CpuCut cut)
    {
        (_view, _vectors) = (view, vectors);
        int big = view.BigChannels / view.Groups, small = view.SmallChannels / view.Groups;
        BigLanes = Cost(big, small, view.Big, Pixels(a => a.Big)) <= Cost(small, big, view.Small, Pixels(a => a.Small));
        (_lane, _row) = BigLanes ? (view.Big, view.Small) : (view.Small, view.Big);
        (_lanes, _rows) = BigLanes ? (big, small) : (small, big);
        _pixels = Pixels(a => BigLanes ? a.Big : a.Small);
        (Tile, Vectors) = cut.Rows > 0 ? (cut.Rows, cut.Vectors) : Tiles(_lanes, _rows);
        int width = Vectors * vectors.Lanes;
        _blocks = (_lanes + width - 1) / width;
        _rowTiles = (_rows + Tile - 1) / Tile;
        IsPacked = _lane.C != 1 || _lanes % width != 0;
        Items = (long)view.Groups * _blocks * _rowTiles * view.Taps;
        AxisMap h = view.Axes[1];
        int unit = Math.Clamp(UnitPixels / Math.Max(1, view.Axes[2].Small), 1, Math.Max(1, h.Small)), unitsH = (h.Small + unit - 1) / unit;
        unit = (h.Small + unitsH - 1) / unitsH;
        unitsH = (h.Small + unit - 1) / unit;
        long all = view.Problem.Batch * view.Axes[0].Small * unitsH, bytes = Items * Tile * width * elementSize;
        Slices = Math.Clamp((WantedSums + Items - 1) / Items, 1, Math.Max(1, Math.Min(all, MostSumBytes / bytes)));
        SumElements = Slices * Items * Tile * width;
        long parts = Math.Clamp(((cut.Parts > 0 ? cut.Parts : (long)PartsPerUnit * units) + Slices - 1) / Slices, 1, Items);
        WorkGroups = Slices * parts;
        long line = (long)view.Groups * _blocks * width;
        PanelElements = IsPacked ? checked(view.Problem.Batch * _pixels * line) : 0;
        PackParts = Math.Max(1, _pixels / PackPixels);
        MemoryBudget.Take((Int128)view.Taps * TapBytes);
        Table = DescribeSums(all, unitsH, unit, parts, line);
        SumTable = DescribeResult();
        PackTable = [PackParts, _pixels, view.Groups, _lanes, (long)_blocks * width, _lane.N, _lane.C, _lane.W];

        long Pixels(Func<AxisMap, int> size) => (long)size(view.Axes[0]) * size(view.Axes[1]) * size(view.Axes[2]);
    }

    /// <summary>The vectors hold channels of the big side.</summary>
    public bool BigLanes { get; }

    /// <summary>Rows of a tile.</summary>
    public int Tile { get; }

    /// <summary>Vectors of a tile.</summary>
    public int Vectors { get; }

    /// <summary>The side of the vectors is brought to an order of its own first.</summary>
    public bool IsPacked { get; }

    /// <summary>Rows lie side by side.</summary>
    public bool RowsAreDense => _row.C == 1;

    public long Items { get; }

    public long Slices { get; }

    public long SumElements { get; }

    public long PanelElements { get; }

    public long WorkGroups { get; }

    public long PackParts { get; }

    /// <summary>Work-items that write the result.</summary>
    public long Results => (long)_view.Groups * _blocks * _rows;

    public long[] Table { get; }

    public long[] SumTable { get; }

    public long[] PackTable { get; }

    /// <summary>Whether <paramref name="cut"/> is one of this problem's.</summary>
    public bool Suits(CpuCut cut) => cut.Panel == 0 && cut.Source == CpuSource.Any && (cut.Rows == 0 || cut.Rows <= Math.Min(_rows, _vectors.MostRows(cut.Vectors)));

    /// <summary>Cuts that differ from <paramref name="cut"/>, which this is, in one thing.</summary>
    public IEnumerable<CpuCut> Near(CpuCut cut, int units)
    {
        foreach (int parts in CpuRoutine.Parts(units)) yield return cut with { Parts = parts };
        foreach (int vectors in (int[])[2, 4, 1])
            if (vectors == 1 || vectors / 2 * _vectors.Lanes < _lanes) yield return cut with { Rows = EqualTiles.Of(_rows, _vectors.MostRows(vectors)), Vectors = vectors };
    }

    // Cycles, roughly: loads or multiply-adds, whichever is more, and the rearrangement of the vectors' side.
    private double Cost(int lanes, int rows, in Strides5 strides, long pixels)
    {
        (int r, int v) = Tiles(lanes, rows);
        int width = v * _vectors.Lanes, blocks = (lanes + width - 1) / width, tiles = (rows + r - 1) / r;
        double small = (double)_view.Axes[0].Small * _view.Axes[1].Small * _view.Axes[2].Small;
        return (blocks * tiles * Math.Max(r * v, r + v) * _view.Taps * small) + (strides.C == 1 && lanes % width == 0 ? 0 : 0.75 * lanes * pixels);
    }

    private (int Rows, int Vectors) Tiles(int lanes, int rows)
    {
        int vectors = lanes <= _vectors.Lanes ? 1 : lanes > 2 * _vectors.Lanes && rows <= _vectors.MostRows(4) ? 4 : 2;
        return (EqualTiles.Of(rows, _vectors.MostRows(vectors)), vectors);
    }

    private long[] DescribeSums(long units, int unitsH, int unit, long parts, long line)
    {
        AxisMap[] axes = _view.Axes;
        int width = Vectors * _vectors.Lanes;
        Strides5 lane = _lane;
        if (IsPacked)
        {
            (long h, long w) = BigLanes ? (axes[1].Big, (long)axes[2].Big) : (axes[1].Small, axes[2].Small);
            lane = new Strides5(_pixels * line, 1, h * w * line, w * line, line);
        }

        (Strides5 big, Strides5 small) = BigLanes ? (lane, _row) : (_row, lane);
        Strides5 steps = new(big.N, big.C, big.D * axes[0].Stride, big.H * axes[1].Stride, big.W * axes[2].Stride);
        (Strides5 v, Strides5 a) = BigLanes ? (steps, small) : (small, steps);
        List<long> t =
        [
            _view.Groups, Items, parts, units, Slices, _view.Taps, _rowTiles, _blocks, _rows, axes[0].Small, unitsH, unit, axes[1].Small,
            v.N, v.D, v.H, v.W, IsPacked ? _blocks * width : _lanes * lane.C, width, a.N, a.D, a.H, a.W, _rows * _row.C, _row.C,
        ];
        t.Add(t.Count + 1);
        for (int d = 0; d < axes[0].Kernel; d++)
            for (int h = 0; h < axes[1].Kernel; h++)
                for (int w = 0; w < axes[2].Kernel; w++)
                {
                    long at = (Place(0, d) * big.D) + (Place(1, h) * big.H) + (Place(2, w) * big.W);
                    t.AddRange([.. Span(axes[0], d), .. Span(axes[1], h), .. Span(axes[2], w), BigLanes ? at : 0, BigLanes ? 0 : at]);
                }

        return [.. t];

        long Place(int axis, int k) => (k * axes[axis].Dilation) - axes[axis].PadBegin;
    }

    private long[] DescribeResult()
    {
        AxisMap[] axes = _view.Axes;
        Strides5 s = Strides5.Of(_view.Problem.WeightShape, _view.Problem.WeightLayout);
        int small = _view.SmallChannels / _view.Groups;
        List<long> t = [_view.Groups, _blocks, _rows, _rowTiles, _lanes, _view.Taps, Slices, Items, small * s.N, BigLanes ? s.N : s.C, BigLanes ? s.C : s.N];
        for (int d = 0; d < axes[0].Kernel; d++)
            for (int h = 0; h < axes[1].Kernel; h++)
                for (int w = 0; w < axes[2].Kernel; w++) t.Add((Tap(axes[0], d) * s.D) + (Tap(axes[1], h) * s.H) + (Tap(axes[2], w) * s.W));
        return [.. t];

        long Tap(AxisMap axis, int k) => _view.Flip ? axis.Kernel - 1 - k : k;
    }

    // The small indices whose tap k reads an element.
    private static long[] Span(AxisMap axis, int k)
    {
        (int from, int to) = axis.Readers(k);
        return [from, to];
    }
}
