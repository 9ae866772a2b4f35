using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary>
/// Folding: <c>y[n, c, q] = sum of x[n, c*K + k, l] over the taps k and positions p(l) with p*s - pb + k*d = q</c>; overlaps add
/// up, what falls into the padding is lost (ONNX Col2Im).
/// </summary>
internal static class Col2im
{
    public static Sums Compute(ConvProblem p, OracleTensors t, long[]? sample)
    {
        Dims image = p.OutputSpatial;
        var columns = new long[p.Rank];
        for (int i = 0; i < p.Rank; i++)
        {
            long room = image[i] + p.PadsBegin[i] + p.PadsEnd[i] - ((p.Kernel[i] - 1) * p.Dilations[i]) - 1;
            columns[i] = (room / p.Strides[i]) + 1;
        }

        // Of an axis, Input is the image and Output the number of kernel positions, as in the correlation that reads the image.
        var s = new Spatial(p, image, Dims.Create(columns));
        return p.Direction == Direction.Forward ? Forward(p, t.Input!, s, sample) : BackwardData(p, t.OutputGrad!, s, sample);
    }

    private static Sums Forward(ConvProblem p, double[] x, Spatial s, long[]? sample) => Sums.ForEach(p.OutputShape.Product, sample, (sums, slot, flat) =>
    {
        Axis ay = s.Y, ax = s.X;
        int q = (int)(flat % s.InputSize), count = 0;
        int qz = q / (ay.Input * ax.Input), qy = q / ax.Input % ay.Input, qx = q % ax.Input;
        long channel = flat / s.InputSize * s.KernelSize;
        double sum = 0, absolute = 0;
        for (int k = 0; k < s.KernelSize; k++)
        {
            int pz = Position(s.Z, qz, k / (ay.Kernel * ax.Kernel)), py = Position(ay, qy, k / ax.Kernel % ay.Kernel), px = Position(ax, qx, k % ax.Kernel);
            if ((pz | py | px) < 0) continue;
            double v = x[((channel + k) * s.OutputSize) + (((pz * ay.Output) + py) * ax.Output) + px];
            sum += v;
            absolute += Math.Abs(v);
            count++;
        }

        sums.Set(slot, sum, absolute, Math.Max(0, count - 1));
    });

    /// <summary>The kernel position whose tap k lies on element q, or -1.</summary>
    private static int Position(Axis a, int q, int k)
    {
        long start = (long)q + a.Begin - ((long)k * a.Dilation);
        return start >= 0 && start % a.Stride == 0 && start / a.Stride < a.Output ? (int)(start / a.Stride) : -1;
    }

    private static Sums BackwardData(ConvProblem p, double[] dy, Spatial s, long[]? sample) => Sums.ForEach(p.InputShape.Product, sample, (sums, slot, flat) =>
    {
        Axis az = s.Z, ay = s.Y, ax = s.X;
        int l = (int)(flat % s.OutputSize), k = (int)(flat / s.OutputSize % s.KernelSize);
        long qz = ((long)(l / (ay.Output * ax.Output)) * az.Stride) - az.Begin + ((long)(k / (ay.Kernel * ax.Kernel)) * az.Dilation);
        long qy = ((long)(l / ax.Output % ay.Output) * ay.Stride) - ay.Begin + ((long)(k / ax.Kernel % ay.Kernel) * ay.Dilation);
        long qx = ((long)(l % ax.Output) * ax.Stride) - ax.Begin + ((long)(k % ax.Kernel) * ax.Dilation);
        bool inside = qz >= 0 && qz < az.Input && qy >= 0 && qy < ay.Input && qx >= 0 && qx < ax.Input;
        double v = inside ? dy[(flat / s.OutputSize / s.KernelSize * s.InputSize) + (((qz * ay.Input) + qy) * ax.Input) + qx] : 0;
        sums.Set(slot, v, Math.Abs(v), 0);
    });
}
