using System.Runtime.InteropServices;

namespace ConvNative.Bindings.Loading;

/// <summary>Tries the candidates for a library in order and keeps the first that is good.</summary>
internal static class NativeLoader
{
    /// <summary>Loads without remembering the result. A handle in the result belongs to the caller.</summary>
    /// <param name="library">What to load.</param>
    /// <param name="environment">Looks a variable up; null where it is not set.</param>
    public static NativeLoadResult Probe(NativeLibraryDescription library, Func<string, string?> environment) =>
        Probe(library, environment, NativeCandidates.AssemblyFolder());

    /// <summary>As the other overload, for an assembly in <paramref name="folder"/>; null for one in a single file.</summary>
    internal static NativeLoadResult Probe(NativeLibraryDescription library, Func<string, string?> environment, string? folder)
    {
        var tried = new List<NativeLoadCandidate>();
        foreach (var (source, path, byRuntime) in NativeCandidates.Find(library, environment, folder))
        {
            // The same file may be listed twice, for example where the application runs from its own rid folder.
            if (tried.Any(other => Path.IsPathRooted(path) ? Path.IsPathRooted(other.Path) && Path.GetFullPath(other.Path) == Path.GetFullPath(path) : other.Path == path && other.Source == source)) continue;
            var (candidate, handle) = Try(library, source, path, byRuntime, environment);
            tried.Add(candidate);
            if (handle == 0) continue;
            return new NativeLoadResult(
                new NativeLoadReport
                {
                    Library = library.Name,
                    VersionWanted = library.VersionWanted,
                    Candidates = tried,
                    LoadedPath = LoadedFile.Find(NativeLibrary.GetExport(handle, library.VersionSymbol)) ?? path,
                    Version = candidate.Version,
                },
                handle);
        }

        return new NativeLoadResult(
            new NativeLoadReport
            {
                Library = library.Name,
                VersionWanted = library.VersionWanted,
                Candidates = tried,
                Remedy = Remedy(library, tried),
            },
            0);
    }

    private static (NativeLoadCandidate Candidate, nint Handle) Try(
        NativeLibraryDescription library, string source, string path, bool byRuntime, Func<string, string?> environment)
    {
        NativeLoadCandidate Candidate(NativeLoadOutcome outcome, string? detail = null, Version? version = null) =>
            new(source, path, outcome, detail, version);

        var isFile = Path.IsPathRooted(path);
        if (isFile && !File.Exists(path)) return (Candidate(NativeLoadOutcome.Absent), 0);
        if (OperatingSystem.IsLinux() && (isFile ? path : ElfFile.Locate(path, environment)) is { } file
            && ElfFile.FindDamage(file) is { } damage)
            return (Candidate(NativeLoadOutcome.Broken, damage), 0);
        nint handle;
        try
        {
            handle = byRuntime ? NativeLibrary.Load(path, typeof(NativeLoader).Assembly, null) : NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            var words = LoaderWords(e.Message);
            var missing = NativeDependency.Missing(words, path);
            if (!isFile && missing is null && IsAbsence(words, path)) return (Candidate(NativeLoadOutcome.Absent, byRuntime ? "not in the single file" : words), 0);
            return (Candidate(NativeLoadOutcome.Broken, words) with { MissingLibrary = missing }, 0);
        }

        var (outcome, detail, version) = Examine(library, handle);
        if (outcome == NativeLoadOutcome.Loaded) return (Candidate(outcome, detail, version), handle);
        NativeLibrary.Free(handle);
        return (Candidate(outcome, detail, version), 0);
    }

    private static (NativeLoadOutcome Outcome, string Detail, Version? Version) Examine(NativeLibraryDescription library, nint handle)
    {
        if (!NativeLibrary.TryGetExport(handle, library.VersionSymbol, out var address))
            return (NativeLoadOutcome.SymbolMissing, library.VersionSymbol, null);
        var version = library.ReadVersion is { } read
            ? read(address)
            : library.VersionBySymbol.FirstOrDefault(item => NativeLibrary.TryGetExport(handle, item.Symbol, out _)).Since ?? new Version(0, 0);
        // The version comes first: that an old library lacks new functions is no news.
        if (version < library.From || version >= library.Below)
            return (NativeLoadOutcome.VersionOutOfRange, $"version {version}, wanted {library.VersionWanted}", version);
        var missing = library.RequiredSymbols.Where(symbol => !NativeLibrary.TryGetExport(handle, symbol, out _)).ToArray();
        return missing.Length == 0
            ? (NativeLoadOutcome.Loaded, $"version {version}", version)
            : (NativeLoadOutcome.SymbolMissing, string.Join(", ", missing), version);
    }

    /// <summary>What the system's loader said, without what the runtime wraps around it.</summary>
    internal static string LoaderWords(string message)
    {
        var lines = message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.Length > 1 ? string.Join("; ", lines.Skip(1).Distinct()) : message.Trim();
    }

    // A name that the loader does not know, as opposed to a library of that name whose own dependency is missing.
    internal static bool IsAbsence(string words, string name) =>
        words.Contains($"{name}: cannot open shared object file: No such file", StringComparison.Ordinal) // glibc
        || words.Contains($"Error loading shared library {name}: No such file", StringComparison.Ordinal) // musl
        || words.Contains($"tried: '{name}' (no such file)", StringComparison.Ordinal) // macOS
        || words.Contains("0x8007007E", StringComparison.OrdinalIgnoreCase); // Windows, ERROR_MOD_NOT_FOUND

    private static string Remedy(NativeLibraryDescription library, List<NativeLoadCandidate> tried)
    {
        var named = tried.FirstOrDefault(candidate => candidate.Source == library.Variable);
        if (named is not null)
            return named.Outcome switch
            {
                NativeLoadOutcome.Absent =>
                    $"{library.Variable} names no {library.FileName}: correct it, or unset it to use the other places",
                NativeLoadOutcome.Broken when named.MissingLibrary is { } dependency =>
                    $"{library.Variable} names a file that needs {dependency}: {NativeDependency.Remedy(dependency)}, or unset the variable",
                NativeLoadOutcome.Broken =>
                    $"{library.Variable} names a file that cannot be loaded: replace {named.Path}, or unset the variable",
                _ => $"{library.Variable} names an unsuitable library: name {library.Name} with {library.VersionWanted}, or unset the variable",
            };
        if (tried.FirstOrDefault(candidate => candidate.MissingLibrary is not null) is { } needy)
            return $"{NativeDependency.Remedy(needy.MissingLibrary!)}; {needy.Path} needs it";
        var broken = tried.FirstOrDefault(candidate => candidate.Outcome is NativeLoadOutcome.Broken or NativeLoadOutcome.SymbolMissing);
        if (broken is not null) return $"replace or remove {broken.Path}; or {library.InstallHint}";
        return tried.Any(candidate => candidate.Outcome == NativeLoadOutcome.VersionOutOfRange)
            ? $"the version found is unsuitable: {library.InstallHint}"
            : library.InstallHint;
    }
}
