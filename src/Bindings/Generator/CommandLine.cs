using System.Security.Cryptography;
using System.Text;

namespace ConvNative.Bindings.Generator;

/// <summary>The program: reads libraries' descriptions and headers, and writes or checks the generated files.</summary>
internal static class CommandLine
{
    private const string Usage = """
        Usage: generator [--check] [--library NAME]... [--headers DIR]... [--root DIR]

        Writes src/Bindings/Generated from C headers and Generator/Libraries/NAME.json.
          --check         write nothing; exit code 1 if the committed files differ
          --library NAME  only this library (default: all)
          --headers DIR   look for headers here instead of in the library's own list; may be repeated
          --root DIR      the folder src/Bindings (default: found from the working folder upwards)

        Exit codes: 0 done, 1 files differ, 2 bad usage or input, 3 clang or the headers are missing.
        Example: dotnet run --project src/Bindings/Generator -- --check --library onednn
        """;

    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        try
        {
            var check = false;
            string? root = null;
            List<string> libraries = [], headers = [];
            for (var i = 0; i < args.Length; i++)
            {
                string Value() => ++i < args.Length ? args[i] : throw new GeneratorException($"{args[i - 1]} needs a value");
                switch (args[i])
                {
                    case "--check": check = true; break;
                    case "--library": libraries.Add(Value()); break;
                    case "--headers": headers.Add(Value()); break;
                    case "--root": root = Value(); break;
                    case "--help" or "-h":
                        output.WriteLine(Usage);
                        return 0;
                    default: throw new GeneratorException($"unknown argument '{args[i]}'{Environment.NewLine}{Usage}");
                }
            }

            root ??= FindRoot();
            var descriptions = Path.Combine(root, "Generator", "Libraries");
            if (libraries.Count == 0)
                libraries.AddRange(Directory.GetFiles(descriptions, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order());
            var same = true;
            foreach (var name in libraries)
            {
                var path = Path.Combine(descriptions, name + ".json");
                if (!File.Exists(path)) throw new GeneratorException($"no library '{name}': {path} does not exist");
                same &= Generate(LibraryDescription.Load(path), headers, root, check, output, error);
            }
            return same ? 0 : 1;
        }
        catch (MissingInputException e)
        {
            error.WriteLine(e.Message);
            return 3;
        }
        catch (GeneratorException e)
        {
            error.WriteLine(e.Message);
            return 2;
        }
    }

    private static bool Generate(
        LibraryDescription library, List<string> headers, string root, bool check, TextWriter output, TextWriter error)
    {
        var paths = IncludePaths(library, headers, root);
        var clang = Clang.Find(paths, library.Defines);
        var umbrella = string.Concat(library.Includes.Select(header => $"#include <{header}>\n"));
        var bodies = MacroReader.Bodies(clang.ReadMacros(umbrella));
        Declarations declarations;
        using (var ast = clang.ParseAst(umbrella)) declarations = AstReader.Read(ast.RootElement);
        var wanted = bodies.Where(pair => library.Macros.IsMatch(pair.Key) && !library.Excluded.Contains(pair.Key)).ToDictionary();
        var constants = MacroReader.Evaluate(clang, umbrella, wanted);
        var version = string.Join('.', library.Version.Select(name => bodies.GetValueOrDefault(name, name)));
        var writer = new CSharpWriter(library, declarations, constants, Provenance(library, version, paths));
        var files = writer.Write();

        foreach (var line in writer.Skipped) error.WriteLine($"{library.Name}: skipped {line}");
        var folder = Path.Combine(root, "Generated", library.Output);
        if (check) return Compare(library, folder, files, output);
        Directory.CreateDirectory(folder);
        foreach (var stale in Directory.GetFiles(folder, "*.cs").Where(file => !files.ContainsKey(Path.GetFileName(file)))) File.Delete(stale);
        foreach (var (name, text) in files) File.WriteAllText(Path.Combine(folder, name), text);
        output.WriteLine($"{library.Name} {version}: {files.Count} files in {folder}");
        return true;
    }

    private static List<string> IncludePaths(LibraryDescription library, List<string> headers, string root)
    {
        if (headers.Count > 0) return [.. headers.Select(Path.GetFullPath)];
        var first = library.Includes[0];
        var candidates = library.IncludePaths.Select(path => Expand(path, root)).ToArray();
        return candidates.FirstOrDefault(folder => File.Exists(Path.Combine(folder, first))) is { } found
            ? [found]
            : throw new MissingInputException(
                $"{library.Name}: {first} was not found in {string.Join(", ", candidates)}; name its folder with --headers");
    }

    private static string Expand(string path, string root)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } folder ? folder : Path.Combine(home, ".cache");
        return path.Replace("{cache}", cache).Replace("{home}", home).Replace("{sources}", root).Replace('/', Path.DirectorySeparatorChar);
    }

    private static string Provenance(LibraryDescription library, string version, List<string> paths)
    {
        // Files that a build configures (feature switches) are not hashed: they differ between builds of one version.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var header in library.Hashed)
        {
            var file = paths.Select(folder => Path.Combine(folder, header)).FirstOrDefault(File.Exists)
                ?? throw new MissingInputException($"{library.Name}: {header} was not found in {string.Join(", ", paths)}");
            hash.AppendData(Encoding.UTF8.GetBytes(header));
            hash.AppendData(File.ReadAllBytes(file));
        }
        return "// <auto-generated/>\n"
            + $"// Library: {library.Name}, headers of version {version}\n"
            + $"// Input: {string.Join(", ", library.Hashed)}\n"
            + $"// Input sha256: {Convert.ToHexStringLower(hash.GetHashAndReset())}\n"
            + "// Generator: src/Bindings/Generator\n";
    }

    private static bool Compare(LibraryDescription library, string folder, Dictionary<string, string> files, TextWriter output)
    {
        var same = true;
        var existing = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.cs").Select(file => Path.GetFileName(file)) : [];
        foreach (var name in existing.Union(files.Keys).Order(StringComparer.Ordinal))
        {
            var path = Path.Combine(folder, name);
            var left = File.Exists(path) ? File.ReadAllText(path).Replace("\r\n", "\n").Split('\n') : [];
            var right = files.TryGetValue(name, out var text) ? text.Split('\n') : [];
            if (left.SequenceEqual(right)) continue;
            same = false;
            var removed = left.Except(right).ToArray();
            var added = right.Except(left).ToArray();
            output.WriteLine($"{library.Name}: {name} differs: {removed.Length} lines to go, {added.Length} to come");
            foreach (var line in removed.Take(5)) output.WriteLine("  - " + line);
            foreach (var line in added.Take(5)) output.WriteLine("  + " + line);
        }
        return same;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
            foreach (var candidate in new[] { folder.FullName, Path.Combine(folder.FullName, "src", "Bindings") })
                if (Directory.Exists(Path.Combine(candidate, "Generator", "Libraries"))) return candidate;
        throw new GeneratorException("src/Bindings was not found above the working folder; name it with --root");
    }
}
