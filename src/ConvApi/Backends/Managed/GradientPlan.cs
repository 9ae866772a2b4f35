using System.Numerics;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>Gradients of weights and bias of the linear variants: each element is summed by one thread, in one order.</summary>
internal sealed unsafe class GradientPlan<T> : ManagedPlan
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly View _view;
    private readonly bool _weights;
    private readonly Strides5 _y;
    private readonly T _pad;
    private bool _biasStep;

    public GradientPlan(View view, PlanOptions options, string implementation)
        : base(view.Problem, options, implementation, Math.Max(view.Problem.MultiplyAdds, view.Problem.OutputShape.Product))
    {
        _view = view;
        _weights = Problem.Direction == Direction.BackwardWeights;
        _y = Problem.Op == ConvOp.Transposed ? view.Big : view.Small;
        _pad = T.CreateTruncating(Problem.PadValue);
    }

    protected override void Execute()
    {
        if (_weights)
        {
            _biasStep = false;
            Spread((long)_view.SmallChannels * (_view.BigChannels / _view.Groups));
        }

        _biasStep = true;
        if (!_weights || Now.BiasResult != null) Spread(Problem.OutputChannels);
    }

    public override void DoParts(long from, long to, int worker)
    {
        int perGroup = _view.BigChannels / _view.Groups;
        for (long part = from; part < to; part++)
            if (_biasStep) Bias((int)part);
            else Weights((int)(part / perGroup), (int)(part % perGroup));
    }

    private void Bias(int channel)
    {
        var db = (T*)(_weights ? Now.BiasResult : Now.Result);
        Dims s = Problem.OutputShape;
        T* dy = (T*)Now.OutputGradient + (channel * _y.C);
        long width = s[^1], height = s.Count > 3 ? s[^2] : 1, depth = s.Count > 4 ? s[^3] : 1;
        T sum = T.Zero;
        for (long n = 0; n < s[0]; n++)
            for (long d = 0; d < depth; d++)
                for (long h = 0; h < height; h++)
                {
                    // A sum per row keeps the error of a large batch small.
                    T* row = dy + (n * _y.N) + (d * _y.D) + (h * _y.H);
                    T part = T.Zero;
                    for (long w = 0; w < width; w++) part += row[w * _y.W];
                    sum += part;
                }

        db[channel] = sum;
    }

    private void Weights(int small, int big)
    {
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        var (d, h, w) = (_view.Axes[0], _view.Axes[1], _view.Axes[2]);
        for (int kd = 0; kd < d.Kernel; kd++)
            for (int kh = 0; kh < h.Kernel; kh++)
                for (int kw = 0; kw < w.Kernel; kw++)
                {
                    long at = _view.Flip
                        ? _view.WeightOffset(s, small, big, d.Kernel - 1 - kd, h.Kernel - 1 - kh, w.Kernel - 1 - kw)
                        : _view.WeightOffset(s, small, big, kd, kh, kw);
                    ((T*)Now.Result)[at] = Tap(small, big, kd, kh, kw);
                }
    }

    private T Tap(int small, int big, int kd, int kh, int kw)
    {
        bool transposed = Problem.Op == ConvOp.Transposed, constant = Problem.PaddingMode == PaddingMode.Constant;
        var bigSide = (T*)(transposed ? Now.OutputGradient : Now.Input);
        var smallSide = (T*)(transposed ? Now.Input : Now.OutputGradient);
        int group = small / (_view.SmallChannels / _view.Groups);
        bigSide += ((group * (_view.BigChannels / _view.Groups)) + big) * _view.Big.C;
        smallSide += small * _view.Small.C;
        var (d, h, w) = (_view.Axes[0], _view.Axes[1], _view.Axes[2]);
        T sum = T.Zero;
        for (long n = 0; n < Problem.Batch; n++)
            for (int pd = 0; pd < d.Small; pd++)
            {
                int sd = d.Source[(pd * d.Kernel) + kd];
                if (sd < 0 && !constant) continue;
                for (int ph = 0; ph < h.Small; ph++)
                {
                    int sh = h.Source[(ph * h.Kernel) + kh];
                    if (sh < 0 && !constant) continue;
                    T* a = smallSide + (n * _view.Small.N) + (pd * _view.Small.D) + (ph * _view.Small.H);
                    T* b = bigSide + (n * _view.Big.N) + (sd * _view.Big.D) + (sh * _view.Big.H);
                    T part = T.Zero;
                    for (int pw = 0; pw < w.Small; pw++)
                    {
                        int sw = w.Source[(pw * w.Kernel) + kw];
                        if ((sd | sh | sw) >= 0) part += a[pw * _view.Small.W] * b[sw * _view.Big.W];
                        else if (constant) part += a[pw * _view.Small.W] * _pad;
                    }

                    sum += part;
                }
            }

        return sum;
    }
}
