using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ConvNative.Cli.Checking;

namespace ConvNative.Cli.Reports;

/// <summary>JSON of the reports: snake case, no reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    Converters = [typeof(CellStatusConverter)],
    WriteIndented = false)]
[JsonSerializable(typeof(MatrixReport))]
[JsonSerializable(typeof(CellResult))]
[JsonSerializable(typeof(Benchmarks.BenchReport))]
public sealed partial class ReportJson : JsonSerializerContext
{
    // Problem strings and versions stay readable; the reports are files, never parts of a web page.
    private static readonly JavaScriptEncoder s_encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>One line of results.jsonl, with its end of line.</summary>
    public static byte[] Line(CellResult cell)
    {
        using var bytes = new MemoryStream();
        using (var w = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = s_encoder })) JsonSerializer.Serialize(w, cell, Default.CellResult);
        bytes.WriteByte((byte)'\n');
        return bytes.ToArray();
    }

    /// <summary>Reads results.json of a matrix.</summary>
    /// <exception cref="InvalidDataException">Not such a file, or of another schema.</exception>
    public static MatrixReport ReadMatrix(string path)
    {
        MatrixReport r = Read(path, "matrix", static text => JsonSerializer.Deserialize(text, Default.MatrixReport));
        return r.SchemaVersion == Reports.MatrixReport.CurrentSchema ? r : throw WrongSchema(path, r.SchemaVersion, Reports.MatrixReport.CurrentSchema);
    }

    /// <summary>Reads results.json of a benchmark.</summary>
    /// <exception cref="InvalidDataException">Not such a file, or of another schema.</exception>
    public static Benchmarks.BenchReport ReadBench(string path)
    {
        Benchmarks.BenchReport r = Read(path, "bench", static text => JsonSerializer.Deserialize(text, Default.BenchReport));
        return r.SchemaVersion == Benchmarks.BenchReport.CurrentSchema ? r : throw WrongSchema(path, r.SchemaVersion, Benchmarks.BenchReport.CurrentSchema);
    }

    /// <summary>matrix or bench; null when the file does not say.</summary>
    public static string? KindOf(string path)
    {
        try
        {
            using JsonDocument d = JsonDocument.Parse(File.ReadAllBytes(path));
            return d.RootElement.ValueKind == JsonValueKind.Object && d.RootElement.TryGetProperty("kind", out JsonElement k) && k.ValueKind == JsonValueKind.String ? k.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Replaces <paramref name="path"/> in one step, so that a reader never sees half a file.</summary>
    public static void WriteFile(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        string part = path + ".part";
        using (FileStream f = File.Create(part)) write(f);
        File.Move(part, path, overwrite: true);
    }

    /// <summary>Indented JSON of a matrix.</summary>
    public static void Write(Stream to, MatrixReport report)
    {
        using var w = new Utf8JsonWriter(to, new JsonWriterOptions { Indented = true, Encoder = s_encoder });
        JsonSerializer.Serialize(w, report, Default.MatrixReport);
    }

    /// <summary>Indented JSON of a benchmark.</summary>
    public static void Write(Stream to, Benchmarks.BenchReport report)
    {
        using var w = new Utf8JsonWriter(to, new JsonWriterOptions { Indented = true, Encoder = s_encoder });
        JsonSerializer.Serialize(w, report, Default.BenchReport);
    }

    private static T Read<T>(string path, string kind, Func<byte[], T?> parse)
        where T : class
    {
        byte[] text;
        try
        {
            text = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }

        string? found = KindOf(path);
        if (found != kind) throw new InvalidDataException($"{path}: kind = {found ?? "none"}: must be {kind}, as convnative {kind} writes it");
        try
        {
            return parse(text) ?? throw new InvalidDataException($"{path}: is empty");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    private static InvalidDataException WrongSchema(string path, int got, int want) =>
        new($"{path}: schema_version = {got}: this version reads {want}");
}

/// <summary>Verdicts as lower-case words.</summary>
public sealed class CellStatusConverter : JsonStringEnumConverter<CellStatus>
{
    /// <summary>Lower case, and no numbers.</summary>
    public CellStatusConverter()
        : base(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    {
    }
}
