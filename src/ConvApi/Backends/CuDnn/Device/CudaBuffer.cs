using ConvNative.Bindings;
using ConvNative.Bindings.Cuda;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>Device memory in the user's hands. It goes in the stream's order: after the work that uses it.</summary>
internal sealed unsafe class CudaBuffer(CudaDevice device, long bytes) : DeviceBuffer(device, bytes)
{
    private readonly CudaMemoryHandle _memory = device.AllocateMemory(bytes);
    private bool _disposed;

    /// <summary>The address; the buffer must not be disposed of before the call that uses it.</summary>
    public void* Pointer
    {
        get
        {
            ThrowIfDisposed();
            return _memory.Raw;
        }
    }

    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        var owner = (CudaDevice)Device;
        lock (owner.Gate) _memory.Dispose();
    }

    protected override void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    protected override void WriteCore(ReadOnlySpan<byte> source, long offset)
    {
        fixed (byte* from = source)
        {
            byte* s = from;
            int length = source.Length;
            Held(d => d.Staging.Upload(s, (byte*)Pointer + offset, length));
        }
    }

    protected override void ReadCore(Span<byte> destination, long offset)
    {
        fixed (byte* to = destination)
        {
            byte* t = to;
            int length = destination.Length;
            Held(d => d.Staging.Download((byte*)Pointer + offset, t, length));
        }
    }

    protected override ValueTask ReadCoreAsync(Memory<byte> destination, long offset)
    {
        ValueTask read = default;
        Held(d =>
        {
            PinnedPool.Lease pinned = d.Pinned.Take(destination.Length);
            try
            {
                CudaRt.cudaMemcpyAsync(pinned.Pointer, (byte*)Pointer + offset, (nuint)destination.Length, cudaMemcpyKind.cudaMemcpyDeviceToHost, d.Stream.Raw).Check(nameof(CudaRt.cudaMemcpyAsync));
                read = CudaCompletions.ThenDispose(
                    d.Completions.AfterAll(() => new ReadOnlySpan<byte>(pinned.Pointer, destination.Length).CopyTo(destination.Span)),
                    pinned);
            }
            catch
            {
                pinned.Dispose();
                throw;
            }
        });
        return read;
    }

    private void Held(Action<CudaDevice> work)
    {
        var owner = (CudaDevice)Device;
        lock (owner.Gate)
        {
            try
            {
                owner.Enter();
                work(owner);
            }
            catch (NativeCallException e)
            {
                throw CudaDevice.Translate(e);
            }
        }
    }
}
