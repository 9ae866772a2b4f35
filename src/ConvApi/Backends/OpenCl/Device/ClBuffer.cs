using System.Buffers;
using ConvNative.Bindings;
using ConvNative.Bindings.OpenCl;
using Silk.NET.OpenCL;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>A buffer object. OpenCL itself keeps it until the work that uses it is done.</summary>
internal sealed unsafe class ClBuffer(ClDevice device, long bytes) : DeviceBuffer(device, bytes)
{
    private readonly ClMemHandle _memory = device.AllocateMemory(bytes);

    public ClMem Raw => _memory.Raw;

    public override void Dispose() => _memory.Dispose();

    protected override void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_memory.IsClosed, this);

    protected override void WriteCore(ReadOnlySpan<byte> source, long offset)
    {
        try
        {
            fixed (byte* p = source) device.Write(Raw, p, offset, source.Length);
        }
        catch (NativeCallException e)
        {
            throw ClErrors.Translated(e);
        }
    }

    protected override void ReadCore(Span<byte> destination, long offset)
    {
        try
        {
            fixed (byte* p = destination) device.Read(Raw, p, offset, destination.Length);
        }
        catch (NativeCallException e)
        {
            throw ClErrors.Translated(e);
        }
    }

    protected override ValueTask ReadCoreAsync(Memory<byte> destination, long offset)
    {
        MemoryHandle pin = destination.Pin();
        nint done;
        int status = OpenClLibrary.Api.EnqueueReadBuffer(device.Queue.Raw, Raw.Value, false, (nuint)offset, (nuint)destination.Length, pin.Pointer, 0, null, &done);
        try
        {
            ClStatus.ThrowIfFailed(status, nameof(CL.EnqueueReadBuffer));
            return ClErrors.Translated(ClEvents.WhenDone(device, done), pin, this);
        }
        catch (NativeCallException e)
        {
            // The copy may be queued and still write to the caller's memory.
            OpenClLibrary.Api.Finish(device.Queue.Raw);
            pin.Dispose();
            throw ClErrors.Translated(e);
        }
    }
}
