using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Plans;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>
/// A kernel as large as its channels-first source, with few outputs a group (global depthwise): each result is the dot product of two
/// stretches of memory, so vectors run along taps and nothing is rearranged but the weights, once.
/// </summary>
internal sealed unsafe class DotPlan<T> : FinitePlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly int _length;
    private readonly int _outputs;
    private readonly T* _weights;
    private readonly T* _bias;

    public DotPlan(View view, PlanOptions options)
        : base(view, options, "dot")
    {
        _outputs = view.SmallChannels / view.Groups;
        _length = checked(view.BigChannels / view.Groups * view.Taps);
        _weights = (T*)AllocateWeights(Problem.WeightCount * sizeof(T));
        _bias = (T*)AllocateWeights(view.SmallChannels * sizeof(T));
    }

    protected override bool ReadsPadding => false;

    protected override IEnumerable<string> Steps => [$"dot products of {_length} neighbouring elements"];

    /// <summary>True where this plan serves.</summary>
    public static bool Serves(View view)
    {
        if (!view.IsDown || view.Big.W != 1 || view.Big.C == 1) return false;
        foreach (AxisMap a in view.Axes)
            if (a.Small != 1 || a.Kernel != a.Big || a.PadBegin != 0 || (a.Dilation != 1 && a.Kernel > 1)) return false;
        return view.Taps >= Vector<T>.Count && view.SmallChannels / view.Groups * 2 <= KernelSet.For<T>().Lanes;
    }

    /// <summary>Packs to [output channel][source channel][tap].</summary>
    protected override void PackWeights(T* weights, T* bias)
    {
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        (int kd, int kh, int kw) = (View.Axes[0].Kernel, View.Axes[1].Kernel, View.Axes[2].Kernel);
        T* to = _weights;
        for (int g = 0; g < View.Groups; g++)
            for (int o = 0; o < _outputs; o++)
                for (int c = 0; c < View.BigChannels / View.Groups; c++)
                    for (int d = 0; d < kd; d++)
                        for (int h = 0; h < kh; h++)
                            for (int w = 0; w < kw; w++)
                                *to++ = weights[View.Flip ? WeightAt(s, g, o, c, kd - 1 - d, kh - 1 - h, kw - 1 - w) : WeightAt(s, g, o, c, d, h, w)];
        if (bias != null) new ReadOnlySpan<T>(bias, View.SmallChannels).CopyTo(new Span<T>(_bias, View.SmallChannels));
    }

    protected override void ExecuteFinite() => Spread(Problem.Batch * View.Groups);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void DoParts(long from, long to, int worker)
    {
        T* y = (T*)Now.Result, source = Source;
        bool plain = Post.IsNone;
        for (long part = from; part < to; part++)
        {
            long n = part / View.Groups, group = part % View.Groups;
            T* x = source + (part * _length);
            for (long o = group * _outputs; o < (group + 1) * _outputs; o++)
            {
                long at = (n * View.Small.N) + (o * View.Small.C);
                y[at] = Product(x, _weights + (o * _length), _length, _bias[o]);
                if (!plain) Finish(at, 1);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T Product(T* a, T* b, int count, T sum)
    {
        Vector<T> s = Vector<T>.Zero, t = s;
        int i = 0, l = Vector<T>.Count;
        for (; i + (2 * l) <= count; i += 2 * l)
        {
            s += Vector.Load(a + i) * Vector.Load(b + i);
            t += Vector.Load(a + i + l) * Vector.Load(b + i + l);
        }

        if (i + l <= count)
        {
            s += Vector.Load(a + i) * Vector.Load(b + i);
            i += l;
        }

        sum += Vector.Sum(s + t);
        for (; i < count; i++) sum += a[i] * b[i];
        return sum;
    }
}
