using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Problems;

namespace ConvNative.Oracle.Bounds;

/// <summary>
/// The largest error that an engine may have in one element, from rounding analysis. Nothing here is tuned to an engine, except
/// the accuracy of transcendental activations, which is what oneDNN's own test driver accepts.
/// </summary>
/// <remarks>
/// <para>Notation: u the unit roundoff of accumulation (2^-24; 2^-53 for f64), r the number of roundings that a term of the sum
/// passes through at most, A = sum |x*w| + |bias| + |residual|. Operands are exact: fills only hold values of the type.</para>
/// <para>Direct sums. However n products are added (sequentially, blocked, in a tree, with or without fused multiply-add), the
/// computed sum is sum x_i*w_i*(1+theta_i), |theta_i| &lt;= gamma_r = r*u/(1-r*u) with r = n: one rounding of the product and
/// at most n-1 additions. Bias adds one rounding, a residual two (scale, addition). So |error| &lt;= gamma_r * A (Higham,
/// Accuracy and Stability of Numerical Algorithms, section 3.1).</para>
/// <para>For large r, gamma_r exceeds the sum itself and would pass anything. Rounding errors of random data are mean
/// independent, and then |theta| &lt;= lambda*sqrt(r)*u/(1-...) except with probability 2*exp(-lambda^2/2) a term (Higham and
/// Mary, A New Approach to Probabilistic Rounding Error Analysis, SIAM J. Sci. Comput. 41, 2019). With lambda = 10 that is
/// 4e-22; the smaller of the two factors is used.</para>
/// <para>Underflow: each of the r operations may lose the smallest normal number where an engine flushes subnormals.</para>
/// <para>A sum with an infinity or a NaN in it is one, in any order and precision: the answer must be the same.</para>
/// <para>Output: rounding to the output's type adds u_out*|y|.</para>
/// <para>Activation f after the sum: an error e of its argument becomes at most Lipschitz(f)*e, and f itself is computed with
/// the error of <see cref="ActivationError"/>.</para>
/// <para>Output scale s after it: an error e becomes |s|*e, and the rounding of s and that of the product add 2*u*|s|*(|f| + e),
/// with a third u for the product of the two.</para>
/// <para>The oracle's own double sums add r*2^-53*A, which matters for f64 only.</para>
/// <para>Winograd and FFT mix the elements of a tile, so their error is relative to the largest magnitude that any element could
/// have, <see cref="OracleResult.LargestMagnitude"/>, not to the element's own A. Winograd: <see cref="WinogradBound"/>. FFT: log2 of the length roundings a pass, three passes, 40*3 in all for
/// transforms up to 2^40 elements, again times the norm.</para>
/// </remarks>
public static class ErrorBound
{
    private const double Lambda = 10;
    private const double FftGrowth = 120;

    // oneDNN's test driver accepts these relative errors of f32 activations: 4e-6 in general, 4e-5 for tanh, gelu_tanh, swish.
    private const double Polynomial = 4e-6;
    private const double CoarsePolynomial = 4e-5;

    /// <summary>Unit roundoff of accumulation: f64 for f64, else f32 (bf16 and f16 accumulate in f32); integers are exact.</summary>
    public static double AccumulationRoundoff(ConvProblem p)
    {
        ArgumentNullException.ThrowIfNull(p);
        return Rounding.UnitRoundoff(AccumulationType(p));
    }

    /// <summary>
    /// True when the answer must be equal bit for bit (-0 counts as 0): a copy; integers; or <see cref="FillKind.ExactInteger"/>
    /// summed directly, when each partial sum is exact in the accumulation type and the activation is exact too.
    /// </summary>
    public static bool IsExact(ConvProblem p, FillKind fill, OracleResult oracle, int slot, Arithmetic arithmetic)
    {
        ArgumentNullException.ThrowIfNull(p);
        ArgumentNullException.ThrowIfNull(oracle);
        if (QuantizedCorrelation.Handles(p)) return QuantizedBound.IsExact(p, oracle, slot);
        if (!HasExactActivation(p)) return false;
        if (oracle.Roundings[slot] == 0) return true;
        if (arithmetic.Algorithm != SumAlgorithm.Direct) return false;
        if (p.InputType.IsInteger()) return true;
        if (fill != FillKind.ExactInteger || !Fills.HasExactConstants(p)) return false;
        // All terms are multiples of the granule, so every partial sum, at most A, is a number of 24 bits.
        return oracle.Magnitude[slot] <= Fills.Granule(p) * (1 << 24);
    }

