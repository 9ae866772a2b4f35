using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;

namespace ConvNative.Backends.Managed.Gradients;

/// <summary>
/// Gradient of weights as outer products: vectors along the channels of one side, single channels of the other. Either side may be
/// the one with the vectors; it is read where it lies if its channels lie side by side, else its rows are packed.
/// </summary>
internal sealed unsafe class OuterGradientPlan<T> : GradientPlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int RowsPerWrite = 8;

    private readonly bool _bigLanes;
    private readonly Strides5 _lane;
    private readonly Strides5 _row;
    private readonly int _laneChannels;
    private readonly int _rowChannels;
    private readonly int _lanes;
    private readonly int _panelColumns;
    private readonly bool _packs;
    private readonly LaneBlock[] _blocks;
    private T* _panels;
    private readonly long _panelElements;

    public OuterGradientPlan(View view, PlanOptions options)
        : base(view, options, "gradient")
    {
        int big = view.BigChannels / view.Groups, small = view.SmallChannels / view.Groups;
        _bigLanes = Cost(big, small, view.Big, view.Axes[0].Big * (long)view.Axes[1].Big * view.Axes[2].Big)
            <= Cost(small, big, view.Small, view.Axes[0].Small * (long)view.Axes[1].Small * view.Axes[2].Small);
        (_lane, _row) = _bigLanes ? (view.Big, view.Small) : (view.Small, view.Big);
        (_laneChannels, _rowChannels) = _bigLanes ? (big, small) : (small, big);
        _packs = _lane.C != 1 || _laneChannels < Lanes;
        _blocks = Blocks();
        _lanes = _blocks.Sum(b => b.Vectors) * Lanes;
        _panelColumns = _bigLanes ? view.Axes[2].Big : view.Axes[2].Small;
        long panelRow = (long)_panelColumns * _blocks[0].Vectors * Lanes;
        Cut(_packs ? panelRow * sizeof(T) * (_bigLanes ? view.Axes[1].Stride : 1) : 0, (long)view.Groups * _lanes * _rowChannels * view.Taps);
        if (!_packs) return;
        AxisMap h = view.Axes[1];
        long rows = _bigLanes ? Math.Min(h.Big, ((RowsPerUnit - 1) * h.Stride) + ((h.Kernel - 1) * h.Dilation) + 1) : RowsPerUnit;
        _panelElements = (checked(rows * panelRow) + 63) / 64 * 64;
        _panels = (T*)AllocateWorkspace(checked(_panelElements * Threads * sizeof(T)));
    }

    public override IReadOnlyList<string> Notes =>
    [
        $"vectors along the {(_bigLanes == BigIsInput ? "input's" : "output gradient's")} channels, {(_packs ? "packed" : "in place")}; {Rows(_blocks[0].Vectors)} rows by {_blocks[0].Vectors * Lanes} lanes",
        $"{Slices} slice(s) of the pixels, each summed on its own",
    ];

    protected override int PartsPerSlice => View.Groups * _blocks.Length;

    protected override int WriteParts => View.Groups * ((_rowChannels + RowsPerWrite - 1) / RowsPerWrite);

    /// <summary>Cycles, roughly: loads or multiply-adds, whichever is more, and the rearrangement of the vectors' side.</summary>
    private double Cost(int lanes, int rows, in Strides5 strides, long pixels)
    {
        int v = Vectors(lanes, rows), blocks = (lanes + (v * Lanes) - 1) / (v * Lanes), tiles = (rows + Kernels.MostRows(v) - 1) / Kernels.MostRows(v);
        double products = Math.Max((double)rows * v, rows + (double)(tiles * v)) * blocks;
        double small = (double)View.Axes[0].Small * View.Axes[1].Small * View.Axes[2].Small;
        return (products * View.Taps * small) + (strides.C == 1 && lanes >= Lanes ? 0 : 0.75 * lanes * pixels);
    }

    private int Vectors(int lanes, int rows) => lanes <= Lanes ? 1 : lanes > 2 * Lanes && rows <= Kernels.MostRows(4) ? 4 : 2;

    private int Rows(int vectors)
    {
        int tiles = (_rowChannels + Kernels.MostRows(vectors) - 1) / Kernels.MostRows(vectors);
        return (_rowChannels + tiles - 1) / tiles;
    }

    /// <summary>In place a last block is moved back to end with the channels; what another block owns is not written.</summary>
    private LaneBlock[] Blocks()
    {
        var blocks = new List<LaneBlock>();
        for (int c = 0, lane = 0; c < _laneChannels;)
        {
            int v = Vectors(_laneChannels, _rowChannels);
            while (v > 1 && v / 2 * Lanes >= _laneChannels - c) v /= 2;
            int first = _packs ? c : Math.Min(c, _laneChannels - (v * Lanes));
            while (first < 0)
            {
                v /= 2;
                first = Math.Min(c, _laneChannels - (v * Lanes));
            }

            int end = Math.Min(_laneChannels, first + (v * Lanes));
            blocks.Add(new LaneBlock(first, c - first, end - c, v, lane));
            lane += v * Lanes;
            c = end;
        }

        return [.. blocks];
    }

    protected override void Renew()
    {
        base.Renew();
        _panels = Another(_panels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Sum(int slice, int part, int worker)
    {
        int group = part / _blocks.Length;
        LaneBlock b = _blocks[part % _blocks.Length];
        int width = b.Vectors * Lanes;
        T* sums = Accumulators(slice) + (((long)group * _lanes) + b.LaneStart) * _rowChannels * View.Taps;
        NativeMemory.Clear(sums, checked((nuint)((long)width * _rowChannels * View.Taps * sizeof(T))));
        T* panel = _panels + (worker * _panelElements);
        T* lanes = (_bigLanes ? BigSide : SmallSide) + (((long)group * _laneChannels) + b.First) * _lane.C;
        T* rows = (_bigLanes ? SmallSide : BigSide) + ((long)group * _rowChannels * _row.C);
        (long from, long to) = Units(slice);
        for (long u = from; u < to; u++)
        {
            (long n, int pd, int h0, int h1) = Unit(u);
            bool packed = false;
            for (int kd = 0; kd < KernelD; kd++)
            {
                int sd = View.Axes[0].At(pd, kd);
                if (sd < 0) continue;
                T* lane = lanes + (n * _lane.N) + ((_bigLanes ? sd : pd) * _lane.D);
                T* row = rows + (n * _row.N) + ((_bigLanes ? pd : sd) * _row.D);
                if (!_packs) Tiles(new Planes(lane, _lane.H, _lane.W, row), sums, b, kd, h0, h1);
                else
                {
                    (int first, int end) = _bigLanes ? BigRows(h0, h1) : (h0, h1);
                    if (!packed || _bigLanes)
                        for (int h = first; h < end; h++)
                            Transposition.ToPixels(lane + (h * _lane.H), _lane.W, _lane.C, panel + ((long)(h - first) * _panelColumns * width), width, _panelColumns, b.Skip + b.Valid);
                    packed = true;
                    long line = (long)_panelColumns * width;
                    Tiles(new Planes(panel - (first * line), line, width, row), sums, b, kd, h0, h1);
                }
            }
        }
    }

    /// <summary>Rows of the big side that some tap of the small rows reads.</summary>
    private (int From, int To) BigRows(int h0, int h1)
    {
        long first = Math.Max(0, H.Place(h0, 0)), end = Math.Min(View.Axes[1].Big, H.Place(h1 - 1, KernelH - 1) + 1);
        return ((int)Math.Min(first, Math.Max(0, end)), (int)Math.Max(0, end));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tiles(in Planes at, T* sums, LaneBlock b, int kd, int h0, int h1)
    {
        int width = b.Vectors * Lanes, most = Kernels.MostRows(b.Vectors), tiles = (_rowChannels + most - 1) / most;
        for (int t = 0; t < tiles; t++)
        {
            int r0 = (int)((long)_rowChannels * t / tiles), r1 = (int)((long)_rowChannels * (t + 1) / tiles);
            var kernel = Kernels.Outer(r1 - r0, b.Vectors);
            GradientArguments q = new()
            {
                AStep = checked((nint)(_row.C * sizeof(T))),
                OutStep = (nint)View.Taps * width * sizeof(T),
            };
            T* row = at.Row + (r0 * _row.C), to = sums + ((long)r0 * View.Taps * width);
            for (int kh = 0; kh < KernelH; kh++)
            {
                int y0 = Math.Max(h0, H.From[kh]), y1 = Math.Min(h1, H.To[kh]);
                if (y0 >= y1) continue;
                for (int kw = 0; kw < KernelW; kw++)
                {
                    int x0 = W.From[kw], x1 = W.To[kw];
                    if (x0 >= x1) continue;
                    q.Out = (byte*)(to + ((long)Slot(kd, kh, kw) * width));
                    Aim(ref q, at, row, kh, kw, y0, x0);
                    (q.Lines, q.Count) = (y1 - y0, x1 - x0);
                    if (q.ALine == q.Count * q.AElement && q.BLine == q.Count * q.BElement) (q.Lines, q.Count) = (1, q.Lines * q.Count);
                    kernel(&q);
                }
            }
        }
    }

    /// <summary>Pointers and steps of a tap's rectangle that begins at small (y, x).</summary>
    private void Aim(ref GradientArguments q, in Planes at, T* row, int kh, int kw, int y, int x)
    {
        long bigY = H.Place(y, kh), bigX = W.Place(x, kw);
        (long ly, long lx, long ry, long rx) = _bigLanes ? (bigY, bigX, (long)y, (long)x) : ((long)y, (long)x, bigY, bigX);
        (long sy, long sx) = (View.Axes[1].Stride, View.Axes[2].Stride);
        q.B = (byte*)(at.Lane + (ly * at.LaneLine) + (lx * at.LanePixel));
        q.A = (byte*)(row + (ry * _row.H) + (rx * _row.W));
        q.BLine = checked((nint)(at.LaneLine * sizeof(T) * (_bigLanes ? sy : 1)));
        q.BElement = checked((nint)(at.LanePixel * sizeof(T) * (_bigLanes ? sx : 1)));
        q.ALine = checked((nint)(_row.H * sizeof(T) * (_bigLanes ? 1 : sy)));
        q.AElement = checked((nint)(_row.W * sizeof(T) * (_bigLanes ? 1 : sx)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Write(int part)
    {
        int tiles = (_rowChannels + RowsPerWrite - 1) / RowsPerWrite, group = part / tiles, r0 = part % tiles * RowsPerWrite, count = Math.Min(RowsPerWrite, _rowChannels - r0);
        Strides5 s = Weights;
        int taps = View.Taps;
        foreach (LaneBlock b in _blocks)
        {
            int width = b.Vectors * Lanes;
            long at = ((((long)group * _lanes) + b.LaneStart) * _rowChannels * taps) + ((long)r0 * taps * width);
            AddSlices(at, (long)count * taps * width);
            T* from = Accumulators(0) + at + b.Skip;
            int lane = b.First + b.Skip;
            long rowStep = _bigLanes ? s.N : s.C, laneStep = _bigLanes ? s.C : s.N;
            T* to = (T*)Now.Result + (_bigLanes ? (((long)group * _rowChannels) + r0) * s.N + (lane * s.C) : (((long)group * _laneChannels) + lane) * s.N + (r0 * s.C));

            // Rows and their taps often follow each other in the result as they do here.
            if (laneStep != 1 && rowStep == taps * s.W) Transposition.ToChannels(from, width, to, laneStep, s.W, count * taps, b.Valid);
            else
                for (int r = 0; r < count; r++, from += taps * width, to += rowStep)
                    if (laneStep != 1) Transposition.ToChannels(from, width, to, laneStep, s.W, taps, b.Valid);
                    else
                        for (int t = 0; t < taps; t++) Copy.Run(from + ((long)t * width), to + (t * s.W), b.Valid);
        }
    }

    /// <summary>Channels from First on in <c>Vectors</c> vectors; those before Skip belong to another block.</summary>
    private readonly record struct LaneBlock(int First, int Skip, int Valid, int Vectors, int LaneStart);

    /// <summary>Origins of a unit's planes: the vectors' side with its steps, and row 0 of the other.</summary>
    private readonly struct Planes(T* lane, long laneLine, long lanePixel, T* row)
    {
        public readonly T* Lane = lane;
        public readonly long LaneLine = laneLine;
        public readonly long LanePixel = lanePixel;
        public readonly T* Row = row;
    }
}
