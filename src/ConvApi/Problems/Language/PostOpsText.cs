using System.Globalization;

namespace ConvNative.Problems.Language;

/// <summary>benchdnn's post-op chains, as far as a residual sum, then one activation, then a scale can express them.</summary>
internal static class PostOpsText
{
    public const string Accepted =
        "sum[:scale] then at most one of relu[:alpha], clip:a:b, logistic, tanh, gelu_erf, gelu_tanh, swish:alpha, hardswish[:a:b], then at most one linear:scale, joined by +";

    // Known to benchdnn, so that a file which uses them is well formed.
    private static readonly string[] OnlyBenchdnn =
    [
        "elu", "square", "abs", "sqrt", "soft_relu", "srelu", "hardsigmoid", "mish", "exp", "log", "pow", "round", "add", "sub", "mul", "div",
        "max", "min", "eq", "ge", "gt", "le", "lt", "ne", "select", "prelu", "dw",
    ];

    public static Choice<PostOps> Read(TokenPart part)
    {
        var ops = PostOps.None;
        if (part.Length == 0) return new Choice<PostOps>(ops, part);
        List<TokenPart> entries = part.Split('+', ';');
        if (entries.Count > 1 && entries[^1].Length == 0) entries.RemoveAt(entries.Count - 1);
        foreach (TokenPart entry in entries)
        {
            List<TokenPart> fields = entry.Split(':');
            string kind = fields[0].Text.ToLowerInvariant();
            foreach (string family in (ReadOnlySpan<string>)["eltwise_", "binary_"])
                if (kind.StartsWith(family, StringComparison.Ordinal)) kind = kind[family.Length..];
            if (Array.Exists(OnlyBenchdnn, k => kind == k || kind == k + "_dst" || (k == "dw" && kind.StartsWith("dw_", StringComparison.Ordinal))))
                return Refuse($"post-op '{kind}' is not supported");
            if (kind == "sum")
            {
                if (!ops.IsNone) return Refuse("a residual sum comes once, before the activation and the scale");
                if (fields.Count > 2 && fields[2].Text != "0") return Refuse("a sum with a zero point is not supported");
                if (fields.Count > 3) return Refuse("a sum with a type of its own is not supported");
                ops = ops with { Residual = true, ResidualScale = fields.Count > 1 ? Number(fields[1]) : 1 };
                continue;
            }

            double[] v = [.. fields.Skip(1).Select(Number)];
            if (v.Length > 3) throw fields[4].Error($"post-op '{kind}' has too many numbers", Accepted);
            if (kind == "linear")
            {
                if (v.Length == 0) throw entry.Error("linear needs its factor", "linear:scale, as in linear:0.5");
                if (ops.OutputScale is not null) return Refuse("one output scale at most is supported");
                if (v.Length > 1 && v[1] != 0) return Refuse("post-op 'linear' with an addend is not supported");
                ops = ops with { OutputScale = v[0] * (v.Length > 2 ? v[2] : 1) };
                continue;
            }

            if (ops.OutputScale is not null) return Refuse("an activation after the output scale is not supported");
            if (ops.Activation.Kind != ActivationKind.None) return Refuse("one activation at most is supported");

            // Before benchdnn 3.0 a third number scaled the result.
            if (v.Length == 3 && v[2] != 1) return Refuse($"post-op '{kind}' with a scale is not supported");
            ops = ops with { Activation = Activate(entry, kind, v) };
        }

        return new Choice<PostOps>(ops, part);

        Choice<PostOps> Refuse(string reason) => new(ops, part, part.Error(reason, Accepted));
    }

    public static string Write(PostOps ops)
    {
        string sum = !ops.Residual ? "" : ops.ResidualScale == 1 ? "sum" : Invariant($"sum:{ops.ResidualScale}");
        string scale = ops.OutputScale is { } factor ? Invariant($"linear:{factor}") : "";
        return string.Join('+', new[] { sum, Write(ops.Activation), scale }.Where(part => part.Length > 0));
    }

    public static double Number(TokenPart part)
    {
        if (double.TryParse(part.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double v)) return v;
        throw part.Error($"'{part.Text}' is not a number", "a number");
    }

    // Between post-ops '+' is the separator, so an exponent goes without its own.
    public static string Invariant(FormattableString text) =>
        text.ToString(CultureInfo.InvariantCulture).Replace("E+", "E", StringComparison.Ordinal);

    private static Activation Activate(TokenPart entry, string kind, double[] v)
    {
        if (kind.EndsWith("_dst", StringComparison.Ordinal)) kind = kind[..^4];
        double a = v.Length > 0 ? v[0] : 0;
        switch (kind)
        {
            case "relu": return a == 0 ? Activation.Relu : Activation.LeakyRelu(a);
            case "clip" or "clip_v2" when v.Length >= 2: return Activation.Clip(a, v[1]);
            case "clip" or "clip_v2": throw entry.Error("clip needs its two limits", "clip:a:b, as in clip:0:6");
            case "bounded_relu" when v.Length >= 1: return Activation.Clip(0, a);
            case "logistic": return Activation.Sigmoid;
            case "tanh": return Activation.Tanh;
            case "gelu_erf": return Activation.GeluErf;
            case "gelu_tanh": return Activation.GeluTanh;
            case "swish" when v.Length >= 1: return new Activation(ActivationKind.Silu, a);
            case "swish": throw entry.Error("swish needs its factor", "swish:alpha, as in swish:1");
            case "hardswish": return v.Length == 0 ? Activation.HardSwish : new Activation(ActivationKind.HardSwish, a, v.Length > 1 ? v[1] : 0);
            default: throw entry.Error($"'{kind}' is not a post-op", Accepted);
        }
    }

    private static string Write(Activation a) => a.Kind switch
    {
        ActivationKind.None => "",
        ActivationKind.Relu => "relu",
        ActivationKind.LeakyRelu => Invariant($"relu:{a.Alpha}"),
        ActivationKind.Clip => Invariant($"clip:{a.Alpha}:{a.Beta}"),
        ActivationKind.Sigmoid => "logistic",
        ActivationKind.Tanh => "tanh",
        ActivationKind.GeluErf => "gelu_erf",
        ActivationKind.GeluTanh => "gelu_tanh",
        ActivationKind.Silu => Invariant($"swish:{a.Alpha}"),
        _ => a == Activation.HardSwish ? "hardswish" : Invariant($"hardswish:{a.Alpha}:{a.Beta}"),
    };
}
