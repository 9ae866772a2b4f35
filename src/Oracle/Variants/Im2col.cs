using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary>
/// Unfolding: <c>y[n, c*K + k, l] = x[n, c, p*s - pb + k*d]</c> where l counts the positions p, last axis fastest. A position
/// outside holds what the padding mode says, 0 for zeros.
/// </summary>
internal static class Im2col
{
    public static Sums Compute(ConvProblem p, OracleTensors t, long[]? sample) =>
        p.Direction == Direction.Forward ? Forward(p, t, sample) : BackwardData(p, t, sample);

    /// <summary>The axes with the number of kernel positions along each as output.</summary>
    private static Spatial Axes(ConvProblem p)
    {
        var columns = new long[p.Rank];
        for (int i = 0; i < p.Rank; i++)
        {
            long room = p.InputSpatial[i] + p.PadsBegin[i] + p.PadsEnd[i] - ((p.Kernel[i] - 1) * p.Dilations[i]) - 1;
            columns[i] = (room / p.Strides[i]) + 1;
        }

        return new Spatial(p, p.InputSpatial, Dims.Create(columns));
    }

    private static Sums Forward(ConvProblem p, OracleTensors t, long[]? sample)
    {
        Spatial s = Axes(p);
        Axis ay = s.Y, ax = s.X;
        int[] tz = Extension.Table(s.Z, p.PaddingMode), ty = Extension.Table(ay, p.PaddingMode), tx = Extension.Table(ax, p.PaddingMode);
        double outside = Rounding.To(p.InputType, p.PadValue);
        double[] x = t.Input!;
        return Sums.ForEach(p.OutputShape.Product, sample, (sums, slot, flat) =>
        {
            int l = (int)(flat % s.OutputSize), k = (int)(flat / s.OutputSize % s.KernelSize);
            long plane = flat / s.OutputSize / s.KernelSize;
            int iz = tz[(k / (ay.Kernel * ax.Kernel) * s.Z.Output) + (l / (ay.Output * ax.Output))];
            int iy = ty[(k / ax.Kernel % ay.Kernel * ay.Output) + (l / ax.Output % ay.Output)];
            int ix = tx[(k % ax.Kernel * ax.Output) + (l % ax.Output)];
            double v = (iz | iy | ix) < 0 ? outside : x[(plane * s.InputSize) + (((iz * ay.Input) + iy) * ax.Input) + ix];
            sums.Set(slot, v, Math.Abs(v), 0);
        });
    }

    private static Sums BackwardData(ConvProblem p, OracleTensors t, long[]? sample)
    {
        Spatial s = Axes(p);
        Axis ay = s.Y, ax = s.X;
        int[] tz = Extension.Table(s.Z, p.PaddingMode), ty = Extension.Table(ay, p.PaddingMode), tx = Extension.Table(ax, p.PaddingMode);
        // For each element of a channel the (tap, column) pairs that copied it.
        var copies = new List<(int K, int L)>[s.InputSize];
        for (int i = 0; i < copies.Length; i++) copies[i] = [];
        for (int k = 0; k < s.KernelSize; k++)
            for (int l = 0; l < s.OutputSize; l++)
            {
                int iz = tz[(k / (ay.Kernel * ax.Kernel) * s.Z.Output) + (l / (ay.Output * ax.Output))];
                int iy = ty[(k / ax.Kernel % ay.Kernel * ay.Output) + (l / ax.Output % ay.Output)];
                int ix = tx[(k % ax.Kernel * ax.Output) + (l % ax.Output)];
                if ((iz | iy | ix) >= 0) copies[(((iz * ay.Input) + iy) * ax.Input) + ix].Add((k, l));
            }

        double[] dy = t.OutputGrad!;
        return Sums.ForEach(p.InputShape.Product, sample, (sums, slot, flat) =>
        {
            long plane = flat / s.InputSize;
            double sum = 0, absolute = 0;
            List<(int K, int L)> list = copies[flat % s.InputSize];
            foreach ((int k, int l) in list)
            {
                double v = dy[(((plane * s.KernelSize) + k) * s.OutputSize) + l];
                sum += v;
                absolute += Math.Abs(v);
            }

            sums.Set(slot, sum, absolute, Math.Max(0, list.Count - 1));
        });
    }
}
