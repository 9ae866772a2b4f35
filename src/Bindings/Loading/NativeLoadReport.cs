using System.Text;

namespace ConvNative.Bindings.Loading;

/// <summary>How loading a native library went: every candidate in the order in which it was tried, and what to do about it.</summary>
public sealed record NativeLoadReport
{
    /// <summary>The library's name, for example "oneDNN".</summary>
    public required string Library { get; init; }

    /// <summary>The versions that are accepted, for example "3.5 &lt;= version &lt; 4.0".</summary>
    public required string VersionWanted { get; init; }

    /// <summary>Everything that was tried; what would have come after a success is not in it.</summary>
    public required IReadOnlyList<NativeLoadCandidate> Candidates { get; init; }

    /// <summary>The file in use, with its full path; null if there is none.</summary>
    public string? LoadedPath { get; init; }

    /// <summary>The version in use; null if there is none.</summary>
    public Version? Version { get; init; }

    /// <summary>One line that says what to do; null if the library is loaded.</summary>
    public string? Remedy { get; init; }

    /// <summary>Whether the library can be used.</summary>
    public bool IsLoaded => LoadedPath is not null;

    /// <summary>In one line without the remedy: what is in use, or what is wrong.</summary>
    public string Summary
    {
        get
        {
            if (IsLoaded) return $"{Library} {Version} from {LoadedPath}";
            if (Candidates.FirstOrDefault(c => c.MissingLibrary is not null) is { } needy) return $"{Library} is there, but {needy.MissingLibrary}, which it needs, is missing";
            if (Candidates.Any(c => c.Outcome == NativeLoadOutcome.Broken)) return $"{Library} is there, but cannot be loaded";
            return Candidates.All(c => c.Outcome == NativeLoadOutcome.Absent)
                ? $"{Library} {VersionWanted} not found"
                : $"{Library} is there, but not one that can be used (wanted {VersionWanted})";
        }
    }

    /// <summary>The whole report, one line per candidate.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(IsLoaded
            ? $"{Library} {Version} from {LoadedPath} (wanted {VersionWanted})"
            : $"{Library} is unavailable (wanted {VersionWanted})");
        foreach (var candidate in Candidates) text.Append("\n  ").Append(candidate);
        if (Remedy is not null) text.Append("\n  remedy: ").Append(Remedy);
        return text.ToString();
    }
}
