using System.Numerics;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Gradients;

/// <summary>
/// The general gradient of weights: any geometry, layout and padding mode, one weight at a time, only products that exist. It holds nothing but the
/// sums of the bias.
/// </summary>
internal sealed unsafe class GatherGradientPlan<T> : ManagedPlan
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly View _view;
    private readonly BiasSums<T> _bias;
    private T* _biasScratch;
    private readonly T _pad;
    private readonly int _big;

    public GatherGradientPlan(View view, PlanOptions options)
        : base(view.Problem, options, "managed:gather", view.Problem.MultiplyAdds)
    {
        _view = view;
        _big = view.BigChannels / view.Groups;
        _pad = T.CreateTruncating(Problem.PadValue);
        _bias = new BiasSums<T>(Problem);
        _biasScratch = (T*)AllocateWorkspace(_bias.ScratchElements * sizeof(T));
    }

    public override IReadOnlyList<string> Notes => ["general kernel: one weight at a time, only products that exist"];

    private long Weights => (long)_view.SmallChannels * _big * _view.Taps;

    private bool IsConstant => Problem.PaddingMode == PaddingMode.Constant;

    protected override void Renew()
    {
        base.Renew();
        _biasScratch = Another(_biasScratch);
    }

    protected override void Execute()
    {
        Spread(Weights + (Now.BiasResult != null ? _bias.Parts : 0));
        if (Now.BiasResult != null) _bias.Combine(_biasScratch, (T*)Now.BiasResult);
    }

    public override void DoParts(long from, long to, int worker)
    {
        long weights = Weights;
        (AxisMap d, AxisMap h, AxisMap w) = (_view.Axes[0], _view.Axes[1], _view.Axes[2]);
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
        for (long part = from; part < to; part++)
        {
            if (part >= weights)
            {
                _bias.Add((int)(part - weights), (T*)Now.OutputGradient, _biasScratch);
                continue;
            }

            int tap = (int)(part % _view.Taps), kw = tap % w.Kernel, kh = tap / w.Kernel % h.Kernel, kd = tap / w.Kernel / h.Kernel;
            int big = (int)(part / _view.Taps % _big), small = (int)(part / _view.Taps / _big);
            (int fd, int fh, int fw) = _view.Flip ? (d.Kernel - 1 - kd, h.Kernel - 1 - kh, w.Kernel - 1 - kw) : (kd, kh, kw);
            ((T*)Now.Result)[_view.WeightOffset(s, small, big, fd, fh, fw)] = Sum(small, big, kd, kh, kw);
        }
    }

    private T Sum(int small, int big, int kd, int kh, int kw)
    {
        (AxisMap d, AxisMap h, AxisMap w) = (_view.Axes[0], _view.Axes[1], _view.Axes[2]);
        (Strides5 x, Strides5 y) = (_view.Big, _view.Small);
        bool bigIsInput = Problem.Op != ConvOp.Transposed, constant = IsConstant;
        T* bigSide = (T*)(bigIsInput ? Now.Input : Now.OutputGradient) + ((((long)small / (_view.SmallChannels / _view.Groups) * _big) + big) * x.C);
        T* smallSide = (T*)(bigIsInput ? Now.OutputGradient : Now.Input) + (small * y.C);
        (int from, int to) = Problem.PaddingMode == PaddingMode.Zeros ? w.Readers(kw) : (0, w.Small);
        T sum = T.Zero;
        for (long n = 0; n < Problem.Batch; n++)
            for (int pd = 0; pd < d.Small; pd++)
                for (int ph = 0; ph < h.Small; ph++)
                {
                    int sd = d.At(pd, kd), sh = h.At(ph, kh);
                    if ((sd | sh) < 0 && !constant) continue;
                    T* row = bigSide + (n * x.N) + (sd * x.D) + (sh * x.H), other = smallSide + (n * y.N) + (pd * y.D) + (ph * y.H);
                    T part = T.Zero;
                    for (int pw = from; pw < to; pw++)
                    {
                        int sw = w.At(pw, kw);
                        bool outside = (sd | sh | sw) < 0;
                        if (outside && !constant) continue;
                        part += other[pw * y.W] * (outside ? _pad : row[sw * x.W]);
                    }

                    sum += part;
                }

        return sum;
    }
}
