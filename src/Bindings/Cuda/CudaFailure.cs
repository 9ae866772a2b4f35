namespace ConvNative.Bindings.Cuda;

/// <summary>Why the set of libraries cannot be used.</summary>
public enum CudaFailure
{
    /// <summary>It can be used.</summary>
    None,

    /// <summary>There is no NVIDIA driver.</summary>
    NoDriver,

    /// <summary>There is no cuDNN 9, or a library that it needs beside it is missing or broken.</summary>
    NoLibrary,

    /// <summary>A library is there in a version that is not supported.</summary>
    Version,

    /// <summary>Parts of two installations are loaded together.</summary>
    Mixture,
}
