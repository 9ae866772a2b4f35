namespace ConvNative.Problems;

/// <summary>Numbers that an element type holds.</summary>
internal static class ElementValues
{
    /// <summary>The value of <paramref name="type"/> nearest to <paramref name="value"/>, ties to even; integers saturate, and take a NaN for 0.</summary>
    public static double Nearest(DataType type, double value) => type switch
    {
        DataType.F64 => value,
        DataType.F32 => (float)value,
        DataType.F16 => (double)(Half)value,
        DataType.BF16 => BFloat16(value),
        DataType.U8 => byte.CreateSaturating(Math.Round(value, MidpointRounding.ToEven)),
        DataType.S8 => sbyte.CreateSaturating(Math.Round(value, MidpointRounding.ToEven)),
        _ => int.CreateSaturating(Math.Round(value, MidpointRounding.ToEven)),
    };

    // Eight significant bits: the nearest multiple of the unit in the last place, 2^-133 at least. Once from double, so that nothing is rounded twice.
    private static double BFloat16(double value)
    {
        if (value == 0 || !double.IsFinite(value)) return value;
        double unit = Math.ScaleB(1, Math.Max(Math.ILogB(value) - 7, -133)), nearest = Math.Round(value / unit, MidpointRounding.ToEven) * unit;
        return Math.Abs(nearest) > BFloat16Largest ? Math.CopySign(double.PositiveInfinity, value) : nearest;
    }

    private static readonly double BFloat16Largest = Math.ScaleB(255.0 / 128, 127);
}
