using System.Globalization;
using System.Text.RegularExpressions;

namespace ConvNative.Problems.Language;

/// <summary>Readers of single knob values.</summary>
internal static partial class KnobValues
{
    public static readonly Dictionary<string, ConvOp> Ops = new()
    {
        ["corr"] = ConvOp.Correlation,
        ["correlation"] = ConvOp.Correlation,
        ["conv"] = ConvOp.Convolution,
        ["convolution"] = ConvOp.Convolution,
        ["deconv"] = ConvOp.Transposed,
        ["transposed"] = ConvOp.Transposed,
        ["deform"] = ConvOp.Deformable,
        ["deformable"] = ConvOp.Deformable,
        ["shuffle"] = ConvOp.ChannelShuffle,
        ["channel_shuffle"] = ConvOp.ChannelShuffle,
        ["im2col"] = ConvOp.Im2col,
        ["col2im"] = ConvOp.Col2im,
    };

    private static readonly Dictionary<string, (Direction, bool?)> Directions = new(StringComparer.OrdinalIgnoreCase)
    {
        ["FWD_B"] = (Direction.Forward, true),
        ["FWD_D"] = (Direction.Forward, false),
        ["FWD_I"] = (Direction.Forward, false),
        ["BWD_D"] = (Direction.BackwardData, false),
        ["BWD_W"] = (Direction.BackwardWeights, false),
        ["BWD_WB"] = (Direction.BackwardWeights, true),
        ["BWD_B"] = (Direction.BackwardBias, true),
        ["BWD_O"] = (Direction.BackwardOffset, false),
        ["BWD_M"] = (Direction.BackwardMask, false),
    };

    // benchdnn's types that no problem here has.
    private static readonly string[] OtherTypes = ["f8_e5m2", "f8_e4m3", "f4_e2m1", "f4_e3m0", "e8m0", "s4", "u4", "tf32", "boolean", "s64"];

    public static Choice<(Direction Direction, bool? Bias)> Dir(TokenPart p) =>
        Directions.TryGetValue(p.Text, out var d) ? new(d, p) : throw p.Error($"'{p.Text}' is not a direction", string.Join(", ", Directions.Keys));

    public static Choice<ConvOp?> Op(TokenPart p) =>
        Ops.TryGetValue(p.Text, out ConvOp op) ? new(op, p) : throw p.Error($"'{p.Text}' is not an operation", "corr, conv, deconv, deform, shuffle, im2col or col2im");

    public static Choice<(DataType Input, DataType Weights, DataType Output)> Types(TokenPart p)
    {
        List<TokenPart> parts = p.Split(':');
        if (parts.Count is not (1 or 3)) throw p.Error($"'{p.Text}' has {parts.Count} types", "one type for all, or input:weights:output");
        var types = new DataType[parts.Count];
        for (int i = 0; i < types.Length; i++)
        {
            if (DataTypes.TryParse(parts[i].Text, out types[i])) continue;
            var error = parts[i].Error($"type '{parts[i].Text}' is not supported", "f32, f64, bf16, f16, s8, u8 or s32");
            return Array.IndexOf(OtherTypes, parts[i].Text) >= 0 ? new(default, p, error) : throw error;
        }

        return new((types[0], types[types.Length / 2], types[^1]), p);
    }

    /// <summary>The bias's type: null for <c>undef</c>, which leaves it to the direction.</summary>
    public static Choice<DataType?> BiasType(TokenPart p)
    {
        if (p.Text == "undef") return new(null, p);
        if (DataTypes.TryParse(p.Text, out DataType type)) return new(type, p);
        var error = p.Error($"type '{p.Text}' is not supported", "undef, f32, f64, bf16, f16, s8, u8 or s32");
        return Array.IndexOf(OtherTypes, p.Text) >= 0 ? new(null, p, error) : throw error;
    }

    /// <summary>The older spelling of types: their names joined, <c>u8s8u8</c>, with a suffix for filling and algorithm.</summary>
    public static Choice<(DataType Input, DataType Weights, DataType Output)> Cfg(TokenPart p)
    {
        Match m = CfgName().Match(p.Text);
        if (!m.Success) throw p.Error($"'{p.Text}' is not a configuration", "types joined, such as f32, u8s8s32 or bf16bf16f32");
        DataType[] t = [.. m.Groups[1].Captures.Select(c => DataTypes.TryParse(c.Value, out DataType type) ? type : default)];
        return t.Length == 2 ? throw p.Error($"'{p.Text}' has two types", "one type for all, or input, weights and output") : new((t[0], t[t.Length / 2], t[^1]), p);
    }

    public static Choice<ProblemTag> ActivationTag(TokenPart p) => Tag(p, ProblemTag.Activation(p.Text));

    public static Choice<ProblemTag> WeightTag(TokenPart p) => Tag(p, ProblemTag.Weights(p.Text));

    public static Choice<(PaddingMode Mode, double Value)> PadMode(TokenPart p)
    {
        List<TokenPart> parts = p.Split(':');
        if (!Names.TryParse(parts[0].Text, out PaddingMode mode)) throw p.Error($"'{parts[0].Text}' is not a padding mode", "zeros, constant:V, reflect, symmetric, replicate or circular");
        if (mode == PaddingMode.Constant && parts.Count == 2) return new((mode, PostOpsText.Number(parts[1])), p);
        if (mode == PaddingMode.Constant) throw p.Error("constant padding needs its value", "constant:V, as in constant:0.5");
        return parts.Count == 1 ? new((mode, 0), p) : throw parts[1].Error($"padding mode {parts[0].Text} has no value", "constant:V for a value");
    }

    public static Choice<bool> Bool(TokenPart p) => p.Text switch
    {
        "0" or "false" => new(false, p),
        "1" or "true" => new(true, p),
        _ => throw p.Error($"'{p.Text}' is neither 0 nor 1", "0 or 1"),
    };

    public static Choice<bool> PadLimit(TokenPart p) => p.Text switch
    {
        "none" => new(true, p),
        "size" => new(false, p),
        _ => throw p.Error($"'{p.Text}' is not a limit", "size (the default) or none"),
    };

    public static Choice<long> Number(TokenPart p) =>
        long.TryParse(p.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long v) ? new(v, p) : throw p.Error($"'{p.Text}' is not a whole number", "a whole number");

    public static Choice<IReadOnlyList<long>> PerAxis(TokenPart p) => new([.. p.Split('x').Select(q => Number(q).Value)], p);

    [GeneratedRegex("^(f32|f64|bf16|f16|u8|s8|s32){1,3}(_wino|_no_limits|_full|_stress)*$", RegexOptions.CultureInvariant)]
    private static partial Regex CfgName();

    private static Choice<ProblemTag> Tag(TokenPart p, ProblemTag? tag)
    {
        if (tag is { } known) return new(known, p);
        var error = p.Error($"layout '{p.Text}' is not supported", "abx, axb, any, or a plain name such as nchw or nhwc");
        return p.Length > 0 && p.Text.All(char.IsAsciiLetterOrDigit) ? new(default, p, error) : throw error;
    }
}
