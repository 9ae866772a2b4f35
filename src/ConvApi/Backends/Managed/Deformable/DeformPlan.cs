using System.Numerics;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Deformable;

/// <summary>
/// Deformable convolution v1 and v2, all directions but bias. Each part owns what it writes: forward a row of the output, data a
/// channel of the gradient, weights one (channel, tap), offset and mask one (offset group, tap).
/// </summary>
internal sealed unsafe class DeformPlan<T> : ManagedPlan
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Strides5 _x;
    private readonly Strides5 _y;
    private readonly Strides5 _ws;
    private readonly int _taps;
    private readonly int _kw;
    private readonly int _height;
    private readonly int _width;
    private readonly int _outHeight;
    private readonly int _outWidth;
    private readonly int _channels;
    private readonly int _outputs;
    private readonly int _groups;
    private readonly int _offsetGroups;
    private readonly T* _weights;
    private readonly T* _bias;
    private T* _samples;
    private readonly long _samplesPerWorker;
    private bool _biasStep;

    public DeformPlan(ConvProblem p, PlanOptions options, string implementation)
        : base(p, options, implementation, p.MultiplyAdds)
    {
        _x = Strides5.Of(p.InputShape, p.InputLayout);
        _y = Strides5.Of(p.OutputShape, p.OutputLayout);
        _ws = Strides5.Of(p.WeightShape, p.WeightLayout);
        _taps = checked((int)p.Kernel.Product);
        _kw = checked((int)p.Kernel[1]);
        (_height, _width) = (checked((int)p.InputShape[2]), checked((int)p.InputShape[3]));
        (_outHeight, _outWidth) = (checked((int)p.OutputShape[2]), checked((int)p.OutputShape[3]));
        (_channels, _outputs) = (checked((int)p.InputChannels), checked((int)p.OutputChannels));
        (_groups, _offsetGroups) = (checked((int)p.Groups), checked((int)p.OffsetGroups));
        if (NeedsWeights) _weights = (T*)AllocateWeights(p.WeightCount * sizeof(T));
        if (p.HasBias && p.Direction == Direction.Forward) _bias = (T*)AllocateWeights(p.OutputChannels * sizeof(T));
        _samplesPerWorker = p.Direction switch
        {
            Direction.Forward => checked((long)_channels * _taps),
            Direction.BackwardWeights => checked((long)_outHeight * _outWidth),
            _ => 0,
        };
        if (_samplesPerWorker > 0) _samples = (T*)AllocateWorkspace(checked(_samplesPerWorker * Threads * sizeof(T)));
    }

    /// <summary>Packs to [output channel][channel of the group][tap].</summary>
    protected override void SetWeightsCore(void* weights, void* bias)
    {
        T* to = _weights;
        for (long o = 0; o < _outputs; o++)
            for (long c = 0; c < _channels / _groups; c++)
                for (int k = 0; k < _taps; k++) *to++ = ((T*)weights)[WeightOffset(o, c, k)];
        if (_bias != null) new ReadOnlySpan<T>(bias, _outputs).CopyTo(new Span<T>(_bias, _outputs));
    }

    private long WeightOffset(long o, long c, int k) => (o * _ws.N) + (c * _ws.C) + (k / _kw * _ws.H) + (k % _kw * _ws.W);

    protected override void Renew()
    {
        base.Renew();
        _samples = Another(_samples);
    }

    protected override void Execute()
    {
        _biasStep = false;
        Spread(Problem.Direction switch
        {
            Direction.Forward => Problem.Batch * _outHeight,
            Direction.BackwardData => Problem.Batch * _channels,
            Direction.BackwardWeights => (long)_channels * _taps,
            _ => Problem.Batch * _offsetGroups * _taps,
        });
        if (Problem.Direction != Direction.BackwardWeights || Now.BiasResult == null) return;
        _biasStep = true;
        Spread(_outputs);
    }

    public override void DoParts(long from, long to, int worker)
    {
        for (long part = from; part < to; part++)
        {
            if (_biasStep) Bias((int)part);
            else if (Problem.Direction == Direction.Forward) Forward(part / _outHeight, (int)(part % _outHeight), _samples + (worker * _samplesPerWorker));
            else if (Problem.Direction == Direction.BackwardData) Data(part / _channels, (int)(part % _channels));
            else if (Problem.Direction == Direction.BackwardWeights) Weights((int)(part / _taps), (int)(part % _taps), _samples + (worker * _samplesPerWorker));
            else OffsetOrMask(part / _taps / _offsetGroups, (int)(part / _taps % _offsetGroups), (int)(part % _taps));
        }
    }

    private void Forward(long n, int oh, T* samples)
    {
        var y = (T*)Now.Result;
        var finish = new Finish<T>(_bias, (T*)Now.Residual, Problem.PostOps);
        int perGroup = _channels / _groups, perOffset = _channels / _offsetGroups, outPerGroup = _outputs / _groups;
        for (int ow = 0; ow < _outWidth; ow++)
        {
            for (int k = 0; k < _taps; k++)
                for (int og = 0; og < _offsetGroups; og++)
                {
                    Sample<T> s = At(n, og, k, oh, ow);
                    T mask = Mask(n, og, k, oh, ow);
                    for (int c = og * perOffset; c < (og + 1) * perOffset; c++)
                        samples[((long)c * _taps) + k] = mask * s.Value((T*)Now.Input + (n * _x.N) + (c * _x.C));
                }

            for (int o = 0; o < _outputs; o++)
            {
                T* w = _weights + ((long)o * perGroup * _taps), s = samples + ((long)(o / outPerGroup) * perGroup * _taps);
                T sum = T.Zero;
                for (int i = 0; i < perGroup * _taps; i++) sum += w[i] * s[i];
                long index = (n * _y.N) + (o * _y.C) + (oh * _y.H) + (ow * _y.W);
                y[index] = finish.Apply(sum, o, index);
            }
        }
    }

    private void Data(long n, int c)
    {
        T* dx = (T*)Now.Result + (n * _x.N) + (c * _x.C);
        for (int h = 0; h < _height; h++)
            for (int w = 0; w < _width; w++) dx[(h * _x.H) + (w * _x.W)] = T.Zero;
        int og = c / (_channels / _offsetGroups);
        for (int k = 0; k < _taps; k++)
            for (int oh = 0; oh < _outHeight; oh++)
                for (int ow = 0; ow < _outWidth; ow++)
                    At(n, og, k, oh, ow).Add(dx, Mask(n, og, k, oh, ow) * ColumnGradient(n, c, k, oh, ow));
    }

    private void Weights(int c, int k, T* samples)
    {
        int perGroup = _channels / _groups, outPerGroup = _outputs / _groups, group = c / perGroup, og = c / (_channels / _offsetGroups);
        for (long n = 0; n < Math.Max(1, Problem.Batch); n++)
        {
            for (int oh = 0; oh < _outHeight && n < Problem.Batch; oh++)
                for (int ow = 0; ow < _outWidth; ow++)
                    samples[((long)oh * _outWidth) + ow] = Mask(n, og, k, oh, ow) * At(n, og, k, oh, ow).Value((T*)Now.Input + (n * _x.N) + (c * _x.C));
            for (int o = group * outPerGroup; o < (group + 1) * outPerGroup; o++)
            {
                T* dy = (T*)Now.OutputGradient + (n * _y.N) + (o * _y.C);
                T sum = T.Zero;
                for (int oh = 0; oh < _outHeight && n < Problem.Batch; oh++)
                    for (int ow = 0; ow < _outWidth; ow++) sum += samples[((long)oh * _outWidth) + ow] * dy[(oh * _y.H) + (ow * _y.W)];
                T* dw = (T*)Now.Result + WeightOffset(o, c - (group * perGroup), k);
                *dw = n == 0 ? sum : *dw + sum;
            }
        }
    }

    private void OffsetOrMask(long n, int og, int k)
    {
        bool mask = Problem.Direction == Direction.BackwardMask;
        var result = (T*)Now.Result;
        int perOffset = _channels / _offsetGroups;
        for (int oh = 0; oh < _outHeight; oh++)
            for (int ow = 0; ow < _outWidth; ow++)
            {
                Sample<T> s = At(n, og, k, oh, ow);
                T value = T.Zero, alongY = T.Zero, alongX = T.Zero;
                for (int c = og * perOffset; c < (og + 1) * perOffset; c++)
                {
                    T g = ColumnGradient(n, c, k, oh, ow);
                    T* plane = (T*)Now.Input + (n * _x.N) + (c * _x.C);
                    if (mask) value += g * s.Value(plane);
                    else
                    {
                        (T dy, T dx) = s.Slope(plane);
                        alongY += g * dy;
                        alongX += g * dx;
                    }
                }

                if (mask)
                {
                    result[MaskIndex(n, og, k, oh, ow)] = value;
                    continue;
                }

                T m = Mask(n, og, k, oh, ow);
                long at = OffsetIndex(n, og, k, oh, ow);
                result[at] = m * alongY;
                result[at + ((long)_outHeight * _outWidth)] = m * alongX;
            }
    }

    private void Bias(int o)
    {
        T sum = T.Zero;
        for (long n = 0; n < Problem.Batch; n++)
            for (int oh = 0; oh < _outHeight; oh++)
            {
                T* dy = (T*)Now.OutputGradient + (n * _y.N) + (o * _y.C) + (oh * _y.H);
                T part = T.Zero;
                for (int ow = 0; ow < _outWidth; ow++) part += dy[ow * _y.W];
                sum += part;
            }

        ((T*)Now.BiasResult)[o] = sum;
    }

    /// <summary>Gradient of the sampled (and masked) value of channel c under tap k.</summary>
    private T ColumnGradient(long n, int c, int k, int oh, int ow)
    {
        int perGroup = _channels / _groups, outPerGroup = _outputs / _groups, group = c / perGroup;
        T* w = _weights + (((long)group * outPerGroup * perGroup) + c - (group * perGroup)) * _taps + k;
        T* dy = (T*)Now.OutputGradient + (n * _y.N) + ((long)group * outPerGroup * _y.C) + (oh * _y.H) + (ow * _y.W);
        T sum = T.Zero;
        for (int o = 0; o < outPerGroup; o++) sum += w[(long)o * perGroup * _taps] * dy[o * _y.C];
        return sum;
    }

    private long OffsetIndex(long n, int og, int k, int oh, int ow) =>
        ((((((n * _offsetGroups) + og) * 2 * _taps) + (2 * k)) * _outHeight + oh) * _outWidth) + ow;

    private long MaskIndex(long n, int og, int k, int oh, int ow) =>
        ((((((n * _offsetGroups) + og) * _taps) + k) * _outHeight + oh) * _outWidth) + ow;

    private T Mask(long n, int og, int k, int oh, int ow) => Problem.HasMask ? ((T*)Now.Mask)[MaskIndex(n, og, k, oh, ow)] : T.One;

    private Sample<T> At(long n, int og, int k, int oh, int ow)
    {
        T* o = (T*)Now.Offset + OffsetIndex(n, og, k, oh, ow);
        Dims s = Problem.Strides, d = Problem.Dilations, b = Problem.PadsBegin;
        T y = T.CreateTruncating((oh * s[0]) - b[0] + (k / _kw * d[0])) + *o;
        T x = T.CreateTruncating((ow * s[1]) - b[1] + (k % _kw * d[1])) + o[(long)_outHeight * _outWidth];
        return new Sample<T>(y, x, _height, _width, _x.H, _x.W);
    }
}
