using ConvNative.Bindings.Cuda;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>
/// Copies between the host's pageable memory and the device through two pinned halves, so that one is copied by the processor while
/// the device moves the other. The caller holds the device.
/// </summary>
internal sealed unsafe class CudaStaging(CudaDevice device) : IDisposable
{
    private const long Half = 4L << 20;

    private readonly CudaHostMemoryHandle?[] _pinned = new CudaHostMemoryHandle?[2];
    private readonly CudaEventHandle?[] _busy = new CudaEventHandle?[2];
    private int _next;

    /// <summary>Queues a copy; <paramref name="from"/> may change as soon as this returns.</summary>
    public void Upload(void* from, void* to, long bytes)
    {
        for (long at = 0; at < bytes;)
        {
            int half = Free();
            long part = Math.Min(Half, bytes - at);
            Buffer.MemoryCopy((byte*)from + at, _pinned[half]!.Raw, Half, part);
            Copy((byte*)to + at, _pinned[half]!.Raw, part, cudaMemcpyKind.cudaMemcpyHostToDevice);
            Record(half);
            at += part;
        }
    }

    /// <summary>Copies after all work asked for before, and waits for the last byte.</summary>
    public void Download(void* from, void* to, long bytes)
    {
        long queued = 0, done = 0;
        int first = -1;
        while (done < bytes)
        {
            // Both halves are on their way before the first is waited for.
            while (queued < bytes && queued - done < 2 * Half)
            {
                int half = Free();
                if (first < 0) first = half;
                long part = Math.Min(Half, bytes - queued);
                Copy(_pinned[half]!.Raw, (byte*)from + queued, part, cudaMemcpyKind.cudaMemcpyDeviceToHost);
                Record(half);
                queued += part;
            }

            int ready = (first + (int)(done / Half)) % 2;
            Wait(ready);
            long length = Math.Min(Half, bytes - done);
            Buffer.MemoryCopy(_pinned[ready]!.Raw, (byte*)to + done, length, length);
            done += length;
        }
    }

    public void Dispose()
    {
        for (int i = 0; i < 2; i++)
        {
            _busy[i]?.Dispose();
            _pinned[i]?.Dispose();
        }
    }

    private int Free()
    {
        int half = _next;
        if (_pinned[half] is null)
        {
            // Both or neither: a half without its event could never be waited for.
            CudaHostMemoryHandle memory = CudaHostMemoryHandle.Allocate(Half);
            try
            {
                _busy[half] = NewEvent();
            }
            catch
            {
                memory.Dispose();
                throw;
            }

            _pinned[half] = memory;
        }
        else
        {
            Wait(half);
        }

        _next = 1 - half;
        return half;
    }

    public static CudaEventHandle NewEvent(bool timed = false)
    {
        cudaEvent_t raw;
        uint flags = timed ? (uint)abi_cudaFlags.cudaEventDefault : (uint)abi_cudaFlags.cudaEventDisableTiming | (uint)abi_cudaFlags.cudaEventBlockingSync;
        CudaRt.cudaEventCreateWithFlags(&raw, flags).Check(nameof(CudaRt.cudaEventCreateWithFlags));
        return CudaEventHandle.Adopt(raw, nameof(CudaRt.cudaEventCreateWithFlags));
    }

    private void Wait(int half) => CudaRt.cudaEventSynchronize(_busy[half]!.Raw).Check(nameof(CudaRt.cudaEventSynchronize));

    private void Record(int half) => CudaRt.cudaEventRecord(_busy[half]!.Raw, device.Stream.Raw).Check(nameof(CudaRt.cudaEventRecord));

    private void Copy(void* to, void* from, long bytes, cudaMemcpyKind kind) =>
        CudaRt.cudaMemcpyAsync(to, from, (nuint)bytes, kind, device.Stream.Raw).Check(nameof(CudaRt.cudaMemcpyAsync));
}
