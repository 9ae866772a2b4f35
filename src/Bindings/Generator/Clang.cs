using System.Diagnostics;
using System.Text.Json;

namespace ConvNative.Bindings.Generator;

/// <summary>The clang on PATH, newest version first when only versioned ones exist.</summary>
internal sealed class Clang
{
    private readonly string _path;
    private readonly string[] _options;

    private Clang(string path, string[] options)
    {
        _path = path;
        _options = options;
    }

    public static Clang Find(IEnumerable<string> includePaths, IEnumerable<string> defines)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        var suffix = OperatingSystem.IsWindows() ? ".exe" : "";
        string? Look(string name) => folders
            .Where(folder => folder.Length > 0)
            .Select(folder => Path.Combine(folder, name + suffix))
            .FirstOrDefault(File.Exists);
        var path = Look("clang");
        for (var version = 40; path is null && version >= 11; version--)
            path = Look($"clang-{version}");
        if (path is null)
            throw new MissingInputException("clang was not found on PATH (package 'clang' on Debian, Fedora, Arch and Homebrew)");

        // A fixed target: the output must not depend on the machine that generates it.
        string[] options =
        [
            "--target=x86_64-linux-gnu", "-x", "c", "-std=gnu11", "-w", "-ferror-limit=0",
            .. includePaths.SelectMany(folder => new[] { "-I", folder }),
            .. defines.Select(define => "-D" + define),
        ];
        return new Clang(path, options);
    }

    /// <summary>The AST of a translation unit. With <paramref name="tolerant"/> errors leave holes instead of failing.</summary>
    public JsonDocument ParseAst(string source, bool tolerant = false)
    {
        using var file = new TemporaryFile(source);
        using var process = Start(["-Xclang", "-ast-dump=json", "-fsyntax-only", file.Path]);
        var errors = process.StandardError.ReadToEndAsync();
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(process.StandardOutput.BaseStream, new JsonDocumentOptions { MaxDepth = 4096 });
        }
        catch (JsonException e)
        {
            throw new GeneratorException($"clang wrote no AST ({e.Message}): {errors.Result}");
        }
        process.WaitForExit();
        if (process.ExitCode != 0 && !tolerant)
            throw new GeneratorException($"clang could not read the headers:{Environment.NewLine}{errors.Result}");
        return document;
    }

    /// <summary>All macro definitions, as <c>-dM -E</c> prints them.</summary>
    public string[] ReadMacros(string source)
    {
        using var file = new TemporaryFile(source);
        using var process = Start(["-dM", "-E", file.Path]);
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new GeneratorException($"clang could not preprocess the headers:{Environment.NewLine}{errors.Result}");
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    private Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo(_path) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in _options.Concat(arguments)) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private sealed class TemporaryFile : IDisposable
    {
        public TemporaryFile(string text)
        {
            Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"convnative-{Guid.NewGuid():N}.h");
            File.WriteAllText(Path, text);
        }

        public string Path { get; }

        public void Dispose() => File.Delete(Path);
    }
}
