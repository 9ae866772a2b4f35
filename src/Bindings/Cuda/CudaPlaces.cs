namespace ConvNative.Bindings.Cuda;

/// <summary>An installation: folders that belong together. Without folders, what the system's loader knows.</summary>
internal sealed record CudaPlace(string Source, IReadOnlyList<string> Folders)
{
    /// <summary>The full path of the first of <paramref name="names"/> that one of the folders has, or null.</summary>
    public string? Find(IEnumerable<string> names) =>
        names.SelectMany(name => Folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
}

/// <summary>Where cuDNN may be installed, in the order in which the places are tried.</summary>
internal static class CudaPlaces
{
    public static IEnumerable<CudaPlace> Find(Func<string, string?> environment)
    {
        if (environment(CudaLibraries.Variable) is { Length: > 0 } named)
        {
            // Several folders, since Python packages keep each library in its own; a file stands for its folder.
            var folders = named.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(Path.GetFullPath)
                .Select(path => File.Exists(path) ? Path.GetDirectoryName(path)! : path)
                .SelectMany(path => new[] { path, Path.Combine(path, OperatingSystem.IsWindows() ? "bin" : "lib") })
                .Where(Directory.Exists);
            return [new CudaPlace(CudaLibraries.Variable, [.. folders])];
        }
        return Everywhere(environment).Where(place => place.Source == "system" || place.Folders.Count > 0);
    }

    private static IEnumerable<CudaPlace> Everywhere(Func<string, string?> environment)
    {
        yield return new CudaPlace("application", [AppContext.BaseDirectory]);
        yield return new CudaPlace("system", []);
        foreach (var variable in new[] { "CUDNN_HOME", "CUDA_HOME", "CUDA_PATH", "CONDA_PREFIX" })
            if (environment(variable) is { Length: > 0 } root)
                yield return new CudaPlace("toolkit", [.. Libraries(root)]);
        foreach (var site in SitePackages(environment))
            yield return new CudaPlace("python", [.. PythonFolders(site)]);
        if (!OperatingSystem.IsWindows())
            yield return new CudaPlace("toolkit", [.. Libraries("/usr/local/cuda"), .. Libraries("/usr/local/cudnn"), .. Libraries("/opt/cuda")]);
    }

    private static IEnumerable<string> Libraries(string root) =>
        new[] { "lib64", "lib", "bin", Path.Combine("targets", "x86_64-linux", "lib"), Path.Combine("targets", "sbsa-linux", "lib") }
            .Select(name => Path.Combine(root, name)).Where(Directory.Exists);

    // CUDA 12's packages have a folder each, CUDA 13's share nvidia/cu13; cuDNN has its own with both.
    private static IEnumerable<string> PythonFolders(string site)
    {
        var root = Path.Combine(site, "nvidia");
        if (!Directory.Exists(Path.Combine(root, "cudnn"))) return [];
        var leaf = OperatingSystem.IsWindows() ? "bin" : "lib";
        return Directory.GetDirectories(root).Select(folder => Path.Combine(folder, leaf)).Where(Directory.Exists)
            .Order(StringComparer.Ordinal).Reverse();
    }

    private static IEnumerable<string> SitePackages(Func<string, string?> environment)
    {
        foreach (var path in (environment("PYTHONPATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return path;
        var home = environment("HOME");
        var roots = new[] { environment("VIRTUAL_ENV"), environment("CONDA_PREFIX"), home is null ? null : Path.Combine(home, ".local"), "/usr/local", "/usr" };
        foreach (var root in roots.OfType<string>().Where(root => root.Length > 0))
        {
            yield return Path.Combine(root, "Lib", "site-packages");
            foreach (var parent in new[] { "lib", "lib64" }.Select(name => Path.Combine(root, name)).Where(Directory.Exists))
                foreach (var python in Directory.GetDirectories(parent, "python3*").Order(StringComparer.Ordinal).Reverse())
                {
                    yield return Path.Combine(python, "site-packages");
                    yield return Path.Combine(python, "dist-packages");
                }
        }
    }
}
