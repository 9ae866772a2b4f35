namespace ConvNative.Backends;

/// <summary>
/// A device with memory of its own, as <see cref="ConvBackend.OpenDevice"/> gives it. Belongs to the engine, which keeps it open; nobody
/// disposes it. Work on it (copies, runs of plans) is done in the order in which it was asked for.
/// </summary>
public abstract class ConvDevice
{
    /// <summary>As <c>convnative devices</c> prints it, for example <c>opencl:0</c>.</summary>
    public abstract string Id { get; }

    /// <summary>The device's own name.</summary>
    public abstract string Name { get; }

    /// <summary>New memory of exactly <paramref name="bytes"/>, contents undefined; 0 is allowed. The caller disposes it.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is negative.</exception>
    /// <exception cref="DeviceMemoryException">The device has no room; it stays usable.</exception>
    public abstract DeviceBuffer Allocate(long bytes);

    /// <summary>Ends when all work asked for so far is done.</summary>
    /// <exception cref="ConvNativeException">Work failed.</exception>
    public abstract ValueTask SynchronizeAsync();
}
