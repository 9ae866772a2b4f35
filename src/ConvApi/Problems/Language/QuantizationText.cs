using System.Collections.Immutable;
using System.Globalization;

namespace ConvNative.Problems.Language;

/// <summary>
/// Scales and zero points as <c>xs:0.5+xz:3+ws:0.25:0.5+wz:1+ys:2+yz:7</c>: x, w and y's scale and zero point, each with its number,
/// the weights' with one or one for each output channel; what is left out is 1 or 0.
/// </summary>
internal static class QuantizationText
{
    private const string Accepted = "xs:V+xz:N+ws:V[:V...]+wz:N[:N...]+ys:V+yz:N, what is 1 or 0 left out";

    public static Choice<Quantization?> Read(TokenPart part)
    {
        if (part.Length == 0) return new(null, part);
        var q = new Quantization();
        var seen = new HashSet<string>();
        foreach (TokenPart entry in part.Split('+'))
        {
            List<TokenPart> fields = entry.Split(':');
            string name = fields[0].Text;
            if (!seen.Add(name)) throw entry.Error($"'{name}' is given twice", Accepted);
            bool list = name is "ws" or "wz";
            if (fields.Count < 2 || (fields.Count > 2 && !list)) throw entry.Error($"'{entry.Text}' has {fields.Count - 1} numbers", list ? "one number or one for each output channel" : "one number");
            q = name switch
            {
                "xs" => q with { InputScale = PostOpsText.Number(fields[1]) },
                "xz" => q with { InputZeroPoint = Integer(fields[1]) },
                "ws" => q with { WeightScales = [.. fields.Skip(1).Select(PostOpsText.Number)] },
                "wz" => q with { WeightZeroPoints = [.. fields.Skip(1).Select(Integer)] },
                "ys" => q with { OutputScale = PostOpsText.Number(fields[1]) },
                "yz" => q with { OutputZeroPoint = Integer(fields[1]) },
                _ => throw fields[0].Error($"'{name}' is neither a scale nor a zero point", Accepted),
            };
        }

        return new(q, part);
    }

    public static string Write(Quantization? q)
    {
        if (q is null) return "";
        var entries = new List<string>();
        Add("xs", [Text(q.InputScale)], "1");
        Add("xz", [Text(q.InputZeroPoint)], "0");
        Add("ws", q.WeightScales.IsDefault ? [] : [.. q.WeightScales.Select(Text)], "1");
        Add("wz", q.WeightZeroPoints.IsDefault ? [] : [.. q.WeightZeroPoints.Select(z => Text(z))], "0");
        Add("ys", [Text(q.OutputScale)], "1");
        Add("yz", [Text(q.OutputZeroPoint)], "0");
        return string.Join('+', entries);

        void Add(string name, ImmutableArray<string> values, string usual)
        {
            if (values.Any(v => v != usual)) entries.Add($"{name}:{string.Join(':', values)}");
        }
    }

    // The sign of a positive exponent would look like the next entry.
    private static string Text(double v) => v.ToString("R", CultureInfo.InvariantCulture).Replace("E+", "E", StringComparison.Ordinal);

    private static int Integer(TokenPart part) =>
        int.TryParse(part.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int v) ? v : throw part.Error($"'{part.Text}' is not an integer", "an integer");
}
