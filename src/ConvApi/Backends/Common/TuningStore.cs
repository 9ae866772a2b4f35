using System.Runtime.Intrinsics.X86;

namespace ConvNative.Backends.Common;

/// <summary>
/// What was measured to be fastest, per engine, library version and machine: a text file of "problem TAB choice" lines in the
/// user's cache, or in <paramref name="folder"/>. A file that cannot be read or written costs the memory of past measurements, nothing else.
/// </summary>
/// <param name="engineVersion">Names the file.</param>
/// <param name="folder">Where the file lies; null for the user's cache.</param>
internal sealed class TuningStore(Func<string> engineVersion, string? folder = null)
{
    private readonly Lock _lock = new();
    private Dictionary<string, string>? _known;

    /// <summary>oneDNN's store.</summary>
    public static TuningStore OneDnn { get; } = new(() => $"onednn-{Bindings.OneDnn.OneDnnLibrary.Load().Version}");

    /// <summary>Which engine serves a problem best; a choice among other engines than this build has does not count.</summary>
    public static TuningStore Auto { get; } =
        new(() => $"auto-{string.Join('-', Engines.All.Select(e => e.Name))}-{Bindings.OneDnn.OneDnnLibrary.Load().Version?.ToString() ?? "none"}");

    // Null without a home: a relative path would land in whatever folder the caller is in.
    private string? FilePath
    {
        get
        {
            string name = $"{engineVersion()}-{Machine()}.tsv";
            if (folder is not null) return Path.Combine(folder, name);
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } x ? x : home.Length > 0 ? Path.Combine(home, ".cache") : null;
            return cache is null ? null : Path.Combine(cache, "convnative", "tuning", name);
        }
    }

    /// <summary>The choice remembered for <paramref name="key"/>.</summary>
    public bool TryGet(string key, out string? choice)
    {
        lock (_lock)
        {
            _known ??= Read();
            return _known.TryGetValue(key, out choice);
        }
    }

    /// <summary>Remembers a choice, in memory and on disk.</summary>
    public void Put(string key, string choice)
    {
        lock (_lock)
        {
            _known ??= Read();
            _known[key] = choice;
            if (FilePath is not { } file) return;
            try
            {
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);

                // Appending one line is atomic enough for several processes; the last line of a key counts.
                File.AppendAllText(file, $"{key}\t{choice}\n");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Without a writable cache the choice lives as long as the process.
            }
        }
    }

    private Dictionary<string, string> Read()
    {
        var known = new Dictionary<string, string>();
        try
        {
            if (FilePath is { } file && File.Exists(file))
                foreach (string line in File.ReadLines(file))
                    if (line.Split('\t') is [var key, var choice]) known[key] = choice;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // As above.
        }

        return known;
    }

    // Family, model and stepping, so that a cache in a shared home folder does not serve another processor.
    private static string Machine()
    {
        if (!X86Base.IsSupported) return System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        (int eax, _, _, _) = X86Base.CpuId(1, 0);
        (_, int ebx, int ecx, int edx) = X86Base.CpuId(0, 0);
        return $"{(uint)ebx ^ (uint)ecx ^ (uint)edx:x8}-{(uint)eax:x8}-{Environment.ProcessorCount}c";
    }
}
