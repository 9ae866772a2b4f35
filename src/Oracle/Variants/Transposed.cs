using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary>
/// Transposed convolution: every input element adds its multiple of the kernel to the output,
/// <c>y[n, g*O/G + o, p*s - pb + k*d] += x[n, g*C/G + c, p] * w[g*C/G + c, o, k]</c>; what falls outside the output is lost.
/// </summary>
internal sealed class Transposed
{
    private readonly ConvProblem _p;
    private readonly Spatial _s;
    private readonly int _inputs;
    private readonly int _outputs;

    private Transposed(ConvProblem p)
    {
        _p = p;
        _s = new Spatial(p);
        _inputs = (int)(p.InputChannels / p.Groups);
        _outputs = (int)p.WeightShape[1];
    }

    public static Sums Compute(ConvProblem p, OracleTensors t, long[]? sample)
    {
        var c = new Transposed(p);
        return p.Direction switch
        {
            Direction.Forward => c.Forward(t, sample),
            Direction.BackwardData => c.BackwardData(t, sample),
            Direction.BackwardWeights => c.BackwardWeights(t, sample),
            _ => BiasGradient.Compute(p, t, sample),
        };
    }

    private Sums Forward(OracleTensors t, long[]? sample) => new TapSum
    {
        Batch = (int)_p.Batch,
        Groups = (int)_p.Groups,
        Sources = _inputs,
        Results = _outputs,
        Positions = _s.OutputSize,
        Source = t.Input!,
        SourcePlane = _s.InputSize,
        Weights = t.Weights!,
        Kernel = _s.KernelSize,
        SourcesFirst = true,
        MostTaps = _s.KernelSize,
        Taps = Contributors,
    }.Run(sample);

    /// <summary>The input elements whose kernel covers output position q: those p with <c>p*s = q + pb - k*d</c>.</summary>
    private int Contributors(int position, Span<int> source, Span<int> weight)
    {
        Axis az = _s.Z, ay = _s.Y, ax = _s.X;
        int qz = position / (ay.Output * ax.Output), qy = position / ax.Output % ay.Output, qx = position % ax.Output, count = 0;
        for (int kz = 0; kz < az.Kernel; kz++)
        {
            if (!Covers(az, qz, kz, out int pz)) continue;
            for (int ky = 0; ky < ay.Kernel; ky++)
            {
                if (!Covers(ay, qy, ky, out int py)) continue;
                for (int kx = 0; kx < ax.Kernel; kx++)
                {
                    if (!Covers(ax, qx, kx, out int px)) continue;
                    source[count] = (((pz * ay.Input) + py) * ax.Input) + px;
                    weight[count++] = (((kz * ay.Kernel) + ky) * ax.Kernel) + kx;
                }
            }
        }

        return count;
    }

    private static bool Covers(Axis a, int q, int k, out int p)
    {
        long start = (long)q + a.Begin - ((long)k * a.Dilation);
        p = (int)(start / a.Stride);
        return start >= 0 && start % a.Stride == 0 && p < a.Input;
    }

    /// <summary><c>dx[n,c,p] = sum_{o,k} dy[n, o, p*s - pb + k*d] * w[c,o,k]</c> over what lies inside the output.</summary>
    private Sums BackwardData(OracleTensors t, long[]? sample) => new TapSum
    {
        Batch = (int)_p.Batch,
        Groups = (int)_p.Groups,
        Sources = _outputs,
        Results = _inputs,
        Positions = _s.InputSize,
        Source = t.OutputGrad!,
        SourcePlane = _s.OutputSize,
        Weights = t.Weights!,
        Kernel = _s.KernelSize,
        SourcesFirst = false,
        MostTaps = _s.KernelSize,
        Taps = Targets,
    }.Run(sample);

    private int Targets(int position, Span<int> source, Span<int> weight)
    {
        Axis az = _s.Z, ay = _s.Y, ax = _s.X;
        int pz = position / (ay.Input * ax.Input), py = position / ax.Input % ay.Input, px = position % ax.Input, count = 0;
        for (int k = 0; k < _s.KernelSize; k++)
        {
            long qz = Target(az, pz, k / (ay.Kernel * ax.Kernel)), qy = Target(ay, py, k / ax.Kernel % ay.Kernel), qx = Target(ax, px, k % ax.Kernel);
            if (qz < 0 || qz >= az.Output || qy < 0 || qy >= ay.Output || qx < 0 || qx >= ax.Output) continue;
            source[count] = (int)((((qz * ay.Output) + qy) * ax.Output) + qx);
            weight[count++] = k;
        }

        return count;
    }

    private static long Target(Axis a, int p, int k) => ((long)p * a.Stride) - a.Begin + ((long)k * a.Dilation);

    /// <summary><c>dw[c,o,k] = sum_{n,p} x[n,c,p] * dy[n, g(c)*O/G + o, p*s - pb + k*d]</c>.</summary>
    private Sums BackwardWeights(OracleTensors t, long[]? sample)
    {
        Axis az = _s.Z, ay = _s.Y, ax = _s.X;
        int channels = (int)_p.InputChannels, outputs = (int)_p.OutputChannels, batch = (int)_p.Batch;
        double[] input = t.Input!, grad = t.OutputGrad!;
        return Sums.ForEach(_p.WeightShape.Product, sample, (sums, slot, flat) =>
        {
            int k = (int)(flat % _s.KernelSize), o = (int)(flat / _s.KernelSize % _outputs), c = (int)(flat / _s.KernelSize / _outputs);
            int kz = k / (ay.Kernel * ax.Kernel), ky = k / ax.Kernel % ay.Kernel, kx = k % ax.Kernel;
            double sum = 0, absolute = 0;
            int terms = 0;
            for (int n = 0; n < batch; n++)
            {
                ReadOnlySpan<double> x = input.AsSpan(((n * channels) + c) * _s.InputSize, _s.InputSize);
                ReadOnlySpan<double> dy = grad.AsSpan(((n * outputs) + (c / _inputs * _outputs) + o) * _s.OutputSize, _s.OutputSize);
                for (int pz = 0; pz < az.Input; pz++)
                    for (int py = 0; py < ay.Input; py++)
                    {
                        long qz = Target(az, pz, kz), qy = Target(ay, py, ky);
                        if (qz < 0 || qz >= az.Output || qy < 0 || qy >= ay.Output) continue;
                        int from = ((pz * ay.Input) + py) * ax.Input;
                        long to = ((qz * ay.Output) + qy) * ax.Output, qx = Target(ax, 0, kx);
                        for (int px = 0; px < ax.Input; px++, qx += ax.Stride)
                        {
                            if (qx < 0 || qx >= ax.Output) continue;
                            double product = x[from + px] * dy[(int)(to + qx)];
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
