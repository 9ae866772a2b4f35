using System.Globalization;
using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>Scales and zero points of an integer case: ONNX ConvInteger (zero points only) and QLinearConv (all of them).</summary>
public sealed record Quantisation
{
    public IReadOnlyList<double>? XScale { get; init; }

    public IReadOnlyList<double>? XZeroPoint { get; init; }

    public IReadOnlyList<double>? WScale { get; init; }

    public IReadOnlyList<double>? WZeroPoint { get; init; }

    public IReadOnlyList<double>? YScale { get; init; }

    public IReadOnlyList<double>? YZeroPoint { get; init; }

    /// <summary>Checks every scale and zero point against the problem.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public void Validate(ConvProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        if (!problem.InputType.IsInteger())
            throw new ConvProblemException(First(), "given", $"scales and zero points belong to integer data types, not to {problem.InputType.Name()}");
        if (problem.Direction != Direction.Forward)
            throw new ConvProblemException(First(), "given", $"scales and zero points belong to the forward direction, not to {Names.Of(problem.Direction)}");
        if (!problem.HasWeights || problem.Op == ConvOp.Deformable)
            throw new ConvProblemException(First(), "given", $"{Names.Of(problem.Op)} has no scales and zero points");
        Scales("x_scale", XScale, 1);
        Scales("w_scale", WScale, problem.OutputChannels);
        Scales("y_scale", YScale, 1);
        ZeroPoints("x_zero_point", XZeroPoint, 1, problem.InputType);
        ZeroPoints("w_zero_point", WZeroPoint, problem.OutputChannels, problem.WeightType);
        ZeroPoints("y_zero_point", YZeroPoint, 1, problem.OutputType);
        int scales = (XScale is null ? 0 : 1) + (WScale is null ? 0 : 1) + (YScale is null ? 0 : 1);
        bool real = scales == 2 && YScale is null && !problem.OutputType.IsInteger();
        if (scales is 1 or 2 && !real)
            throw new ConvProblemException(XScale is null ? "x_scale" : WScale is null ? "w_scale" : "y_scale", "none", "x_scale, w_scale and y_scale are given together (without y_scale for a floating-point output_type) or not at all");
        if (scales == 3 && problem.OutputType is not (DataType.U8 or DataType.S8))
            throw new ConvProblemException("output_type", problem.OutputType.Name(), "a scaled result is u8 or s8");
        if (scales == 0 && problem.OutputType != DataType.S32)
            throw new ConvProblemException("output_type", problem.OutputType.Name(), "without scales the result is s32");
        if (scales != 3 && YZeroPoint is not null)
            throw new ConvProblemException("y_zero_point", "given", "needs y_scale");
    }

    /// <summary>The validated numbers as the problem has them.</summary>
    public Quantization ToQuantization() => new()
    {
        InputScale = XScale?[0] ?? 1,
        InputZeroPoint = (int)(XZeroPoint?[0] ?? 0),
        WeightScales = [.. WScale ?? [1]],
        WeightZeroPoints = [.. (WZeroPoint ?? [0]).Select(z => (int)z)],
        OutputScale = YScale?[0] ?? 1,
        OutputZeroPoint = (int)(YZeroPoint?[0] ?? 0),
    };

    private string First() => XScale is not null ? "x_scale" : XZeroPoint is not null ? "x_zero_point" : WScale is not null ? "w_scale"
        : WZeroPoint is not null ? "w_zero_point" : YScale is not null ? "y_scale" : "y_zero_point";

    private static void Scales(string field, IReadOnlyList<double>? values, long channels)
    {
        Length(field, values, channels);
        foreach (double v in values ?? [])
            if (!(v > 0) || !double.IsFinite(v)) throw new ConvProblemException(field, v.ToString(CultureInfo.InvariantCulture), "a scale must be positive and finite");
    }

    private static void ZeroPoints(string field, IReadOnlyList<double>? values, long channels, DataType type)
    {
        Length(field, values, channels);
        (double least, double most) = type switch
        {
            DataType.U8 => (0.0, 255.0),
            DataType.S8 => (-128.0, 127.0),
            _ => (int.MinValue, int.MaxValue),
        };
        foreach (double v in values ?? [])
            if (v != Math.Floor(v) || v < least || v > most)
                throw new ConvProblemException(field, v.ToString(CultureInfo.InvariantCulture), $"must be an integer of {type.Name()}, {least} to {most}");
    }

    private static void Length(string field, IReadOnlyList<double>? values, long channels)
    {
        if (values is null || values.Count == 1 || values.Count == channels) return;
        throw new ConvProblemException(field, $"[{string.Join(',', values.Select(v => v.ToString(CultureInfo.InvariantCulture)))}]", channels == 1 ? "must be one number" : $"must be one number, or one for each of the {channels} output channels");
    }
}
