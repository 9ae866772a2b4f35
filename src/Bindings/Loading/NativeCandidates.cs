using System.Runtime.InteropServices;

namespace ConvNative.Bindings.Loading;

/// <summary>Where a library may be, in the order in which the places are tried.</summary>
internal static class NativeCandidates
{
    public static IEnumerable<(string Source, string Path)> Find(NativeLibraryDescription library, Func<string, string?> environment)
    {
        string[] files = [library.FileName, .. library.OtherFileNames];
        if (environment(library.Variable) is { Length: > 0 } named)
        {
            named = Path.GetFullPath(named);
            if (!Directory.Exists(named)) return [(library.Variable, named)];
            return files.SelectMany(file => InPrefix(named, file).Prepend(Path.Combine(named, file)))
                .Select(path => (library.Variable, path));
        }

        var candidates = ApplicationFolders().SelectMany(folder => files.Select(file => ("application", Path.Combine(folder, file))))
            .Concat(files.Select(file => ("system", file)));
        return library.CacheFolder is { } cache && CacheRoot(environment) is { } root
            ? candidates.Concat(files.SelectMany(file => InPrefix(Path.Combine(root, cache), file)).Select(path => ("cache", path)))
            : candidates;
    }

    // An installation keeps libraries in lib, Windows keeps them in bin.
    private static IEnumerable<string> InPrefix(string prefix, string file) =>
        [Path.Combine(prefix, OperatingSystem.IsWindows() ? "bin" : "lib", file)];

    private static IEnumerable<string> ApplicationFolders()
    {
        yield return AppContext.BaseDirectory;
        yield return Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        var folders = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        foreach (var folder in folders.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return folder;
    }

    private static string? CacheRoot(Func<string, string?> environment)
    {
        if (environment("XDG_CACHE_HOME") is { Length: > 0 } folder) return Path.Combine(folder, "convnative");
        if (environment("HOME") is { Length: > 0 } home) return Path.Combine(home, ".cache", "convnative");
        var profile = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return profile.Length > 0 ? Path.Combine(profile, ".cache", "convnative") : null;
    }
}
