namespace ConvNative.Bindings.Loading;

/// <summary>What became of one candidate for a native library.</summary>
public enum NativeLoadOutcome
{
    /// <summary>There is no such file, or the system's loader knows no such name.</summary>
    Absent,

    /// <summary>It is there, but the system's loader refuses it.</summary>
    Broken,

    /// <summary>It loads, but lacks a function that is needed.</summary>
    SymbolMissing,

    /// <summary>It loads, but its version is not in the wanted range.</summary>
    VersionOutOfRange,

    /// <summary>It is the one in use.</summary>
    Loaded,
}
