using ConvNative.Bindings.Handles;

namespace ConvNative.Bindings.Cuda;

/// <summary>Host memory that a device can copy from and to without a second copy.</summary>
public sealed unsafe class CudaHostMemoryHandle : NativeHandle
{
    private CudaHostMemoryHandle(void* memory) : base((nint)memory, null)
    {
    }

    /// <summary>The host address.</summary>
    public void* Raw => (void*)RawValue;

    /// <summary>Takes at least one byte.</summary>
    /// <exception cref="NativeCallException">There is not enough memory, or the call failed.</exception>
    public static CudaHostMemoryHandle Allocate(long bytes)
    {
        void* memory = null;
        CudaRt.cudaMallocHost(&memory, (nuint)Math.Max(1, bytes)).Check(nameof(CudaRt.cudaMallocHost));
        if (memory == null) NativeCallException.ThrowNull("CUDA runtime", nameof(CudaRt.cudaMallocHost));
        try
        {
            return new CudaHostMemoryHandle(memory);
        }
        catch
        {
            _ = CudaRt.cudaFreeHost(memory);
            throw;
        }
    }

    /// <inheritdoc/>
    protected override bool Destroy(nint value) => CudaRt.cudaFreeHost((void*)value) == cudaError_t.cudaSuccess;
}
