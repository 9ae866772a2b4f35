using System.Runtime.InteropServices;
using ConvNative.Bindings.CuDnn;

namespace ConvNative.Bindings.Cuda;

/// <summary>Turns a failed status into an exception with the library's own words.</summary>
public static unsafe class CudaStatus
{
    /// <summary>Throws if a call of the CUDA runtime failed; its error is cleared, so that it does not show up in a later call.</summary>
    /// <exception cref="NativeCallException">The call failed.</exception>
    public static void Check(this cudaError_t status, string function)
    {
        if (status == cudaError_t.cudaSuccess) return;
        _ = CudaRt.cudaGetLastError();
        throw new NativeCallException("CUDA runtime", function, Name(status), (long)status, Text(CudaRt.cudaGetErrorString(status)));
    }

    /// <summary>Throws if a call of the driver failed.</summary>
    /// <exception cref="NativeCallException">The call failed.</exception>
    public static void Check(this CUresult status, string function)
    {
        if (status == CUresult.CUDA_SUCCESS) return;
        byte* text = null;
        _ = CudaDriver.cuGetErrorString(status, &text);
        throw new NativeCallException("CUDA driver", function, status.ToString(), (long)status, Text(text));
    }

    /// <summary>Throws if a call of the run-time compiler failed.</summary>
    /// <exception cref="NativeCallException">The call failed.</exception>
    public static void Check(this nvrtcResult status, string function, string? log = null)
    {
        if (status == nvrtcResult.NVRTC_SUCCESS) return;
        throw new NativeCallException("NVRTC", function, status.ToString(), (long)status, log ?? Text(Nvrtc.nvrtcGetErrorString(status)));
    }

    /// <summary>Throws if a call of cuBLAS failed.</summary>
    /// <exception cref="NativeCallException">The call failed.</exception>
    public static void Check(this cublasStatus_t status, string function)
    {
        if (status != cublasStatus_t.CUBLAS_STATUS_SUCCESS) throw new NativeCallException("cuBLAS", function, status.ToString(), (long)status);
    }

    /// <summary>Throws if a call of cuDNN failed.</summary>
    /// <exception cref="NativeCallException">The call failed.</exception>
    public static void Check(this cudnnStatus_t status, string function)
    {
        if (status == cudnnStatus_t.CUDNN_STATUS_SUCCESS) return;
        throw new NativeCallException("cuDNN", function, status.ToString(), (long)status, LastMessage() ?? Text(Cudnn.cudnnGetErrorString(status)));
    }

    private static string Name(cudaError_t status) => Enum.IsDefined(status) ? status.ToString() : Text(CudaRt.cudaGetErrorName(status)) ?? status.ToString();

    // Newer than 9.0 in some builds; the status has a text of its own where it is missing.
    private static string? LastMessage()
    {
        if (!CudaLibraries.Exports(CudaLibrary.Cudnn, nameof(Cudnn.cudnnGetLastErrorString))) return null;
        const int Capacity = 2048;
        var buffer = stackalloc byte[Capacity];
        buffer[0] = 0;
        Cudnn.cudnnGetLastErrorString(buffer, Capacity);
        buffer[Capacity - 1] = 0;
        return buffer[0] == 0 ? null : Text(buffer);
    }

    internal static string? Text(byte* text) => text == null ? null : Marshal.PtrToStringUTF8((nint)text);
}
