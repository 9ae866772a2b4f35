using System.Text.Json;
using System.Text.RegularExpressions;

namespace ConvNative.Bindings.Generator;

/// <summary>One owned native object: the SafeHandle's name, the raw type, what destroys it and whom it keeps alive.</summary>
internal sealed record OwnedHandle(string Name, string Type, string Destroy, string? Parent);

/// <summary>What the program knows of a library; everything else it reads from the headers.</summary>
internal sealed class LibraryDescription
{
    private static readonly HashSet<string> Known =
    [
        "name", "import", "namespace", "class", "output", "includes", "includePaths", "hashed", "defines", "version",
        "functions", "types", "macros", "excluded", "withoutGcTransition", "required", "flags", "external", "statusType",
        "success", "handles",
    ];

    public required string Name { get; init; }
    public required string Import { get; init; }
    public required string Namespace { get; init; }
    public required string Class { get; init; }
    public required string Output { get; init; }
    public required string[] Includes { get; init; }
    public required string[] IncludePaths { get; init; }
    public required string[] Hashed { get; init; }
    public required string[] Defines { get; init; }

    /// <summary>Macros joined by dots; an entry that is no macro is taken as it stands.</summary>
    public required string[] Version { get; init; }

    public required Regex Functions { get; init; }
    public required Regex Types { get; init; }
    public required Regex Macros { get; init; }

    /// <summary>Names that are left out even though a filter takes them.</summary>
    public required HashSet<string> Excluded { get; init; }

    /// <summary>Functions short enough to be called without leaving cooperative mode: no locks, no callbacks, far below a microsecond.</summary>
    public required HashSet<string> WithoutGcTransition { get; init; }

    /// <summary>Functions without which a loaded library is of no use; the loader looks for each of them.</summary>
    public Regex? Required { get; init; }

    public required HashSet<string> Flags { get; init; }

    /// <summary>C types that another generated namespace defines.</summary>
    public required Dictionary<string, string> External { get; init; }

    public string? StatusType { get; init; }
    public string? Success { get; init; }

    public required OwnedHandle[] Handles { get; init; }

    public static LibraryDescription Load(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(path));
        var root = document.RootElement;
        foreach (var property in root.EnumerateObject())
            if (!Known.Contains(property.Name))
                throw new GeneratorException($"{Path.GetFileName(path)}: unknown field '{property.Name}'");

        string Text(string name) => root.TryGetProperty(name, out var value)
            ? value.GetString()!
            : throw new GeneratorException($"{Path.GetFileName(path)}: field '{name}' is missing");
        string? Optional(string name) => root.TryGetProperty(name, out var value) ? value.GetString() : null;
        string[] List(string name) => root.TryGetProperty(name, out var value)
            ? value.EnumerateArray().Select(item => item.GetString()!).ToArray()
            : [];

        return new LibraryDescription
        {
            Name = Text("name"),
            Import = Text("import"),
            Namespace = Text("namespace"),
            Class = Text("class"),
            Output = Text("output"),
            Includes = List("includes"),
            IncludePaths = List("includePaths"),
            Hashed = List("hashed"),
            Defines = List("defines"),
            Version = List("version"),
            Functions = new Regex(Text("functions")),
            Types = new Regex(Text("types")),
            Macros = new Regex(Text("macros")),
            Excluded = [.. List("excluded")],
            WithoutGcTransition = [.. List("withoutGcTransition")],
            Required = Optional("required") is { } required ? new Regex(required) : null,
            Flags = [.. List("flags")],
            External = root.TryGetProperty("external", out var external)
                ? external.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!)
                : [],
            StatusType = Optional("statusType"),
            Success = Optional("success"),
            Handles = root.TryGetProperty("handles", out var handles)
                ? handles.EnumerateArray().Select(ReadHandle).ToArray()
                : [],
        };
    }

    private static OwnedHandle ReadHandle(JsonElement item) => new(
        item.GetProperty("name").GetString()!,
        item.GetProperty("type").GetString()!,
        item.GetProperty("destroy").GetString()!,
        item.TryGetProperty("parent", out var parent) ? parent.GetString() : null);
}