    /// <summary>The bound of the element at <paramref name="slot"/>; 0 where <see cref="IsExact"/>.</summary>
    public static double Of(ConvProblem p, FillKind fill, OracleResult oracle, int slot, Arithmetic arithmetic = default)
    {
        ArgumentNullException.ThrowIfNull(p);
        ArgumentNullException.ThrowIfNull(oracle);
        if (QuantizedCorrelation.Handles(p)) return QuantizedBound.Of(p, oracle, slot);
        if (IsExact(p, fill, oracle, slot, arithmetic)) return 0;
        DataType type = AccumulationType(p);
        double u = Rounding.UnitRoundoff(type), y = oracle.Values[slot], magnitude = oracle.Magnitude[slot];
        int r = oracle.Roundings[slot];
        if (!double.IsFinite(magnitude)) return 0;
        double error = arithmetic.Algorithm switch
        {
            SumAlgorithm.Winograd => WinogradBound.Factor(p, u, Lambda) * oracle.LargestMagnitude,
            SumAlgorithm.Fft => Factor(r, u) * FftGrowth * oracle.LargestMagnitude,
            _ => Factor(r, u) * magnitude,
        };
        double operands = arithmetic.OperandRoundoff;
        error += (((2 * operands) + (operands * operands)) * magnitude) + (r * Rounding.Underflow(type)) + (r * Math.ScaleB(1, -53) * magnitude);
        if (oracle.Sensitivity is { } s) error += s[slot] * u;
        if (oracle.BeforeActivation is { } before)
            error = (Epilogue.Lipschitz(p.PostOps.Activation) * error) + ActivationError(p.PostOps.Activation, before[slot], Epilogue.Activate(p.PostOps.Activation, before[slot]), u);
        error = AfterScale(p.PostOps, error, y, u) + (p.PostOps.OutputScale is null ? 0 : Rounding.Underflow(type));
        DataType result = p.ResultType;
        return result.IsInteger() ? error : error + (Rounding.UnitRoundoff(result) * (Math.Abs(y) + error)) + Rounding.Underflow(result);
    }

    /// <summary>Bound on the relative error that r roundings with unit roundoff u leave on a term.</summary>
    public static double Factor(int r, double u)
    {
        double ru = r * u, gamma = ru < 0.5 ? ru / (1 - ru) : double.PositiveInfinity;
        // Higham and Mary's theorem 2.4 has exp(e) - 1 with this e, which is at most e + e^2 for e < 1; beyond, nothing is known.
        double e = (Lambda * Math.Sqrt(r) * u) + (2 * ru * u);
        return Math.Min(gamma, e < 1 ? e + (e * e) : double.PositiveInfinity);
    }

    /// <summary>
    /// Error of an engine's implementation of an activation at x, where the exact value is y. Elementary ones: a few roundings
    /// of alpha and the product (alpha itself is rounded to f32). Transcendental ones: the relative error above, and absolute
    /// errors of a few u where a form like 1 + tanh or 1 + erf cancels. In f64: 64 roundings.
    /// </summary>
    public static double ActivationError(Activation a, double x, double y, double u)
    {
        bool coarse = a.Kind is ActivationKind.Tanh or ActivationKind.GeluTanh or ActivationKind.Silu;
        double relative = u < 1e-10 ? 64 * u : coarse ? CoarsePolynomial : Polynomial;
        return a.Kind switch
        {
            ActivationKind.None or ActivationKind.Relu => 0,
            ActivationKind.LeakyRelu => 2 * u * Math.Abs(y),
            // The limits are rounded to f32, which matters only where y is one of them or close.
            ActivationKind.Clip => 2 * u * Math.Abs(y),
            ActivationKind.HardSwish => 4 * u * Math.Abs(x) * (1 + Math.Abs(a.Beta)),
            ActivationKind.Tanh => (relative * Math.Abs(y)) + (4 * u * Math.Min(1, Math.Abs(x))),
            ActivationKind.Sigmoid => (relative * Math.Abs(y)) + (4 * u),
            _ => (relative * Math.Abs(y)) + (4 * u * Math.Min(Math.Abs(x), 1e4)),
        };
    }

    /// <summary>What becomes of an error of the activation's result by the output scale, whose result is <paramref name="y"/>.</summary>
    internal static double AfterScale(PostOps ops, double error, double y, double u)
    {
        if (ops.OutputScale is not { } scale) return error;
        error *= Math.Abs(scale);
        return error + (3 * u * (Math.Abs(y) + error));
    }

    private static DataType AccumulationType(ConvProblem p) => p.InputType == DataType.F64 ? DataType.F64 : DataType.F32;

    internal static bool HasExactActivation(ConvProblem p)
    {
        // A power of two only moves the exponent; a modest one keeps clear of the ends of the range.
        if (p.PostOps.OutputScale is { } s && s != 0 && !(Math.Abs(s) is >= 1.0 / (1 << 16) and <= 1 << 16 && double.IsPow2(Math.Abs(s)))) return false;
        Activation a = p.PostOps.Activation;
        return a.Kind is ActivationKind.None or ActivationKind.Relu || (a.Kind == ActivationKind.Clip && (float)a.Alpha == a.Alpha && (float)a.Beta == a.Beta);
    }
}
