namespace ConvNative.Kernels.Generator;

/// <summary>The program: writes or checks the managed engine's generated kernels.</summary>
internal static class CommandLine
{
    private const string Usage = """
        Usage: generator [--check] [--root DIR]

        Writes src/ConvApi/Backends/Managed/Kernels/Generated, one file a family of kernels.
          --check     write nothing; exit code 1 if the committed files differ
          --root DIR  the folder src/ConvApi (default: found from the working folder upwards)

        Exit codes: 0 done, 1 files differ, 2 bad usage or input.
        Example: dotnet run --project src/ConvApi/Kernels.Generator -- --check
        """;

    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var check = false;
        string? root = null;
        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--check": check = true; break;
                case "--root" when i + 1 < args.Length: root = args[++i]; break;
                case "--help" or "-h":
                    output.WriteLine(Usage);
                    return 0;
                default:
                    error.WriteLine(args[i] == "--root" ? "--root needs a value" : $"unknown argument '{args[i]}'{Environment.NewLine}{Usage}");
                    return 2;
            }
        }

        root ??= FindRoot();
        string? kernels = root is null ? null : Path.Combine(root, "Backends", "Managed", "Kernels");
        if (kernels is null || !Directory.Exists(kernels))
        {
            error.WriteLine($"{kernels ?? "src/ConvApi"} was not found; name the folder src/ConvApi with --root");
            return 2;
        }

        string folder = Path.Combine(kernels, "Generated");
        SortedDictionary<string, string> files = KernelFiles.All();
        string[] stale = Directory.Exists(folder) ? [.. Directory.GetFiles(folder).Where(f => !files.ContainsKey(Path.GetFileName(f)))] : [];
        if (check) return Compare(folder, files, stale, output) ? 0 : 1;
        Directory.CreateDirectory(folder);
        foreach (string file in stale) File.Delete(file);
        foreach ((string name, string text) in files) File.WriteAllText(Path.Combine(folder, name), text);
        output.WriteLine($"{files.Count} files, {files.Values.Sum(t => t.Count(c => c == '\n'))} lines in {folder}");
        return 0;
    }

    private static bool Compare(string folder, SortedDictionary<string, string> files, string[] stale, TextWriter output)
    {
        foreach (string file in stale) output.WriteLine($"{Path.GetFileName(file)} is no file of this generator's");
        var same = stale.Length == 0;
        foreach ((string name, string text) in files)
        {
            string path = Path.Combine(folder, name);
            string[] left = File.Exists(path) ? File.ReadAllText(path).Replace("\r\n", "\n").Split('\n') : [], right = text.Split('\n');
            if (left.SequenceEqual(right)) continue;
            same = false;
            int at = left.Zip(right).TakeWhile(p => p.First == p.Second).Count();
            output.WriteLine($"{name} differs: {left.Length} lines are there, {right.Length} should be; the first is line {at + 1}");
            if (at < left.Length) output.WriteLine("  - " + left[at]);
            if (at < right.Length) output.WriteLine("  + " + right[at]);
        }

        return same;
    }

    private static string? FindRoot()
    {
        for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
            foreach (string candidate in new[] { folder.FullName, Path.Combine(folder.FullName, "src", "ConvApi") })
                if (Directory.Exists(Path.Combine(candidate, "Kernels.Generator"))) return candidate;
        return null;
    }
}
