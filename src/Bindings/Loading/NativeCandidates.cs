using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace ConvNative.Bindings.Loading;

/// <summary>Where a library may be, in the order in which the places are tried.</summary>
internal static class NativeCandidates
{
    /// <summary>The places; with <c>ByRuntime</c> the path is a name that .NET's own search is asked for.</summary>
    /// <param name="library">What is looked for.</param>
    /// <param name="environment">Looks a variable up; null where it is not set.</param>
    /// <param name="folder">The folder of this assembly; null in a single file, which the runtime unpacks to a place that only its own search knows.</param>
    public static IEnumerable<(string Source, string Path, bool ByRuntime)> Find(NativeLibraryDescription library, Func<string, string?> environment, string? folder)
    {
        string[] files = [library.FileName, .. library.OtherFileNames];
        if (environment(library.Variable) is { Length: > 0 } named)
        {
            named = Path.GetFullPath(named);
            if (!Directory.Exists(named)) return [(library.Variable, named, false)];
            return files.SelectMany(file => InPrefix(named, file).Prepend(Path.Combine(named, file)))
                .Select(path => (library.Variable, path, false));
        }

        var candidates = ApplicationFolders(folder).SelectMany(place => files.Select(file => ("application", Path.Combine(place, file), false)))
            .Concat(folder is null ? files.Select(file => ("application", file, true)) : [])
            .Concat(files.Select(file => ("system", file, false)));
        return library.CacheFolder is { } cache && CacheRoot(environment) is { } root
            ? candidates.Concat(files.SelectMany(file => InPrefix(Path.Combine(root, cache), file)).Select(path => ("cache", path, false)))
            : candidates;
    }

    // An installation keeps libraries in lib, Windows keeps them in bin.
    private static IEnumerable<string> InPrefix(string prefix, string file) =>
        [Path.Combine(prefix, OperatingSystem.IsWindows() ? "bin" : "lib", file)];

    /// <summary>The folder that this assembly lies in, which is not the application's where it is part of a plug-in; null in a single file.</summary>
    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "Empty in a single file: that is what is asked.")]
    public static string? AssemblyFolder()
    {
        string location = typeof(NativeCandidates).Assembly.Location;
        return location.Length == 0 ? null : Path.GetDirectoryName(location);
    }

    private static IEnumerable<string> ApplicationFolders(string? assembly)
    {
        yield return AppContext.BaseDirectory;
        yield return Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        var folders = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        foreach (var folder in folders.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return folder;
        if (assembly is null) yield break;
        yield return assembly;
        yield return Path.Combine(assembly, "runtimes", RuntimeInformation.RuntimeIdentifier, "native");
    }

    private static string? CacheRoot(Func<string, string?> environment)
    {
        if (environment("XDG_CACHE_HOME") is { Length: > 0 } folder) return Path.Combine(folder, "convnative");
        if (environment("HOME") is { Length: > 0 } home) return Path.Combine(home, ".cache", "convnative");
        var profile = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return profile.Length > 0 ? Path.Combine(profile, ".cache", "convnative") : null;
    }
}
