namespace ConvNative.Backends;

/// <summary>Memory on a device. Disposing it while work that uses it is still under way is safe: the memory goes when that work is done.</summary>
public abstract class DeviceBuffer : IDisposable
{
    /// <summary>Describes <paramref name="bytes"/> on <paramref name="device"/>.</summary>
    protected DeviceBuffer(ConvDevice device, long bytes) => (Device, Bytes) = (device, bytes);

    /// <summary>Where the memory is.</summary>
    public ConvDevice Device { get; }

    /// <summary>Its length.</summary>
    public long Bytes { get; }

    /// <summary>Copies from the host; <paramref name="source"/> may change as soon as the call returns.</summary>
    /// <exception cref="ArgumentException">The range does not lie within the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public void Write(ReadOnlySpan<byte> source, long offset = 0)
    {
        Check(source.Length, offset);
        if (!source.IsEmpty) WriteCore(source, offset);
    }

    /// <summary>Copies to the host, after all work asked for before.</summary>
    /// <exception cref="ArgumentException">The range does not lie within the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    /// <exception cref="ConvNativeException">The copy, or work before it, failed.</exception>
    public void Read(Span<byte> destination, long offset = 0)
    {
        Check(destination.Length, offset);
        if (!destination.IsEmpty) ReadCore(destination, offset);
    }

    /// <summary>As <see cref="Read"/>, without holding the thread; <paramref name="destination"/> belongs to the device until the task ends.</summary>
    /// <exception cref="ArgumentException">The range does not lie within the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    /// <exception cref="ConvNativeException">The copy, or work before it, failed.</exception>
    public ValueTask ReadAsync(Memory<byte> destination, long offset = 0)
    {
        Check(destination.Length, offset);
        return destination.IsEmpty ? ValueTask.CompletedTask : ReadCoreAsync(destination, offset);
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Throws when disposed.</summary>
    protected abstract void ThrowIfDisposed();

    /// <summary>As <see cref="Write"/>, checked and not empty.</summary>
    protected abstract void WriteCore(ReadOnlySpan<byte> source, long offset);

    /// <summary>As <see cref="Read"/>, checked and not empty.</summary>
    protected abstract void ReadCore(Span<byte> destination, long offset);

    /// <summary>As <see cref="ReadAsync"/>, checked and not empty.</summary>
    protected abstract ValueTask ReadCoreAsync(Memory<byte> destination, long offset);

    private void Check(long length, long offset)
    {
        ThrowIfDisposed();
        if (offset < 0 || offset > Bytes - length) throw new ArgumentException($"offset = {offset}, length = {length}: must lie within the buffer's {Bytes} bytes on {Device.Id}", nameof(offset));
    }
}
