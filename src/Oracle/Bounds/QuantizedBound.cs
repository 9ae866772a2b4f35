using ConvNative.Problems;

namespace ConvNative.Oracle.Bounds;

/// <summary>The error that an engine may have in an 8-bit convolution: none in its sums, that of f32 arithmetic in its scales.</summary>
/// <remarks>
/// <para>Sums are integers and exact. What follows may be done in f32, where a term passes through at most
/// <see cref="Roundings"/> = 8 roundings: the conversion of the sum, bias or residual (1), the scales' own representation (2), their
/// product (1), the multiplication (1), the residual's zero point (1) and two additions (2). So the error before the activation is
/// at most gamma_8 * A, A = (|sum| + |bias|) * x_scale * w_scale + |residual|.</para>
/// <para>A post-op's output scale adds what <see cref="ErrorBound.AfterScale"/> says.</para>
/// <para>The output's scale adds 3 (its representation, its reciprocal, the product), the addition of the zero point one more. An
/// 8-bit result may therefore be one unit off where, and only where, the value before rounding lies this close to a tie; that also
/// covers engines that add the zero point before they round, which falls on the other side of an exact tie.</para>
/// <para>Without scales everything is an integer. f32 holds it exactly up to 2^24, and beyond an 8-bit result is saturated; s32
/// has no excuse, its sums are never converted.</para>
/// </remarks>
internal static class QuantizedBound
{
    public const int Roundings = 8;

    private const double Integers = 1 << 24;

    public static bool IsExact(ConvProblem p, OracleResult oracle, int slot)
    {
        Quantization q = p.Quantization ?? Quantization.None;
        if (q.InputScale != 1 || q.OutputScale != 1 || q.WeightScales.Any(s => s != 1) || p.PostOps.OutputScale is not null) return oracle.Magnitude[slot] == 0 && ErrorBound.HasExactActivation(p);
        if (!ErrorBound.HasExactActivation(p) || p.PostOps.ResidualScale != Math.Round(p.PostOps.ResidualScale)) return false;
        return p.OutputType.IsInteger() || oracle.Magnitude[slot] <= Integers;
    }

    /// <summary>In steps of an integer output, else in the output's own units.</summary>
    public static double Of(ConvProblem p, OracleResult oracle, int slot)
    {
        if (IsExact(p, oracle, slot)) return 0;
        Quantization q = p.Quantization ?? Quantization.None;
        double u = Rounding.UnitRoundoff(DataType.F32), y = oracle.BeforeRounding?[slot] ?? oracle.Values[slot];
        double error = ErrorBound.Factor(Roundings, u) * oracle.Magnitude[slot];
        if (oracle.BeforeActivation is { } before)
            error = (Epilogue.Lipschitz(p.PostOps.Activation) * error) + ErrorBound.ActivationError(p.PostOps.Activation, before[slot], Epilogue.Activate(p.PostOps.Activation, before[slot]), u);
        error = ErrorBound.AfterScale(p.PostOps, error, y * q.OutputScale, u);
        error /= q.OutputScale;
        if (p.OutputType.IsInteger()) return error + (ErrorBound.Factor(3, u) * (Math.Abs(y) + error)) + (u * (Math.Abs(y) + error + Math.Abs(q.OutputZeroPoint)));
        return error + (Rounding.UnitRoundoff(p.OutputType) * (Math.Abs(y) + error)) + Rounding.Underflow(p.OutputType);
    }

    /// <summary>0 where <paramref name="actual"/> is what some value within <paramref name="bound"/> of the exact one rounds to, else infinite.</summary>
    public static double Ratio(ConvProblem p, double steps, double actual, double bound)
    {
        double zero = p.Quantization?.OutputZeroPoint ?? 0;
        double low = Rounding.To(p.OutputType, Math.Round(steps - bound, MidpointRounding.ToEven) + zero);
        double high = Rounding.To(p.OutputType, Math.Round(steps + bound, MidpointRounding.ToEven) + zero);
        return actual >= low && actual <= high ? 0 : double.PositiveInfinity;
    }
}
