using System.Runtime.Intrinsics.X86;
using System.Text;
using System.Text.Json;
using ConvNative.Backends.Common.Numbers;

namespace ConvNative.Backends.Common.Stores;

/// <summary>
/// What was measured to be fastest, per engine, library version and machine: a file of JSON lines (<c>{"problem":"...","choice":"..."}</c>, and
/// what <see cref="Tuned"/> knows beside) in the user's cache, or in <paramref name="folder"/>. Where it has nothing, results that ship with the library count: a resource
/// <c>tuned/FILE</c>, which is such a file of a machine like this one. A file that cannot be read or written costs the memory of past
/// measurements, nothing else.
/// </summary>
/// <remarks>
/// One document would have to be read, changed and written as a whole while another process does the same. Lines are appended under a lock,
/// a line that is torn is left out, and the last line of a problem counts.
/// </remarks>
/// <param name="engineVersion">Names the file.</param>
/// <param name="folder">Where the file lies; null for the user's cache.</param>
/// <param name="shipped">Opens what ships under a file's name, or answers null; null for this library's resources.</param>
internal sealed class TuningStore(Func<string> engineVersion, string? folder = null, Func<string, Stream?>? shipped = null)
{
    private const int Attempts = 50;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _own = [];
    private Dictionary<string, Tuned>? _known;
    private int _generation;

    /// <summary>oneDNN's store.</summary>
    public static TuningStore OneDnn { get; } = new(() => $"onednn-{Bindings.OneDnn.OneDnnLibrary.Load().Version}-{OneDnnInstructionSet()}");

    /// <summary>Which engine serves a problem best; a choice among other engines or instruction sets than this process has does not count.</summary>
    public static TuningStore Auto { get; } = new(() =>
        $"auto-{string.Join('-', Engines.All.Select(e => e.Name))}-{Bindings.OneDnn.OneDnnLibrary.Load().Version?.ToString() ?? "none"}-{OneDnnInstructionSet()}-{InstructionSet.Name}");

    /// <summary>Rises with each <see cref="Put(string, Tuned)"/>: whoever holds what an earlier choice made may ask again.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>Name of the file, and of the resource that ships for machines like this one.</summary>
    public string FileName => $"{engineVersion()}-{Machine()}.jsonl";

    private string? FilePath => (folder ?? UserCache.Folder("tuning")) is { } f ? Path.Combine(f, FileName) : null;

    /// <summary>The choice remembered for <paramref name="key"/>.</summary>
    public bool TryGet(string key, out string? choice)
    {
        choice = Find(key)?.Choice;
        return choice is not null;
    }

    /// <summary>What is remembered for <paramref name="key"/>, or null.</summary>
    public Tuned? Find(string key)
    {
        lock (_lock) return (_known ??= Read()).GetValueOrDefault(key);
    }

    /// <summary>True where a choice may be used without measuring again: it is settled, or this process measured it.</summary>
    public bool IsGood(string key, Tuned choice)
    {
        lock (_lock) return choice.IsSettled || _own.Contains(key);
    }

    /// <summary>Remembers a choice that nobody doubts, in memory and on disk.</summary>
    public void Put(string key, string choice) => Put(key, new Tuned(choice));

    /// <summary>Remembers a choice, in memory and on disk; one that was chosen before gains trust.</summary>
    public void Put(string key, Tuned choice)
    {
        lock (_lock)
        {
            _known ??= Read();
            if (_known.TryGetValue(key, out Tuned? before) && before.Choice == choice.Choice) choice = choice with { Agreed = before.Agreed + 1, Looked = choice.Looked && before.Looked };
            choice = choice with { Date = DateOnly.FromDateTime(DateTime.UtcNow) };
            _known[key] = choice;
            _own.Add(key);
            _generation++;
            if (FilePath is not { } file) return;
            try
            {
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                using FileStream stream = Open(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

                // A line that another process left torn must not take this one with it.
                if (stream.Length > 0)
                {
                    stream.Position = stream.Length - 1;
                    if (stream.ReadByte() != '\n') stream.WriteByte((byte)'\n');
                }

                stream.Write(Line(key, choice));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Without a writable cache the choice lives as long as the process.
            }
        }
    }

    private static byte[] Line(string key, Tuned tuned)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("problem", key);
            json.WriteString("choice", tuned.Choice);
            if (double.IsFinite(tuned.Margin)) json.WriteNumber("margin", Math.Round(tuned.Margin, 3));
            if (double.IsFinite(tuned.Spread)) json.WriteNumber("spread", Math.Round(tuned.Spread, 3));
            json.WriteNumber("agreed", tuned.Agreed);
            json.WriteString("date", tuned.Date.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture));
            if (tuned.Looked) json.WriteBoolean("looked", true);
            json.WriteEndObject();
        }

        text.WriteByte((byte)'\n');
        return text.ToArray();
    }

    private Dictionary<string, Tuned> Read()
    {
        var known = new Dictionary<string, Tuned>();
        using (Stream? stream = shipped is null ? typeof(TuningStore).Assembly.GetManifestResourceStream($"tuned/{FileName}") : shipped(FileName))
            if (stream is not null) Add(known, stream);
        try
        {
            if (FilePath is { } file && File.Exists(file))
            {
                using FileStream stream = Open(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                Add(known, stream);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // As above.
        }

        return known;
    }

    private static void Add(Dictionary<string, Tuned> known, Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(line);
                if (json.RootElement is { ValueKind: JsonValueKind.Object } o && Text(o, "problem") is { } key && Text(o, "choice") is { } choice)
                    known[key] = new Tuned(choice, Number(o, "margin") ?? double.PositiveInfinity, Number(o, "spread") ?? 0, (int)Math.Clamp(Number(o, "agreed") ?? 1, 1, 1000), Day(o), Looked: o.TryGetProperty("looked", out JsonElement l) && l.ValueKind == JsonValueKind.True);
            }
            catch (JsonException)
            {
                // A torn line.
            }
        }
    }

    private static string? Text(JsonElement o, string name) => o.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.String ? e.GetString() : null;

    private static DateOnly Day(JsonElement o) => DateOnly.TryParse(Text(o, "date"), System.Globalization.CultureInfo.InvariantCulture, out DateOnly day) ? day : default;

    private static double? Number(JsonElement o, string name) => o.TryGetProperty(name, out JsonElement e) && e.ValueKind == JsonValueKind.Number ? e.GetDouble() : null;

    // A limit that the user sets (ONEDNN_MAX_CPU_ISA) makes it another library.
    private static string OneDnnInstructionSet() => Bindings.OneDnn.OneDnnLibrary.IsAvailable ? Backends.OneDnn.OneDnnBackend.InstructionSet() : "none";

    // Another process has the file for as long as a line takes to write.
    private static FileStream Open(string file, FileMode mode, FileAccess access, FileShare share)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return new FileStream(file, mode, access, share);
            }
            catch (IOException) when (attempt < Attempts && (File.Exists(file) || mode != FileMode.Open))
            {
                Thread.Sleep(2);
            }
        }
    }

    // Family, model and stepping, so that a cache in a shared home folder does not serve another processor.
    private static string Machine()
    {
        if (!X86Base.IsSupported) return System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        (int eax, _, _, _) = X86Base.CpuId(1, 0);
        (_, int ebx, int ecx, int edx) = X86Base.CpuId(0, 0);
        return $"{(uint)ebx ^ (uint)ecx ^ (uint)edx:x8}-{(uint)eax:x8}-{Environment.ProcessorCount}c";
    }
}
