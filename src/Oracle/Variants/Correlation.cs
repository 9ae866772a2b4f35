using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary>
/// Correlation <c>y[n,o,p] = sum_{c,k} x[n, g(o)*C/G + c, p*s - pb + k*d] * w[o,c,k]</c>, and true convolution, whose tap k takes
/// the weight K-1-k along every axis. Positions outside the input are extended as the padding mode says; with zeros the tap does
/// not exist.
/// </summary>
internal sealed class Correlation
{
    private readonly ConvProblem _p;
    private readonly Spatial _s;
    private readonly PaddingMode _mode;
    private readonly bool _flip;
    private readonly bool _constant;
    private readonly double _padValue;

    private Correlation(ConvProblem p)
    {
        _p = p;
        _s = new Spatial(p);
        _mode = p.PaddingMode;
        _flip = p.Op == ConvOp.Convolution;
        _constant = p.PaddingMode == PaddingMode.Constant;
        _padValue = Rounding.To(p.InputType, p.PadValue);
    }

    public static Sums Compute(ConvProblem p, OracleTensors t, long[]? sample)
    {
        var c = new Correlation(p);
        return p.Direction switch
        {
            Direction.Forward => c.Forward(t, sample),
            Direction.BackwardData => c.BackwardData(t, sample),
            Direction.BackwardWeights => c.BackwardWeights(t, sample),
            _ => BiasGradient.Compute(p, t, sample),
        };
    }

    private Sums Forward(OracleTensors t, long[]? sample)
    {
        int channels = (int)_p.WeightShape[1], outputs = (int)(_p.OutputChannels / _p.Groups);
        return new TapSum
        {
            Batch = (int)_p.Batch,
            Groups = (int)_p.Groups,
            Sources = channels,
            Results = outputs,
            Positions = _s.OutputSize,
            Source = t.Input!,
            SourcePlane = _s.InputSize,
            Weights = t.Weights!,
            Kernel = _s.KernelSize,
            SourcesFirst = false,
            MostTaps = _s.KernelSize,
            Taps = ForwardTaps,
            PadValue = _padValue,
        }.Run(sample);
    }

    /// <summary>The taps of output position <paramref name="position"/>: input element and weight.</summary>
    private int ForwardTaps(int position, Span<int> source, Span<int> weight)
    {
        Axis az = _s.Z, ay = _s.Y, ax = _s.X;
        int pz = position / (ay.Output * ax.Output), py = position / ax.Output % ay.Output, px = position % ax.Output, count = 0;
        for (int kz = 0; kz < az.Kernel; kz++)
        {
            int iz = Extension.Source(az, kz, pz, _mode);
            for (int ky = 0; ky < ay.Kernel; ky++)
            {
                int iy = Extension.Source(ay, ky, py, _mode);
                for (int kx = 0; kx < ax.Kernel; kx++)
                {
                    int ix = Extension.Source(ax, kx, px, _mode);
                    bool inside = (iz | iy | ix) >= 0;
                    if (!inside && !_constant) continue;
                    source[count] = inside ? (((iz * ay.Input) + iy) * ax.Input) + ix : Extension.Outside;
                    weight[count++] = Weight(kz, ky, kx);
                }
            }
        }

        return count;
    }

    private int Weight(int kz, int ky, int kx)
    {
        if (_flip) (kz, ky, kx) = (_s.Z.Kernel - 1 - kz, _s.Y.Kernel - 1 - ky, _s.X.Kernel - 1 - kx);
        return (((kz * _s.Y.Kernel) + ky) * _s.X.Kernel) + kx;
    }

