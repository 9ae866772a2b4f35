using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Oracle;

/// <summary>What follows the sum of a forward direction, in order: bias, residual, activation, output scale.</summary>
public static class Epilogue
{
    /// <summary>The activation at <paramref name="x"/> in double; DESIGN's formulas.</summary>
    public static double Activate(Activation a, double x) => a.Kind switch
    {
        // Written so that NaN passes through.
        ActivationKind.Relu => x < 0 ? 0 : x,
        ActivationKind.LeakyRelu => x > 0 ? x : double.IsNaN(x) ? x : a.Alpha * x,
        ActivationKind.Clip => x < a.Alpha ? a.Alpha : x > a.Beta ? a.Beta : x,
        ActivationKind.Sigmoid => Sigmoid(x),
        ActivationKind.Tanh => Math.Tanh(x),
        ActivationKind.GeluErf => double.IsNegativeInfinity(x) ? -0.0 : 0.5 * x * ErrorFunction.Erfc(-x / Math.Sqrt(2)),
        // (1 + tanh u)/2 = sigmoid(2u), which does not cancel.
        ActivationKind.GeluTanh => double.IsNegativeInfinity(x) ? -0.0 : x * Sigmoid(2 * Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))),
        ActivationKind.Silu => double.IsNegativeInfinity(x) && a.Alpha > 0 ? -0.0 : x * Sigmoid(a.Alpha * x),
        ActivationKind.HardSwish => HardSwish(a, x),
        _ => x,
    };

    /// <summary>Lipschitz constant: how much the activation can enlarge an error of its argument.</summary>
    public static double Lipschitz(Activation a) => a.Kind switch
    {
        ActivationKind.LeakyRelu => Math.Max(1, Math.Abs(a.Alpha)),
        ActivationKind.Sigmoid => 0.25,
        // Largest slopes, rounded up: gelu 1.129 at x = sqrt 2 (both forms), silu 1.0998 at 2.4 for any alpha.
        ActivationKind.GeluErf or ActivationKind.GeluTanh => 1.13,
        ActivationKind.Silu => 1.1,
        // x*(alpha*x + beta) has the slope 2*alpha*x + beta: at most 2 - beta at the upper end, -beta at the lower.
        ActivationKind.HardSwish => Math.Max(1, Math.Max(Math.Abs(2 - a.Beta), Math.Abs(a.Beta))),
        _ => 1,
    };

    /// <summary>Adds bias and residual (their magnitudes and roundings too), applies the activation and the output scale, which leave magnitude and roundings as they are.</summary>
    internal static double[]? Apply(ConvProblem p, OracleTensors t, Sums sums, long[]? sample)
    {
        PostOps post = p.PostOps;
        long plane = p.OutputSpatial.Product, channels = p.OutputChannels;
        double[]? before = post.Activation.Kind == ActivationKind.None ? null : new double[sums.Values.Length];
        Parallel.For(0, sums.Values.Length, slot =>
        {
            long flat = sample is null ? slot : sample[slot];
            double v = sums.Values[slot], magnitude = sums.Magnitude[slot];
            int roundings = sums.Roundings[slot];
            if (p.HasBias)
            {
                double b = t.Bias![flat / plane % channels];
                v += b;
                magnitude += Math.Abs(b);
                roundings++;
            }

            if (post.Residual)
            {
                double r = t.Residual![flat] * post.ResidualScale;
                v += r;
                magnitude += Math.Abs(r);
                roundings += 2;
            }

            if (before is not null)
            {
                before[slot] = v;
                v = Activate(post.Activation, v);
            }

            if (post.OutputScale is { } scale) v *= scale;

            sums.Set(slot, v, magnitude, roundings);
        });
        return before;
    }

    private static double Sigmoid(double x)
    {
        double e = Math.Exp(-Math.Abs(x));
        return x < 0 ? e / (1 + e) : 1 / (1 + e);
    }

    private static double HardSwish(Activation a, double x)
    {
        double gate = Math.Clamp((a.Alpha * x) + a.Beta, 0, 1);
        return gate == 0 ? 0 * Math.Sign(x) : x * gate;
    }
}
