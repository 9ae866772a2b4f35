using System.Globalization;
using System.Text;
using System.Text.Json;
using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>Reads one line of a cases file, strictly: unknown, repeated or mistyped fields are errors that name the field.</summary>
public static class CaseParser
{
    private static readonly string[] s_tensors = ["input", "weights", "bias", "offset", "mask", "residual", "output_grad"];

    /// <summary>The line's id where it can be read, however bad what follows it is; else null.</summary>
    public static string? TryId(string line)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(line));
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool id = reader.ValueTextEquals("id");
                reader.Read();
                if (id) return reader.TokenType switch { JsonTokenType.String => reader.GetString(), JsonTokenType.Number => Encoding.UTF8.GetString(reader.ValueSpan), _ => null };
                reader.Skip();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Malformed, or an escape that is half a character: Parse says so.
        }

        return null;
    }

    /// <summary>Parses a line.</summary>
    /// <exception cref="ConvProblemException">A field is unknown, repeated, missing or of the wrong type.</exception>
    public static CaseSpec Parse(string line)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(line);
        }
        catch (JsonException e)
        {
            throw new ConvProblemException("line", Shorten(line), $"is not one JSON object ({e.Message})");
        }

        using (document)
        {
            try
            {
                return Parse(document.RootElement);
            }
            catch (InvalidOperationException e)
            {
                // JSON allows escapes that are half a character; .NET's strings are not made of them.
                throw new ConvProblemException("line", Shorten(line), $"has a string that is not text ({e.Message})");
            }
        }
    }

    private static CaseSpec Parse(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) throw Bad("line", root, "must be a JSON object");
        CaseSpec spec = new() { Id = "", Op = (ConvOp)(-1) };
        var quantisation = new Quantisation();
        bool quantised = false, named = false;
        var seen = new HashSet<string>();
        foreach (JsonProperty property in root.EnumerateObject())
        {
            string name = property.Name;
            JsonElement v = property.Value;
            if (!seen.Add(name)) throw Bad(name, v, "is given twice");
            switch (name)
            {
                case "id": spec = spec with { Id = Text(name, v) }; named = true; break;
                case "op": spec = spec with { Op = Choice<ConvOp>(name, v) }; break;
                case "direction": spec = spec with { Direction = Choice<Direction>(name, v) }; break;
                case "data_type": spec = spec with { DataType = Type(name, v) }; break;
                case "weights_type": spec = spec with { WeightsType = Type(name, v) }; break;
                case "output_type": spec = spec with { OutputType = Type(name, v) }; break;
                case "layout": spec = spec with { Layout = Choice<Layout>(name, v) }; break;
                case "strides": spec = spec with { Strides = List(name, v) }; break;
                case "dilations": spec = spec with { Dilations = List(name, v) }; break;
                case "pads_begin": spec = spec with { PadsBegin = List(name, v) }; break;
                case "pads_end": spec = spec with { PadsEnd = List(name, v) }; break;
                case "output_padding": spec = spec with { OutputPadding = List(name, v) }; break;
                case "output_shape": spec = spec with { OutputShape = List(name, v) }; break;
                case "kernel": spec = spec with { Kernel = List(name, v) }; break;
                case "image_shape": spec = spec with { ImageShape = List(name, v) }; break;
                case "input_shape": spec = spec with { InputShape = List(name, v) }; break;
                case "weight_shape": spec = spec with { WeightShape = List(name, v) }; break;
                case "groups": spec = spec with { Groups = Integer(name, v) }; break;
                case "offset_groups": spec = spec with { OffsetGroups = Integer(name, v) }; break;
                case "padding_mode": spec = spec with { PaddingMode = Choice<PaddingMode>(name, v) }; break;
                case "pad_value": spec = spec with { PadValue = Number(name, v) }; break;
                case "mode": spec = spec with { Mode = Choice<SignalMode>(name, v) }; break;
                case "activation": spec = spec with { Activation = ActivationNames.Parse(name, Text(name, v)) }; break;
                case "output_scale": spec = spec with { OutputScale = Number(name, v) }; break;
                case "tensors": spec = spec with { Tensors = Files(name, v, s_tensors) }; break;
                case "outputs": spec = spec with { Output = Files(name, v, ["output"]).GetValueOrDefault("output") }; break;
                case "auto_pad":
                    bool same = v.ValueKind == JsonValueKind.String && v.GetString() == "same";
                    if (!same && v.ValueKind == JsonValueKind.String && !Names.TryParse<AutoPad>(v.GetString()!, out _)) throw Bad(name, v, $"must be one of {Names.All<AutoPad>()}, same");
                    spec = spec with { AutoPad = same ? AutoPad.SameUpper : Choice<AutoPad>(name, v), SameNeedsStride1 = same };
                    break;
                case "x_scale": quantisation = quantisation with { XScale = Numbers(name, v) }; quantised = true; break;
                case "x_zero_point": quantisation = quantisation with { XZeroPoint = Numbers(name, v) }; quantised = true; break;
                case "w_scale": quantisation = quantisation with { WScale = Numbers(name, v) }; quantised = true; break;
                case "w_zero_point": quantisation = quantisation with { WZeroPoint = Numbers(name, v) }; quantised = true; break;
                case "y_scale": quantisation = quantisation with { YScale = Numbers(name, v) }; quantised = true; break;
                case "y_zero_point": quantisation = quantisation with { YZeroPoint = Numbers(name, v) }; quantised = true; break;
                default: throw Bad(name, v, "is not a field of a case");
            }
        }

        if (named && spec.Id.Length == 0) throw new ConvProblemException("id", "\"\"", "must not be empty");
        if (!named) throw new ConvProblemException("id", "none", "every case has an id");
        if ((int)spec.Op < 0) throw new ConvProblemException("op", "none", $"must be one of {Names.All<ConvOp>()}");
        return quantised ? spec with { Quantisation = quantisation } : spec;
    }

    private static string Text(string name, JsonElement v) => v.ValueKind == JsonValueKind.String ? v.GetString()! : throw Bad(name, v, "must be a string");

    private static T Choice<T>(string name, JsonElement v)
        where T : struct, Enum =>
        v.ValueKind == JsonValueKind.String && Names.TryParse(v.GetString()!, out T value) ? value : throw Bad(name, v, $"must be one of {Names.All<T>()}");

    private static DataType Type(string name, JsonElement v) =>
        v.ValueKind == JsonValueKind.String && DataTypes.TryParse(v.GetString()!, out DataType type)
            ? type : throw Bad(name, v, $"must be one of {string.Join(", ", Enum.GetValues<DataType>().Select(t => t.Name()))}");

    private static long Integer(string name, JsonElement v) =>
        v.ValueKind == JsonValueKind.Number && v.TryGetInt64(out long value) ? value : throw Bad(name, v, "must be an integer");

    private static double Number(string name, JsonElement v) =>
        v.ValueKind == JsonValueKind.Number && v.TryGetDouble(out double value) && double.IsFinite(value) ? value : throw Bad(name, v, "must be a finite number");

    private static Dims List(string name, JsonElement v)
    {
        if (v.ValueKind != JsonValueKind.Array) throw Bad(name, v, "must be a list of integers");
        var values = new List<long>();
        foreach (JsonElement item in v.EnumerateArray())
            values.Add(item.ValueKind == JsonValueKind.Number && item.TryGetInt64(out long value) ? value : throw Bad(name, v, "must be a list of integers"));
        return Dims.Create([.. values]);
    }

    private static List<double> Numbers(string name, JsonElement v)
    {
        if (v.ValueKind == JsonValueKind.Number) return [Number(name, v)];
        if (v.ValueKind != JsonValueKind.Array) throw Bad(name, v, "must be a number or a list of numbers");
        var values = new List<double>();
        foreach (JsonElement item in v.EnumerateArray()) values.Add(Number(name, item));
        return values;
    }

    private static Dictionary<string, string> Files(string name, JsonElement v, string[] allowed)
    {
        if (v.ValueKind != JsonValueKind.Object) throw Bad(name, v, "must be an object of file names");
        var files = new Dictionary<string, string>();
        foreach (JsonProperty file in v.EnumerateObject())
        {
            string field = $"{name}.{file.Name}";
            if (!allowed.Contains(file.Name)) throw Bad(field, file.Value, $"is not one of {string.Join(", ", allowed)}");
            if (Text(field, file.Value).Length == 0) throw Bad(field, file.Value, "must be a file name");
            if (!files.TryAdd(file.Name, file.Value.GetString()!)) throw Bad(field, file.Value, "is given twice");
        }

        return files;
    }

    private static ConvProblemException Bad(string field, JsonElement value, string rule) => new(field, Shorten(value.GetRawText()), rule);

    private static string Shorten(string text) => text.Length <= 60 ? text : string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, 57)}...");
}
