using ConvNative.Bindings.Handles;

namespace ConvNative.Bindings.Cuda;

/// <summary>Memory of a device. It knows how it came, so that it goes the same way: from a pool in a stream's order, or plainly.</summary>
public sealed unsafe class CudaMemoryHandle : NativeHandle
{
    private readonly CudaStreamHandle? _pool;

    private CudaMemoryHandle(void* memory, CudaStreamHandle? pool) : base((nint)memory, pool) => _pool = pool;

    /// <summary>The device address; not readable by the host.</summary>
    public void* Raw => (void*)RawValue;

    /// <summary>
    /// Takes at least one byte on the current device; from its pool, in the order of <paramref name="pool"/>, or with null by a
    /// call that may wait for the device. Aligned to 256 bytes.
    /// </summary>
    /// <exception cref="NativeCallException">There is not enough memory (<c>cudaErrorMemoryAllocation</c>), or the call failed.</exception>
    public static CudaMemoryHandle Allocate(long bytes, CudaStreamHandle? pool)
    {
        void* memory = null;
        var size = (nuint)Math.Max(1, bytes);
        if (pool is null) CudaRt.cudaMalloc(&memory, size).Check(nameof(CudaRt.cudaMalloc));
        else CudaRt.cudaMallocAsync(&memory, size, pool.Raw).Check(nameof(CudaRt.cudaMallocAsync));
        if (memory == null) NativeCallException.ThrowNull("CUDA runtime", pool is null ? nameof(CudaRt.cudaMalloc) : nameof(CudaRt.cudaMallocAsync));
        try
        {
            return new CudaMemoryHandle(memory, pool);
        }
        catch
        {
            if (pool is null) _ = CudaRt.cudaFree(memory);
            else _ = CudaRt.cudaFreeAsync(memory, pool.Raw);
            throw;
        }
    }

    /// <inheritdoc/>
    protected override bool Destroy(nint value)
    {
        if (_pool is null) return CudaRt.cudaFree((void*)value) == cudaError_t.cudaSuccess;
        // The parent is kept alive by this object, but may have been disposed of by its owner already.
        var stream = new cudaStream_t(_pool.DangerousGetHandle());
        return CudaRt.cudaFreeAsync((void*)value, stream) == cudaError_t.cudaSuccess;
    }
}
