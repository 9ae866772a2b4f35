using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;

namespace ConvNative.Backends.Managed.Gradients;

/// <summary>
/// Gradient of weights between very few channels, stride 1: vectors run along pixels. Rows of both sides are copied to one pitch with
/// zeros in the padding, so that a vector may span rows; the lanes are added up at the end. Zeros must not meet infinities: a result
/// that is not finite is computed anew by the kernel that leaves padding out.
/// </summary>
internal sealed unsafe class PlaneGradientPlan<T> : GradientPlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int PlanePixels = 4096;

    private readonly PlanOptions _options;
    private readonly int _big;
    private readonly int _small;
    private readonly bool _walks;
    private readonly int _pitch;
    private readonly int _spanH;
    private readonly nint* _table;
    private readonly T* _masks;
    private T* _panels;
    private readonly long _bigPlane;
    private readonly long _smallPlane;
    private readonly long _panelElements;
    private OuterGradientPlan<T>? _exact;

    public PlaneGradientPlan(View view, PlanOptions options)
        : base(view, options, "gradient-planes")
    {
        _options = options;
        (_big, _small) = (view.BigChannels / view.Groups, view.SmallChannels / view.Groups);
        AxisMap h = view.Axes[1], w = view.Axes[2];
        _walks = Walks(view);
        int spanW = checked((int)((w.Kernel - 1) * w.Dilation));
        _spanH = checked((int)((h.Kernel - 1) * h.Dilation));
        _pitch = w.Small + spanW;
        Cut((long)_pitch * (_big + _small) * sizeof(T), (long)view.Groups * _small * _big * view.Taps * Lanes, PlanePixels);

        // A vector may reach past the last row.
        _bigPlane = ((((long)RowsPerUnit + _spanH) * _pitch) + (2 * Lanes) + 15) / 16 * 16;
        _smallPlane = _walks ? 0 : (((long)RowsPerUnit * _pitch) + (2 * Lanes) + 15) / 16 * 16;
        if (_walks) _masks = WriteMasks(w.Small);
        _panelElements = (_big * _bigPlane) + (_small * _smallPlane);
        _panels = (T*)AllocateWorkspace(checked(_panelElements * Threads * sizeof(T)));
        _table = (nint*)AllocateWeights(2L * KernelH * KernelW * sizeof(nint));
        for (int t = 0; t < KernelH * KernelW; t++)
        {
            long place = (t / KernelW * h.Dilation * _pitch) + (t % KernelW * w.Dilation);
            _table[2 * t] = checked((nint)(place * sizeof(T)));
            _table[(2 * t) + 1] = (nint)t * Lanes * sizeof(T);
        }
    }

    public override IReadOnlyList<string> Notes =>
    [
        $"vectors along pixels, rows copied with their padding to a pitch of {_pitch}, {RowsPerUnit} at a time{(_walks ? ", walked down column by column" : "")}",
        $"{Slices} slice(s) of the pixels, each summed on its own",
        .. _exact is null ? Array.Empty<string>() : ["a result was not finite: computed anew without padding"],
    ];

    protected override int PartsPerSlice => View.Groups;

    protected override int WriteParts => View.Groups;

    /// <summary>True where this plan serves: stride 1, and so few channels a group that vectors along them would be mostly empty.</summary>
    public static bool Serves(View view)
    {
        int lanes = GradientSet.For<T>().Lanes, most = Math.Max(view.BigChannels, view.SmallChannels) / view.Groups;
        if (view.Axes[1].Stride != 1 || view.Axes[2].Stride != 1 || most * 4 > lanes || view.Axes[2].Small < 4) return false;
        if (Walks(view)) return true;

        // Channels that lie side by side are sooner used as they lie than collected.
        bool last = view.Big.C == 1 && view.Small.C == 1;
        return !GroupGradientPlan<T>.Serves(view) || view.BigChannels * (last ? 8 : 2) <= lanes;
    }

    /// <summary>Depthwise 3x3 on channels-first planes whose rows fill their vectors: a loaded vector of either side serves three taps, and nothing is transposed.</summary>
    private static bool Walks(View view)
    {
        AxisMap h = view.Axes[1], w = view.Axes[2];
        int lanes = GradientSet.For<T>().Lanes, computed = (w.Small + lanes - 1) / lanes * lanes;
        return view.Groups == view.BigChannels && view.Groups == view.SmallChannels && view.Big.W == 1 && view.Small.W == 1
            && h is { Kernel: 3, Stride: 1, Dilation: 1 } && w is { Kernel: 3, Stride: 1, Dilation: 1 } && w.Small >= lanes && computed * 3 <= w.Small * 4;
    }

    protected override void Renew()
    {
        base.Renew();
        _panels = Another(_panels);
        _exact = null;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Sum(int slice, int group, int worker)
    {
        long size = (long)_small * _big * View.Taps * Lanes;
        T* sums = Accumulators(slice) + (group * size), big = _panels + (worker * _panelElements), small = big + (_big * _bigPlane);
        NativeMemory.Clear(sums, checked((nuint)(size * sizeof(T))));
        (long from, long to) = Units(slice);
        for (long u = from; u < to; u++)
        {
            (long n, int pd, int h0, int h1) = Unit(u);
            int rows = h1 - h0, length = ((rows - 1) * _pitch) + View.Axes[2].Small, vectors = (length + Lanes - 1) / Lanes;
            T* y = SmallSide + (n * View.Small.N) + ((long)group * _small * View.Small.C) + (pd * View.Small.D);
            for (int s = 0; s < _small && !_walks; s++)
            {
                T* panel = small + (s * _smallPlane);
                NativeMemory.Clear(panel, checked((nuint)((long)vectors * Lanes * sizeof(T))));
                Pack(y + (s * View.Small.C), View.Small, h0, h1, View.Axes[1].Small, 0, View.Axes[2].Small, panel, _pitch);
            }

            for (int kd = 0; kd < KernelD; kd++)
            {
                int sd = View.Axes[0].At(pd, kd);
                if (sd < 0) continue;
                int first = checked((int)H.Place(h0, 0)), left = checked((int)-W.Place(0, 0));
                for (int b = 0; b < _big; b++)
                {
                    T* x = BigSide + (n * View.Big.N) + ((((long)group * _big) + b) * View.Big.C) + (sd * View.Big.D), panel = big + (b * _bigPlane);
                    if (!_walks) NativeMemory.Clear(panel, checked((nuint)((((rows + _spanH) * (long)_pitch) + (2 * Lanes)) * sizeof(T))));
                    Pack(x, View.Big, first, first + rows + _spanH, View.Axes[1].Big, left, View.Axes[2].Big, panel, _pitch);
                }

                for (int s = 0; s < _small; s++)
                    for (int b = 0; b < _big; b++)
                    {
                        T* at = sums + (((((long)s * _big) + b) * KernelD) + kd) * KernelH * KernelW * Lanes;
                        if (_walks) Walk(y + (h0 * View.Small.H), big, rows, at);
                        else Add(small + (s * _smallPlane), big + (b * _bigPlane), vectors, at);
                    }
            }
        }
    }

    /// <summary>All of each vector of a row, but of the last one, which ends with the row, only what the one before has not.</summary>
    private T* WriteMasks(int columns)
    {
        int vectors = (columns + Lanes - 1) / Lanes;
        var masks = (T*)AllocateWeights((long)vectors * Lanes * sizeof(T));
        new Span<byte>(masks, checked(vectors * Lanes * sizeof(T))).Fill(0xFF);
        new Span<byte>(masks + ((vectors - 1L) * Lanes), ((vectors * Lanes) - columns) * sizeof(T)).Clear();
        return masks;
    }

    /// <summary>
    /// Rows first to end at a pitch, the source's column 0 at column <paramref name="left"/>. Rows that do not exist become zeros, columns that do not are
    /// what they were: zeros since the workspace was made.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(T* source, in Strides5 s, int first, int end, int height, int left, int width, T* to, int pitch)
    {
        int skip = Math.Max(0, -left), at = Math.Max(0, left), count = Math.Min(width - skip, pitch - at);
        for (int h = first; h < end; h++, to += pitch)
        {
            if (count <= 0 || (uint)h >= (uint)height) NativeMemory.Clear(to, (nuint)pitch * (nuint)sizeof(T));
            else if (s.W == 1) Copy.Run(source + (h * s.H) + skip, to + at, count);
            else Copy.Strided(source + (h * s.H) + (skip * s.W), checked((int)s.W), to + at, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Walk(T* small, T* big, int rows, T* sums)
    {
        int columns = View.Axes[2].Small;
        GradientArguments q = new()
        {
            A = (byte*)small,
            ALine = checked((nint)(View.Small.H * sizeof(T))),
            AStep = (nint)(columns - Lanes) * sizeof(T),
            B = (byte*)big,
            BLine = (nint)_pitch * sizeof(T),
            Lines = rows,
            Count = (columns + Lanes - 1) / Lanes,
            Index = (byte*)_masks,
            Out = (byte*)sums,
        };
        Kernels.Walk(&q);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Add(T* small, T* big, int vectors, T* sums)
    {
        int taps = KernelH * KernelW, most = Kernels.MostTaps(1), calls = (taps + most - 1) / most;
        GradientArguments q = new()
        {
            A = (byte*)small,
            AElement = Lanes * sizeof(T),
            B = (byte*)big,
            BElement = Lanes * sizeof(T),
            Lines = 1,
            Count = vectors,
            Out = (byte*)sums,
        };
        for (int i = 0; i < calls; i++)
        {
            int t0 = (int)((long)taps * i / calls), t1 = (int)((long)taps * (i + 1) / calls);
            q.Taps = _table + (2 * t0);
            Kernels.Groups(t1 - t0, 1)(&q);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Write(int group)
    {
        long size = (long)_small * _big * View.Taps * Lanes;
        AddSlices(group * size, size);
        T* from = Accumulators(0) + (group * size);
        for (int s = 0; s < _small; s++)
            for (int b = 0; b < _big; b++)
            {
                T* to = (T*)Now.Result + ((((long)group * _small) + s) * Weights.N) + (b * Weights.C);
                for (int t = 0; t < View.Taps; t++, from += Lanes)
                {
                    T sum = Total(from);
                    to[(View.Flip ? View.Taps - 1 - t : t) * Weights.W] = sum;
                }
            }
    }

    /// <summary>The sum of a vector's lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private T Total(T* lanes)
    {
        T sum = T.Zero;
        if (Lanes >= Vector<T>.Count)
        {
            Vector<T> halves = Vector.Load(lanes);
            for (int l = Vector<T>.Count; l < Lanes; l += Vector<T>.Count) halves += Vector.Load(lanes + l);
            return Vector.Sum(halves);
        }

        for (int l = 0; l < Lanes; l++) sum += lanes[l];
        return sum;
    }

    protected override void Check()
    {
        var result = (T*)Now.Result;
        long i = 0;
        while (i < Problem.WeightCount && T.IsFinite(result[i])) i++;
        if (i == Problem.WeightCount) return;
        _exact ??= new OuterGradientPlan<T>(View, _options);
        _exact.Run(Now);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _exact?.Dispose();
        base.Dispose(disposing);
    }
}
