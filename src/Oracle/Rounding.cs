using ConvNative.Problems;

namespace ConvNative.Oracle;

/// <summary>Element types as sets of doubles.</summary>
public static class Rounding
{
    /// <summary>
    /// The value of <paramref name="type"/> nearest to <paramref name="value"/>, ties to even, rounded once; integers saturate
    /// (NaN becomes 0), floating-point types overflow to infinity.
    /// </summary>
    public static double To(DataType type, double value) => type switch
    {
        DataType.F64 => value,
        DataType.F32 => (float)value,
        DataType.F16 => (double)(Half)value,
        DataType.BF16 => ToBFloat16(value),
        DataType.S8 => Saturate(value, sbyte.MinValue, sbyte.MaxValue),
        DataType.U8 => Saturate(value, byte.MinValue, byte.MaxValue),
        _ => Saturate(value, int.MinValue, int.MaxValue),
    };

    /// <summary>Unit roundoff <c>2^-p</c> of a floating-point type with p significant bits; 0 for integers.</summary>
    public static double UnitRoundoff(DataType type) => type switch
    {
        DataType.F64 => Math.ScaleB(1, -53),
        DataType.F32 => Math.ScaleB(1, -24),
        DataType.F16 => Math.ScaleB(1, -11),
        DataType.BF16 => Math.ScaleB(1, -8),
        _ => 0,
    };

    /// <summary>
    /// What one operation may lose where results are tiny: the smallest normal number, since an engine may flush subnormal
    /// results (and operands) to zero; for f16, whose subnormals all engines keep, the spacing of those.
    /// </summary>
    public static double Underflow(DataType type) => type switch
    {
        DataType.F64 => Math.ScaleB(1, -1022),
        DataType.F32 or DataType.BF16 => Math.ScaleB(1, -126),
        DataType.F16 => Math.ScaleB(1, -24),
        _ => 0,
    };

    private static double Saturate(double v, double low, double high) => double.IsNaN(v) ? 0 : Math.Clamp(Math.Round(v, MidpointRounding.ToEven), low, high);

    private static double ToBFloat16(double value)
    {
        if (value == 0 || !double.IsFinite(value)) return value;
        // Eight significant bits, exponents from -126; the quotient is exact, so that there is one rounding only.
        double unit = Math.ScaleB(1, Math.Max(Math.ILogB(value), -126) - 7);
        double rounded = Math.Round(value / unit, MidpointRounding.ToEven) * unit;
        return Math.Abs(rounded) >= Math.ScaleB(1, 128) ? Math.CopySign(double.PositiveInfinity, value) : rounded;
    }
}
