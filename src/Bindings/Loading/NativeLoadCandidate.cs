namespace ConvNative.Bindings.Loading;

/// <summary>One file or name that was tried.</summary>
/// <param name="Source">Where the candidate comes from: "CONVNATIVE_ONEDNN", "application", "system" or "cache".</param>
/// <param name="Path">The file, or the name that was given to the system's loader.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Detail">The loader's own words, or the missing symbols, or the version; null where there is nothing to add.</param>
/// <param name="Version">The version that the library reports, where it got that far.</param>
public sealed record NativeLoadCandidate(
    string Source, string Path, NativeLoadOutcome Outcome, string? Detail = null, Version? Version = null)
{
    /// <summary>The library that this one needs and that is not here, where the system's loader says so; the outcome is then <see cref="NativeLoadOutcome.Broken"/>.</summary>
    public string? MissingLibrary { get; init; }

    /// <summary>One line: source, path, outcome and detail.</summary>
    public override string ToString()
    {
        var words = Outcome switch
        {
            NativeLoadOutcome.Absent => "absent",
            NativeLoadOutcome.Broken when MissingLibrary is not null => $"present, but {MissingLibrary}, which it needs, is missing",
            NativeLoadOutcome.Broken => "present but broken",
            NativeLoadOutcome.SymbolMissing => "present but a symbol is missing",
            NativeLoadOutcome.VersionOutOfRange => "version out of range",
            _ => "loaded",
        };
        return $"{Source}: {Path}: {words}{(Detail is null ? "" : ": " + Detail)}";
    }
}
