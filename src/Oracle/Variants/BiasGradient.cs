using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary><c>db[o] = sum_{n,p} dy[n,o,p]</c>, the same for every variant.</summary>
internal static class BiasGradient
{
    public static Sums Compute(ConvProblem p, OracleTensors t, long[]? sample)
    {
        int plane = (int)p.OutputSpatial.Product, outputs = (int)p.OutputChannels, batch = (int)p.Batch;
        double[] grad = t.OutputGrad!;
        return Sums.ForEach(outputs, sample, (sums, slot, o) =>
        {
            double sum = 0, absolute = 0;
            for (int n = 0; n < batch; n++)
                foreach (double v in grad.AsSpan(((n * outputs) + (int)o) * plane, plane))
                {
                    sum += v;
                    absolute += Math.Abs(v);
                }

            sums.Set(slot, sum, absolute, batch * plane);
        });
    }
}
