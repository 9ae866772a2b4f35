using ConvNative.Bindings.Loading;

namespace ConvNative.Bindings.Cuda;

/// <summary>One library file of the set.</summary>
/// <param name="Name">The file's name without folder, for example "libcudnn_ops.so.9".</param>
/// <param name="Source">Where it comes from: "CONVNATIVE_CUDNN", "application", "system", "python" or "toolkit".</param>
/// <param name="Path">The file with its full path as far as known, else the name that was tried.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Version">The version that it reports itself, or null.</param>
/// <param name="Detail">The loader's own words or what is wrong; null where there is nothing to add.</param>
public sealed record CudaPart(string Name, string Source, string Path, NativeLoadOutcome Outcome, Version? Version = null, string? Detail = null)
{
    /// <summary>One line: source, path, outcome, version and detail.</summary>
    public override string ToString()
    {
        var line = new NativeLoadCandidate(Source, Path, Outcome, Detail).ToString();
        return Version is null ? line : $"{line} ({Version})";
    }
}
