namespace ConvNative.Bindings.Cuda;

/// <summary>How loading NVIDIA's libraries went: every file of the set with path and version, and what to do about what is wrong.</summary>
public sealed record CudaLoadReport
{
    /// <summary>What is wrong; <see cref="CudaFailure.None"/> if the set is loaded.</summary>
    public required CudaFailure Failure { get; init; }

    /// <summary>One line: the versions in use, or what is missing.</summary>
    public required string Summary { get; init; }

    /// <summary>Every file that was tried, in order.</summary>
    public required IReadOnlyList<CudaPart> Parts { get; init; }

    /// <summary>One line that says what to do; null if the set is loaded.</summary>
    public string? Remedy { get; init; }

    /// <summary>cuDNN's version, or null.</summary>
    public Version? CudnnVersion { get; init; }

    /// <summary>The major version of CUDA that cuDNN was built for, or 0.</summary>
    public int CudaMajor { get; init; }

    /// <summary>Whether the libraries can be called.</summary>
    public bool IsLoaded => Failure == CudaFailure.None;

    /// <summary>Whether the library behind cuDNN's name is the tests' protocol double; nothing that it computes says anything of a GPU.</summary>
    public bool IsDouble { get; init; }

    /// <summary>The whole report, one line a file.</summary>
    public override string ToString() => string.Join("\n  ", [Summary, .. Parts.Select(part => part.ToString()), .. Remedy is null ? Array.Empty<string>() : ["remedy: " + Remedy]]);
}
