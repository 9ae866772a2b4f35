using System.Reflection;
using ConvNative.Graphs.Catalog;
using ConvNative.Problems;

namespace ConvNative.Cli.Suites;

/// <summary>The suites that ship with the tool, and files of the user's.</summary>
public static class SuiteCatalog
{
    private const string Prefix = "suites/";
    private const string Extension = ".txt";
    private const string BlockSuite = "blocks";
    private const string TrunkSuite = "trunks";
    private static readonly Assembly s_assembly = typeof(SuiteCatalog).Assembly;

    /// <summary>Names of the shipped suites, smoke, edge and variants first: what breaks there needs no network to be seen; blocks and whole networks as graphs last.</summary>
    public static IReadOnlyList<string> Shipped { get; } =
    [
        .. s_assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal) && n.EndsWith(Extension, StringComparison.Ordinal))
            .Select(n => n[Prefix.Length..^Extension.Length])
            .OrderBy(n => n switch { "smoke" => 0, "edge" => 1, "variants" => 2, _ => 3 })
            .ThenBy(n => n, StringComparer.Ordinal),
        BlockSuite,
        TrunkSuite,
    ];

    /// <summary>A shipped suite by name, or a file by path.</summary>
    /// <exception cref="CliException">Neither, or the file holds no problem.</exception>
    /// <exception cref="ProblemSyntaxException">A line is malformed.</exception>
    public static ProblemSuite Load(string nameOrPath)
    {
        ArgumentNullException.ThrowIfNull(nameOrPath);
        if (nameOrPath == BlockSuite) return new ProblemSuite(BlockSuite, [], []) { Blocks = BlockCatalog.Names };
        if (nameOrPath == TrunkSuite) return new ProblemSuite(TrunkSuite, [], []) { Blocks = [.. TrunkCatalog.All.Select(t => t.Name)] };
        if (Shipped.Contains(nameOrPath))
        {
            ProblemList list = ProblemFile.Load(nameOrPath + Extension, Embedded);
            return new ProblemSuite(nameOrPath, list.Problems, list.Unsupported);
        }

        if (!File.Exists(nameOrPath)) throw new CliException($"--suite = {nameOrPath}: must be a file, or one of {string.Join(", ", Shipped)}");
        ProblemList own = ProblemTokens.ReadFile("--suite", nameOrPath);
        return new ProblemSuite(Path.GetFileNameWithoutExtension(nameOrPath), own.Problems, own.Unsupported) { Notes = own.Notes };
    }

    /// <summary>All of <paramref name="names"/> (comma-separated lists allowed); none means all that ship.</summary>
    public static IReadOnlyList<ProblemSuite> LoadAll(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return [.. (names.Count == 0 ? Shipped : names).Distinct().Select(Load)];
    }

    private static string? Embedded(string path)
    {
        using Stream? s = s_assembly.GetManifestResourceStream(Prefix + Path.GetFileName(path));
        if (s is null) return null;
        using var reader = new StreamReader(s);
        return reader.ReadToEnd();
    }
}
