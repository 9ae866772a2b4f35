using System.Numerics;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>
/// The general kernel: any geometry, layout and padding mode, forward or backward data, one destination element at a time. Every
/// tap that exists is multiplied and no other, so it is also the kernel for weights that are not finite.
/// </summary>
internal unsafe class GatherPlan<T> : ManagedPlan
    where T : unmanaged, INumber<T>
{
    private readonly View _view;
    private readonly AxisTaps _d;
    private readonly AxisTaps _h;
    private readonly AxisTaps _w;
    private readonly Strides5 _from;
    private readonly Strides5 _to;
    private readonly int _toChannels;
    private readonly int _fromPerGroup;
    private readonly int _toPerGroup;
    private readonly T _pad;
    private readonly T* _weights;
    private readonly T* _bias;

    public GatherPlan(View view, PlanOptions options, string implementation)
        : base(view.Problem, options, implementation, view.Problem.MultiplyAdds)
    {
        ConvProblem p = view.Problem;
        _view = view;
        bool down = view.IsDown, keep = down && p.PaddingMode == PaddingMode.Constant;
        (_d, _h, _w) = (Taps(0), Taps(1), Taps(2));
        (_from, _to) = down ? (view.Big, view.Small) : (view.Small, view.Big);
        _toChannels = down ? view.SmallChannels : view.BigChannels;
        _toPerGroup = _toChannels / view.Groups;
        _fromPerGroup = (down ? view.BigChannels : view.SmallChannels) / view.Groups;
        _pad = T.CreateTruncating(p.PadValue);
        _weights = (T*)AllocateWeights(p.WeightCount * sizeof(T));
        if (p.HasBias && p.Direction == Direction.Forward) _bias = (T*)AllocateWeights(p.OutputChannels * sizeof(T));

        AxisTaps Taps(int axis) => new(view.Axes[axis], down, view.Flip, keep);
    }

    public override IReadOnlyList<string> Notes => ["general kernel: one output element at a time, only taps that exist"];

    /// <summary>Packs to [destination channel][tap][source channel of the group].</summary>
    protected override void SetWeightsCore(void* weights, void* bias)
    {
        var w = (T*)weights;
        ConvProblem p = Problem;
        Strides5 s = Strides5.Of(p.WeightShape, p.WeightLayout);
        int kd = _view.Axes[0].Kernel, kh = _view.Axes[1].Kernel, kw = _view.Axes[2].Kernel;
        T* to = _weights;
        for (int o = 0; o < _toChannels; o++)
            for (int d = 0; d < kd; d++)
                for (int h = 0; h < kh; h++)
                    for (int x = 0; x < kw; x++)
                        for (int c = 0; c < _fromPerGroup; c++)
                        {
                            // Weights are [small, big/groups, k]: whichever side is the destination.
                            int group = o / _toPerGroup;
                            int small = _view.IsDown ? o : (group * _fromPerGroup) + c, big = _view.IsDown ? c : o - (group * _toPerGroup);
                            *to++ = w[_view.WeightOffset(s, small, big, d, h, x)];
                        }

        if (_bias != null) new ReadOnlySpan<T>(bias, (int)p.OutputChannels).CopyTo(new Span<T>(_bias, (int)p.OutputChannels));
    }

    protected override void Execute() => Spread(Problem.Batch * _toChannels * _d.Destinations * _h.Destinations);

    public override void DoParts(long from, long to, int worker)
    {
        var x = (T*)(Problem.Direction == Direction.Forward ? Now.Input : Now.OutputGradient);
        var y = (T*)Now.Result;
        var finish = new Finish<T>(_bias, (T*)Now.Residual, Problem.PostOps);
        int depth = _d.Destinations, height = _h.Destinations, width = _w.Destinations;
        for (long part = from; part < to; part++)
        {
            int h = (int)(part % height);
            long rest = part / height;
            int d = (int)(rest % depth);
            rest /= depth;
            int o = (int)(rest % _toChannels);
            long n = rest / _toChannels;
            T* source = x + (n * _from.N) + ((long)(o / _toPerGroup) * _fromPerGroup * _from.C);
            T* weights = _weights + ((long)o * _view.Taps * _fromPerGroup);
            long row = (n * _to.N) + (o * _to.C) + (d * _to.D) + (h * _to.H);
            TapRun slices = _d.Of(d), rows = _h.Of(h);
            for (int w = 0; w < width; w++)
            {
                long index = row + (w * _to.W);
                y[index] = finish.Apply(Sum(source, weights, slices, rows, _w.Of(w)), o, index);
            }
        }
    }

    private T Sum(T* source, T* weights, in TapRun slices, in TapRun rows, in TapRun columns)
    {
        T sum = T.Zero;
        long kh = _view.Axes[1].Kernel, kw = _view.Axes[2].Kernel, step = _from.C;
        for (int i = 0; i < slices.Count; i++)
        {
            int sd = _d.Source(slices.Place + (i * slices.PlaceStep)), kd = slices.Tap + (i * slices.TapStep);
            for (int j = 0; j < rows.Count; j++)
            {
                int sh = _h.Source(rows.Place + (j * rows.PlaceStep));
                long row = ((kd * kh) + rows.Tap + (j * rows.TapStep)) * kw;
                for (int k = 0; k < columns.Count; k++)
                {
                    int sw = _w.Source(columns.Place + (k * columns.PlaceStep));
                    T* f = weights + ((row + columns.Tap + (k * columns.TapStep)) * _fromPerGroup);
                    if ((sd | sh | sw) < 0)
                    {
                        for (int c = 0; c < _fromPerGroup; c++) sum += _pad * f[c];
                        continue;
                    }

                    T* s = source + (sd * _from.D) + (sh * _from.H) + (sw * _from.W);
                    for (int c = 0; c < _fromPerGroup; c++) sum += s[c * step] * f[c];
                }
            }
        }

        return sum;
    }
}
