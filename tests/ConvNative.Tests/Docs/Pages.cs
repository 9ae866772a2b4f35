using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ConvNative.Cli.Commands;
using ConvNative.Graphs.Catalog;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Docs;

/// <summary>
/// The pages under docs/, and what in them is made by code: the text between <c>&lt;!-- counts: PROBLEM | PROBLEM --&gt;</c> (also <c>block: NAME</c>,
/// <c>engines: LABEL, LABEL</c>, <c>code: NAME</c>) and <c>&lt;!-- end --&gt;</c>.
/// </summary>
internal static partial class Pages
{
    /// <summary>docs/ of the sources.</summary>
    public static string Folder { get; } = Path.GetFullPath(Path.Combine(Here(), "..", "..", "..", "docs"));

    /// <summary>True where tests shall write what they would else compare.</summary>
    public static bool Writes => Environment.GetEnvironmentVariable("CONVNATIVE_WRITE_GENERATED") == "1";

    /// <summary>Pages of variants and blocks, relative to <see cref="Folder"/>.</summary>
    public static IEnumerable<string> All => Directory.EnumerateFiles(Folder, "*.md", SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(Folder, f).Replace('\\', '/')).Where(f => f != "DESIGN.md").Order(StringComparer.Ordinal);

    /// <summary>A page's text.</summary>
    public static string Read(string page) => File.ReadAllText(Path.Combine(Folder, page));

    /// <summary>The page with everything made anew that code makes.</summary>
    public static string Render(string text) => Marker().Replace(text, m =>
    {
        string old = m.Groups["body"].Value, argument = m.Groups["argument"].Value;
        string body = m.Groups["kind"].Value switch
        {
            "counts" => Counts(argument),
            "block" => $"{Block(argument)}\n{EngineTable.Block(argument, old)}",
            "engines" => EngineTable.Render(argument, old),
            _ => Code(argument),
        };
        return $"<!-- {m.Groups["kind"].Value}: {argument} -->\n\n{body}\n<!-- end -->";
    });

    /// <summary>Arguments of the markers of <paramref name="kind"/>.</summary>
    public static IEnumerable<string> Arguments(string text, string kind) => Marker().Matches(text).Where(m => m.Groups["kind"].Value == kind).Select(m => m.Groups["argument"].Value);

    /// <summary>What a person wrote, and what code did.</summary>
    public static (string Own, string Made) Parts(string text) => (Marker().Replace(text, ""), string.Concat(Marker().Matches(text).Select(m => m.Value)));

    /// <summary>The region of the examples between <c>// [name]</c> and <c>// [end]</c>, without its indentation.</summary>
    public static string Region(string name)
    {
        foreach (string file in (string[])["VariantExamples.cs", "BlockExamples.cs"])
        {
            string[] parts = File.ReadAllText(Path.Combine(Here(), file)).Split($"// [{name}]\n");
            if (parts.Length == 2) return string.Join('\n', parts[1].Split("// [end]")[0].Split('\n')[..^1].Select(l => l.Length > 8 ? l[8..] : "")) + "\n";
        }

        throw new InvalidOperationException($"no example has the region // [{name}]");
    }

    private static string Code(string name) => $"```csharp\n{Region(name)}```\n";

    private static string Counts(string problems)
    {
        var text = new StringBuilder("| problem | input | weights | output | parameters | multiply-adds | receptive field |\n|---|---|---|---|--:|--:|---|\n");
        foreach (string each in problems.Split(" | "))
        {
            JsonElement e = JsonDocument.Parse(ExplainCommand.ToJson(ConvProblem.Parse(each), [])).RootElement;
            text.Append(CultureInfo.InvariantCulture, $"| `{each}` | {Shape("input_shape")} | {Shape("weight_shape")} | {Shape("output_shape")} | {Count("parameters")} | {Count("multiply_adds")} | {Shape("receptive_field")} |\n");

            string Shape(string field) => e.GetProperty(field).GetArrayLength() == 0 ? "none" : string.Join('x', e.GetProperty(field).EnumerateArray());
            string Count(string field) => Number(e.GetProperty(field));
        }

        return text.ToString();
    }

    private static string Block(string name)
    {
        BlockExample block = BlockReport.Find(name);
        JsonElement e = JsonDocument.Parse(BlockReport.ToJson(block)).RootElement;
        var text = new StringBuilder("| | weights | parameters | multiply-adds | receptive field |\n|---|--:|--:|--:|---|\n");
        Row($"`{name}`", e, block.Graph);
        int at = 0;
        foreach (JsonElement other in e.GetProperty("against").EnumerateArray()) Row(other.GetProperty("name").GetString()!, other, block.Against[at++].Graph);
        foreach (JsonElement note in e.GetProperty("notes").EnumerateArray()) text.Append('\n').Append(note.GetString()!.Replace("*", "\\*", StringComparison.Ordinal)).Append('\n');
        return text.ToString();

        void Row(string label, JsonElement of, ConvGraph graph) => text.Append(CultureInfo.InvariantCulture,
            $"| {label} | {Number(of.GetProperty("weights"))} | {Number(of.GetProperty("parameters"))} | {Number(of.GetProperty("multiply_adds"))} | {Field(graph)} |\n");
    }

    private static string Field(ConvGraph graph)
    {
        try
        {
            return string.Join('x', graph.ReceptiveField(graph.Outputs[0]));
        }
        catch (NotSupportedException)
        {
            return "not one size";
        }
    }

    private static string Number(JsonElement e) => e.GetInt64().ToString("N0", CultureInfo.InvariantCulture);

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    [GeneratedRegex("<!-- (?<kind>counts|block|engines|code): (?<argument>.*?) -->\n(?<body>.*?)<!-- end -->", RegexOptions.Singleline, 300_000)]
    private static partial Regex Marker();
}
