using System.Numerics;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Plans;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>
/// Gradient of the input under a padding mode that shows elements, without a copy of the input: every output adds to what it read. A part owns a
/// channel of an image, whose additions come in the order of outputs and taps.
/// </summary>
internal sealed unsafe class ScatterPlan<T> : ManagedPlan
    where T : unmanaged, INumber<T>
{
    private readonly View _view;
    private readonly T* _weights;

    public ScatterPlan(View view, PlanOptions options)
        : base(view.Problem, options, "managed:scatter", view.Problem.MultiplyAdds)
    {
        _view = view;
        _weights = (T*)AllocateWeights(view.Problem.WeightCount * sizeof(T));
    }

    public override IReadOnlyList<string> Notes => ["general kernel: every output adds to the elements that it read"];

    protected override void SetWeightsCore(void* weights, void* bias) => Buffer.MemoryCopy(weights, _weights, WeightBytes, WeightBytes);

    protected override void Execute() => Spread(Problem.Batch * _view.BigChannels);

    public override void DoParts(long from, long to, int worker)
    {
        for (long part = from; part < to; part++) Add(part / _view.BigChannels, (int)(part % _view.BigChannels));
    }

    private void Add(long n, int channel)
    {
        (AxisMap d, AxisMap h, AxisMap w) = (_view.Axes[0], _view.Axes[1], _view.Axes[2]);
        Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout), x = _view.Big, y = _view.Small;
        int big = _view.BigChannels / _view.Groups, small = _view.SmallChannels / _view.Groups, group = channel / big;
        T* image = (T*)Now.Result + (n * x.N) + (channel * x.C), gradient = (T*)Now.OutputGradient + (n * y.N) + ((long)group * small * y.C);
        for (int i = 0; i < d.Big; i++)
            for (int j = 0; j < h.Big; j++)
                for (int k = 0; k < w.Big; k++) image[(i * x.D) + (j * x.H) + (k * x.W)] = T.Zero;
        for (int pd = 0; pd < d.Small; pd++)
            for (int ph = 0; ph < h.Small; ph++)
                for (int pw = 0; pw < w.Small; pw++)
                    for (int kd = 0; kd < d.Kernel; kd++)
                        for (int kh = 0; kh < h.Kernel; kh++)
                        {
                            int sd = d.At(pd, kd), sh = h.At(ph, kh);
                            if ((sd | sh) < 0) continue;
                            for (int kw = 0; kw < w.Kernel; kw++)
                            {
                                if (w.At(pw, kw) is not (>= 0 and var sw)) continue;
                                T* from = gradient + (pd * y.D) + (ph * y.H) + (pw * y.W), at = image + (sd * x.D) + (sh * x.H) + (sw * x.W);
                                (int fd, int fh, int fw) = _view.Flip ? (d.Kernel - 1 - kd, h.Kernel - 1 - kh, w.Kernel - 1 - kw) : (kd, kh, kw);
                                T* weight = _weights + _view.WeightOffset(s, group * small, channel % big, fd, fh, fw);
                                T sum = T.Zero;
                                for (int o = 0; o < small; o++) sum += from[o * y.C] * weight[o * s.N];
                                *at += sum;
                            }
                        }
    }
}
