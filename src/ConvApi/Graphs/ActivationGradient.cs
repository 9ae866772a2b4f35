using ConvNative.Backends.Common.Epilogue;
using ConvNative.Problems;

namespace ConvNative.Graphs;

/// <summary><c>dx = dy * f'(x)</c>, the slope in double, so that an f32 result is rounded once; at a corner the slope of the flat side, as PyTorch.</summary>
internal static class ActivationGradient
{
    public static void Run(in Activation a, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx)
    {
        if (a.Kind == ActivationKind.Relu)
        {
            for (int i = 0; i < dx.Length; i++) dx[i] = x[i] > 0 ? dy[i] : 0 * dy[i];
            return;
        }

        for (int i = 0; i < dx.Length; i++) dx[i] = (float)(dy[i] * Slope(a, x[i]));
    }

    private static double Slope(in Activation a, double x)
    {
        switch (a.Kind)
        {
            case ActivationKind.LeakyRelu: return x > 0 ? 1 : a.Alpha;
            case ActivationKind.Clip: return x > a.Alpha && x < a.Beta ? 1 : 0;
            case ActivationKind.Sigmoid:
                double s = 1 / (1 + Math.Exp(-Math.Abs(x)));
                return s * (1 - s);
            case ActivationKind.Tanh:
                double t = Math.Tanh(x);
                return (1 - t) * (1 + t);
            case ActivationKind.GeluErf:
                return (0.5 * Activations.Erfc(-x / Math.Sqrt(2))) + (x / Math.Sqrt(2 * Math.PI) * Math.Exp(-x * x / 2));
            case ActivationKind.GeluTanh:
                double k = Math.Sqrt(2 / Math.PI), u = Math.Tanh(k * (x + (0.044715 * x * x * x)));
                return (0.5 * (1 + u)) + (0.5 * x * (1 - u) * (1 + u) * k * (1 + (0.134145 * x * x)));
            case ActivationKind.Silu:
                double g = 1 / (1 + Math.Exp(-a.Alpha * x));
                return g * (1 + (a.Alpha * x * (1 - g)));
            case ActivationKind.HardSwish:
                double h = (a.Alpha * x) + a.Beta;
                return h <= 0 ? 0 : h >= 1 ? 1 : h + (a.Alpha * x);
            default: return 1;
        }
    }
}
