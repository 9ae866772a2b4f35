namespace ConvNative.Bindings.Cuda;

/// <summary>The libraries of NVIDIA that the cuDNN engine calls.</summary>
public enum CudaLibrary
{
    /// <summary>The kernel driver's library, part of the NVIDIA driver.</summary>
    Driver,

    /// <summary>The CUDA runtime.</summary>
    Runtime,

    /// <summary>The run-time compiler for CUDA C++.</summary>
    Nvrtc,

    /// <summary>Matrix products.</summary>
    Cublas,

    /// <summary>cuDNN.</summary>
    Cudnn,
}