    /// <summary>
    /// <c>dx[n,c,q] = sum_{o,(p,k) that read q} dy[n,o,p] * w[o,c,k]</c>: an extended position adds to the element that it stands for.
    /// </summary>
    private Sums BackwardData(OracleTensors t, long[]? sample)
    {
        int channels = (int)_p.WeightShape[1], outputs = (int)(_p.OutputChannels / _p.Groups);
        var (rz, ry, rx) = (new AxisReaders(_s.Z, _mode), new AxisReaders(_s.Y, _mode), new AxisReaders(_s.X, _mode));
        return new TapSum
        {
            Batch = (int)_p.Batch,
            Groups = (int)_p.Groups,
            Sources = outputs,
            Results = channels,
            Positions = _s.InputSize,
            Source = t.OutputGrad!,
            SourcePlane = _s.OutputSize,
            Weights = t.Weights!,
            Kernel = _s.KernelSize,
            SourcesFirst = true,
            MostTaps = checked(rz.Most * ry.Most * rx.Most),
            Taps = (position, source, weight) =>
            {
                Axis ay = _s.Y, ax = _s.X;
                int count = 0;
                List<(int K, int P)> lz = rz.Of(position / (ay.Input * ax.Input)), ly = ry.Of(position / ax.Input % ay.Input), lx = rx.Of(position % ax.Input);
                foreach ((int kz, int pz) in lz)
                    foreach ((int ky, int py) in ly)
                        foreach ((int kx, int px) in lx)
                        {
                            source[count] = (((pz * ay.Output) + py) * ax.Output) + px;
                            weight[count++] = Weight(kz, ky, kx);
                        }

                return count;
            },
        }.Run(sample);
    }

    /// <summary><c>dw[o,c,k] = sum_{n,p} dy[n,o,p] * x[n, g(o)*C/G + c, p*s - pb + k*d]</c>.</summary>
    private Sums BackwardWeights(OracleTensors t, long[]? sample)
    {
        Axis az = _s.Z, ay = _s.Y, ax = _s.X;
        int inputs = (int)_p.InputChannels, channels = (int)_p.WeightShape[1], outputs = (int)_p.OutputChannels, batch = (int)_p.Batch;
        int perGroup = outputs / (int)_p.Groups, inPlane = _s.InputSize, outPlane = _s.OutputSize, kernel = _s.KernelSize;
        double[] input = t.Input!, grad = t.OutputGrad!;
        (bool constant, double padValue) = (_constant, _padValue);
        return Sums.ForEach(_p.WeightShape.Product, sample, (sums, slot, flat) =>
        {
            int k = (int)(flat % kernel), c = (int)(flat / kernel % channels), o = (int)(flat / kernel / channels);
            if (_flip) k = kernel - 1 - k;
            int kz = k / (ay.Kernel * ax.Kernel), ky = k / ax.Kernel % ay.Kernel, kx = k % ax.Kernel;
            double sum = 0, absolute = 0;
            int terms = 0;
            for (int n = 0; n < batch; n++)
            {
                ReadOnlySpan<double> x = input.AsSpan(((n * inputs) + (o / perGroup * channels) + c) * inPlane, inPlane);
                ReadOnlySpan<double> dy = grad.AsSpan(((n * outputs) + o) * outPlane, outPlane);
                for (int pz = 0; pz < az.Output; pz++)
                    for (int py = 0; py < ay.Output; py++)
                    {
                        int iz = Extension.Source(az, kz, pz, _mode), iy = Extension.Source(ay, ky, py, _mode);
                        bool row = (iz | iy) >= 0;
                        if (!row && !constant) continue;
                        ReadOnlySpan<double> line = row ? x.Slice(((iz * ay.Input) + iy) * ax.Input, ax.Input) : default, to = dy.Slice(((pz * ay.Output) + py) * ax.Output, ax.Output);
                        for (int px = 0; px < to.Length; px++)
                        {
                            int ix = Extension.Source(ax, kx, px, _mode);
                            bool inside = (uint)ix < (uint)line.Length;
                            if (!inside && !constant) continue;
                            double product = to[px] * (inside ? line[ix] : padValue);
                            sum += product;
                            absolute += Math.Abs(product);
                            terms++;
                        }
                    }
            }

            sums.Set(slot, sum, absolute, terms);
        });
    }
}
