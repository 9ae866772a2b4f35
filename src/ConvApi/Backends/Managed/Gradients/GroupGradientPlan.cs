using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Dense;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;

namespace ConvNative.Backends.Managed.Gradients;

/// <summary>
/// Gradient of weights where a vector holds whole groups (depthwise, a few channels a group): neighbouring channels of a pixel of
/// one side times those of the other, in each order within the groups, several taps at a time.
/// </summary>
internal sealed unsafe class GroupGradientPlan<T> : GradientPlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly int _channels;
    private readonly int _perGroup;
    private readonly int _blocks;
    private readonly bool _packsBig;
    private readonly bool _packsSmall;
    private readonly int _mostTaps;
    private readonly T* _index;
    private nint* _tables;
    private T* _panels;
    private readonly long _panelElements;
    private readonly long _smallPanel;

    public GroupGradientPlan(View view, PlanOptions options)
        : base(view, options, "gradient-groups")
    {
        _channels = view.BigChannels;
        _perGroup = _channels / view.Groups;
        _blocks = (_channels + Lanes - 1) / Lanes;
        _packsBig = view.Big.C != 1 || _channels < Lanes;
        _packsSmall = view.Small.C != 1 || _channels < Lanes;
        _mostTaps = Math.Min(view.Taps, Kernels.MostTaps(_perGroup));
        _index = (T*)AllocateWeights((long)_perGroup * Lanes * sizeof(T));
        WriteIndex();
        _tables = (nint*)AllocateWorkspace((long)Threads * 64 * sizeof(nint));
        AxisMap h = view.Axes[1], w = view.Axes[2];
        Cut((_packsBig ? h.Stride * w.Big : 0L) * Lanes * sizeof(T), (long)_blocks * view.Taps * _perGroup * Lanes);
        _smallPanel = _packsSmall ? (long)RowsPerUnit * w.Small * Lanes : 0;
        long rows = _packsBig ? Math.Min(h.Big, ((RowsPerUnit - 1) * h.Stride) + ((h.Kernel - 1) * h.Dilation) + 1) : 0;
        _panelElements = (_smallPanel + checked(rows * w.Big * Lanes) + 63) / 64 * 64;
        if (_panelElements > 0) _panels = (T*)AllocateWorkspace(checked(_panelElements * Threads * sizeof(T)));
    }

    public override IReadOnlyList<string> Notes =>
    [
        $"vectors of {Lanes} channels, up to {_mostTaps} taps at a time; {(_packsBig || _packsSmall ? "rows packed channels-last" : "both sides in place")}",
        $"{Slices} slice(s) of the pixels, each summed on its own",
    ];

    protected override int PartsPerSlice => _blocks;

    protected override int WriteParts => _blocks;

    /// <summary>True where this plan serves: whole groups in a vector, as many channels in as out.</summary>
    public static bool Serves(View view)
    {
        int lanes = GradientSet.For<T>().Lanes, perGroup = view.BigChannels / view.Groups;
        return view.Groups > 1 && view.SmallChannels == view.BigChannels && (perGroup == 1 || (perGroup is 2 or 4 or 8 && perGroup < lanes));
    }

    private void WriteIndex()
    {
        int words = sizeof(T) / sizeof(int);
        for (int j = 0; j < _perGroup; j++)
            for (int l = 0; l < Lanes; l++)
                for (int i = 0; i < words; i++) ((int*)_index)[(((j * Lanes) + l) * words) + i] = (Partner(l, j) * words) + i;
    }

    /// <summary>Lane of the small channel that order <paramref name="j"/> brings to big channel <paramref name="lane"/>.</summary>
    private int Partner(int lane, int j) => (lane / _perGroup * _perGroup) + (((lane % _perGroup) + j) % _perGroup);

    /// <summary>First channel of a block; the last block is moved back to end with the channels.</summary>
    private int First(int block) => Math.Max(0, Math.Min(block * Lanes, _channels - Lanes));

    protected override void Renew()
    {
        base.Renew();
        _tables = Another(_tables);
        _panels = Another(_panels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Sum(int slice, int block, int worker)
    {
        long size = (long)View.Taps * _perGroup * Lanes;
        T* sums = Accumulators(slice) + (block * size);
        NativeMemory.Clear(sums, checked((nuint)(size * sizeof(T))));
        int c = First(block), valid = Math.Min(Lanes, _channels - c);
        T* smallPanel = _panels + (worker * _panelElements), bigPanel = smallPanel + _smallPanel;
        nint* table = _tables + ((long)worker * 64);
        AxisMap w = View.Axes[2];
        (long from, long to) = Units(slice);
        for (long u = from; u < to; u++)
        {
            (long n, int pd, int h0, int h1) = Unit(u);
            T* small = SmallSide + (n * View.Small.N) + (c * View.Small.C) + (pd * View.Small.D);
            Plane s = new(small, View.Small.H, View.Small.W);
            if (_packsSmall) s = Pack(small, View.Small, h0, h1, smallPanel, w.Small, valid);
            for (int kd = 0; kd < KernelD; kd++)
            {
                int sd = View.Axes[0].At(pd, kd);
                if (sd < 0) continue;
                T* big = BigSide + (n * View.Big.N) + (c * View.Big.C) + (sd * View.Big.D);
                Plane b = new(big, View.Big.H, View.Big.W);
                if (_packsBig)
                {
                    int first = (int)Math.Clamp(H.Place(h0, 0), 0, View.Axes[1].Big), end = (int)Math.Clamp(H.Place(h1 - 1, KernelH - 1) + 1, first, View.Axes[1].Big);
                    b = Pack(big, View.Big, first, end, bigPanel, w.Big, valid);
                }

                foreach (TapClass y in H.Classes)
                {
                    int y0 = Math.Max(h0, y.From), y1 = Math.Min(h1, y.To);
                    if (y0 < y1)
                        foreach (TapClass x in W.Classes) Rectangle(s, b, sums, kd, y with { From = y0, To = y1 }, x, table);
                }
            }
        }
    }

    /// <summary>Rows first to end as <c>[row][column][lane]</c>; the plane's origin is where row 0 would be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Plane Pack(T* from, in Strides5 s, int first, int end, T* panel, int columns, int valid)
    {
        long line = (long)columns * Lanes;
        for (int h = first; h < end; h++)
        {
            T* x = from + (h * s.H), to = panel + ((h - first) * line);
            if (s.C != 1) Transposition.ToPixels(x, s.W, s.C, to, Lanes, columns, valid);
            else
                for (int i = 0; i < columns; i++) Copy.Run(x + (i * s.W), to + ((long)i * Lanes), valid);
        }

        return new Plane(panel - (first * line), line, Lanes);
    }

    /// <summary>Pixels that all see the same taps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Rectangle(in Plane s, in Plane b, T* sums, int kd, TapClass y, TapClass x, nint* table)
    {
        AxisMap h = View.Axes[1], w = View.Axes[2];
        GradientArguments q = new()
        {
            A = (byte*)(s.Origin + (y.From * s.Line) + (x.From * s.Pixel)),
            AElement = checked((nint)(s.Pixel * sizeof(T))),
            ALine = checked((nint)(s.Line * sizeof(T))),
            B = (byte*)(b.Origin + (H.Place(y.From, y.FirstTap) * b.Line) + (W.Place(x.From, x.FirstTap) * b.Pixel)),
            BElement = checked((nint)(w.Stride * b.Pixel * sizeof(T))),
            BLine = checked((nint)(h.Stride * b.Line * sizeof(T))),
            Lines = y.To - y.From,
            Count = x.To - x.From,
            Taps = table,
            Index = (byte*)_index,
            Out = (byte*)sums,
        };
        int all = y.Taps * x.Taps, calls = (all + _mostTaps - 1) / _mostTaps;
        for (int i = 0; i < calls; i++)
        {
            int t0 = all * i / calls, t1 = all * (i + 1) / calls;
            for (int t = t0; t < t1; t++)
            {
                int kh = t / x.Taps, kw = t % x.Taps;
                table[2 * (t - t0)] = checked((nint)(((kh * h.Dilation * b.Line) + (kw * w.Dilation * b.Pixel)) * sizeof(T)));
                table[(2 * (t - t0)) + 1] = (nint)Slot(kd, y.FirstTap + kh, x.FirstTap + kw) * _perGroup * Lanes * sizeof(T);
            }

            Kernels.Groups(t1 - t0, _perGroup)(&q);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Write(int block)
    {
        Strides5 s = Weights;
        long size = (long)View.Taps * _perGroup * Lanes;
        AddSlices(block * size, size);
        T* sums = Accumulators(0) + (block * size);
        int c = First(block);
        for (int l = (block * Lanes) - c; l < Math.Min(Lanes, _channels - c); l++)
            for (int j = 0; j < _perGroup; j++)
            {
                T* to = (T*)Now.Result + ((c + Partner(l, j)) * s.N) + (l % _perGroup * s.C);
                for (int t = 0; t < View.Taps; t++) to[t * s.W] = sums[((((long)t * _perGroup) + j) * Lanes) + l];
            }
    }

    /// <summary>One side's plane: where its element (0, 0) is, and its steps.</summary>
    private readonly struct Plane(T* origin, long line, long pixel)
    {
        public readonly T* Origin = origin;
        public readonly long Line = line;
        public readonly long Pixel = pixel;
    }
}
