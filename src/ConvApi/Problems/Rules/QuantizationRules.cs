using System.Globalization;

namespace ConvNative.Problems.Rules;

/// <summary>Which scales and zero points a problem may have, and their canonical form.</summary>
internal static class QuantizationRules
{
    public static void Check(ConvSpec s, long outputs)
    {
        if (s.Quantization is not { } q) return;
        string given = q.ToString();
        if (!s.InputType.IsInteger()) throw new ConvProblemException("quantization", given, $"scales and zero points belong to integer data types, not to {s.InputType.Name()}");
        if (s.Op is not (ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed)) throw new ConvProblemException("quantization", given, $"{Names.Of(s.Op)} has no scales and zero points");
        if (s.Direction != Direction.Forward) throw new ConvProblemException("quantization", given, "scales and zero points belong to the forward direction");
        Scale("x_scale", q.InputScale);
        Scale("y_scale", q.OutputScale);
        Length("w_scale", q.WeightScales.IsDefault ? 0 : q.WeightScales.Length, outputs);
        Length("w_zero_point", q.WeightZeroPoints.IsDefault ? 0 : q.WeightZeroPoints.Length, outputs);
        foreach (double v in q.WeightScales) Scale("w_scale", v);
        ZeroPoint("x_zero_point", q.InputZeroPoint, s.InputType);
        foreach (int v in q.WeightZeroPoints) ZeroPoint("w_zero_point", v, s.WeightType);
        bool stored = s.OutputType is DataType.S8 or DataType.U8;
        if (!stored && q.OutputScale != 1) throw Bad("y_scale", q.OutputScale, $"only an 8-bit result has a scale, {s.OutputType.Name()} has none");
        if (!stored && q.OutputZeroPoint != 0) throw Bad("y_zero_point", q.OutputZeroPoint, $"only an 8-bit result has a zero point, {s.OutputType.Name()} has none");
        if (stored) ZeroPoint("y_zero_point", q.OutputZeroPoint, s.OutputType);
        if (s.OutputType == DataType.S32 && q.InputScale != 1) throw Bad("x_scale", q.InputScale, "an s32 result is the plain sum, without scales");
        if (s.OutputType == DataType.S32)
            foreach (double v in q.WeightScales)
                if (v != 1) throw Bad("w_scale", v, "an s32 result is the plain sum, without scales");
    }

    /// <summary>Lists of one value become that value, and what changes nothing becomes null.</summary>
    public static Quantization? Canonical(Quantization? q)
    {
        if (q is null) return null;
        if (q.WeightScales.AsSpan()[1..].ContainsAnyExcept(q.WeightScales[0]) is false) q = q with { WeightScales = [q.WeightScales[0]] };
        if (q.WeightZeroPoints.AsSpan()[1..].ContainsAnyExcept(q.WeightZeroPoints[0]) is false) q = q with { WeightZeroPoints = [q.WeightZeroPoints[0]] };
        return q == Quantization.None ? null : q;
    }

    private static void Scale(string field, double v)
    {
        if (!(v > 0) || !double.IsFinite(v)) throw Bad(field, v, "a scale must be positive and finite");
    }

    private static void ZeroPoint(string field, int v, DataType type)
    {
        (int least, int most) = type == DataType.U8 ? (0, 255) : (-128, 127);
        if (v < least || v > most) throw Bad(field, v, $"must be an integer of {type.Name()}, {least} to {most}");
    }

    private static void Length(string field, int count, long outputs)
    {
        if (count != 1 && count != outputs) throw Bad(field, count, $"must be one number, or one for each of the {outputs} output channels");
    }

    private static ConvProblemException Bad(string field, double value, string rule) => new(field, value.ToString(CultureInfo.InvariantCulture), rule);
}
