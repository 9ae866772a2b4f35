using ConvNative.Problems;

namespace ConvNative.Backends.Common.Epilogue;

/// <summary>Activation functions in double, so that an f32 result is rounded once.</summary>
internal static class Activations
{
    public static double Apply(in Activation a, double x)
    {
        switch (a.Kind)
        {
            // Comparisons are written so that a NaN falls through.
            case ActivationKind.Relu: return x < 0 ? 0 : x;
            case ActivationKind.LeakyRelu: return x > 0 ? x : a.Alpha * x;
            case ActivationKind.Clip: return x < a.Alpha ? a.Alpha : x > a.Beta ? a.Beta : x;
            case ActivationKind.Sigmoid: return 1 / (1 + Math.Exp(-x));
            case ActivationKind.Tanh: return Math.Tanh(x);

            // At -Infinity the limit is -0, which the product of an infinity and 0 misses.
            case ActivationKind.GeluErf: return double.IsNegativeInfinity(x) ? -0.0 : 0.5 * x * Erfc(-x / Math.Sqrt(2));
            case ActivationKind.GeluTanh: return double.IsNegativeInfinity(x) ? -0.0 : 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));
            case ActivationKind.Silu: return double.IsNegativeInfinity(x) && a.Alpha > 0 ? -0.0 : x / (1 + Math.Exp(-a.Alpha * x));
            case ActivationKind.HardSwish:
                double h = (a.Alpha * x) + a.Beta;
                return h <= 0 ? Math.CopySign(0, x) : h > 1 ? x : x * h;
            default: return x;
        }
    }

    /// <summary>1 - erf(x), without cancellation for large x.</summary>
    public static double Erfc(double x)
    {
        if (double.IsNaN(x)) return x;
        if (x < 0) return 2 - Erfc(-x);
        if (x > 27) return 0;
        if (x < 2)
        {
            // erf x = 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (1*3*...*(2n+1)): all terms positive.
            double term = x, sum = x;
            for (int n = 1; term > sum * 1e-18; n++)
            {
                term *= 2 * x * x / ((2 * n) + 1);
                sum += term;
            }

            return 1 - (2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum);
        }

        // erfc x = exp(-x^2)/sqrt(pi) / (x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ...)))), from the inside out.
        double f = x;
        for (int n = 60; n >= 1; n--) f = x + (n * 0.5 / f);
        return Math.Exp(-x * x) / Math.Sqrt(Math.PI) / f;
    }
}
