namespace ConvNative.Bindings.Loading;

/// <summary>What the loader must know of a library.</summary>
internal sealed record NativeLibraryDescription
{
    /// <summary>The name that people use.</summary>
    public required string Name { get; init; }

    /// <summary>The name in the generated imports. It must be no file's name: the runtime must never find one by itself.</summary>
    public required string ImportName { get; init; }

    /// <summary>The variable that overrides every other candidate with a file or a folder.</summary>
    public required string Variable { get; init; }

    /// <summary>The file's name on this platform, versioned, as the system's loader knows it.</summary>
    public required string FileName { get; init; }

    /// <summary>Names to try after <see cref="FileName"/>, in this order.</summary>
    public IReadOnlyList<string> OtherFileNames { get; init; } = [];

    /// <summary>The folder below the user's cache in which a build of our own lies, or null.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>The first version that is accepted.</summary>
    public required Version From { get; init; }

    /// <summary>The first version that is too new.</summary>
    public required Version Below { get; init; }

    /// <summary>The function that <see cref="ReadVersion"/> calls; without that, any function of the library.</summary>
    public required string VersionSymbol { get; init; }

    /// <summary>Reads the version, given the address of <see cref="VersionSymbol"/>; null where the library cannot tell it.</summary>
    public Func<nint, Version>? ReadVersion { get; init; }

    /// <summary>Where the library cannot tell its version: functions, newest first, and the version that each came with.</summary>
    public IReadOnlyList<(string Symbol, Version Since)> VersionBySymbol { get; init; } = [];

    /// <summary>Functions without which the library is of no use.</summary>
    public required IReadOnlyList<string> RequiredSymbols { get; init; }

    /// <summary>What to do where no candidate exists.</summary>
    public required string InstallHint { get; init; }

    /// <summary>The range in words.</summary>
    public string VersionWanted => $"{From} <= version < {Below}";
}
