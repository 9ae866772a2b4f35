namespace ConvNative.Backends;

/// <summary>A device has no room for an allocation. The device and everything on it stay usable.</summary>
public sealed class DeviceMemoryException : Exception
{
    /// <summary>Names the device and what was asked of it.</summary>
    public DeviceMemoryException(string device, long bytes, Exception? inner = null)
        : base($"{device} has no room for {bytes} bytes", inner) => (Device, Bytes) = (device, bytes);

    /// <summary>The device, as <c>convnative devices</c> prints it.</summary>
    public string Device { get; }

    /// <summary>What was asked for.</summary>
    public long Bytes { get; }
}
