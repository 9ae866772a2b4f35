using ConvNative.Bindings.Handles;

namespace ConvNative.Bindings.OpenCl;

/// <summary>A buffer that we own.</summary>
public sealed class ClMemHandle : ClHandle
{
    private ClMemHandle(nint raw, NativeHandle parent) : base(raw, parent)
    {
    }

    /// <summary>The object for calls; this handle must outlive them.</summary>
    /// <exception cref="ObjectDisposedException">It has been disposed.</exception>
    public ClMem Raw => new(RawValue);

    /// <summary>Owns <paramref name="raw"/> from now on, and releases it where that fails.</summary>
    /// <param name="raw">What <paramref name="function"/> returned.</param>
    /// <param name="function">The method of <see cref="Silk.NET.OpenCL.CL"/> that made it.</param>
    /// <param name="parent">Its context, which lives as long.</param>
    public static ClMemHandle Adopt(nint raw, string function, ClContextHandle parent)
    {
        ArgumentNullException.ThrowIfNull(parent);
        return Own(raw, function, value => new ClMemHandle(value, parent), Release);
    }

    /// <inheritdoc/>
    protected override bool Destroy(nint value) => Release(value);

    private static bool Release(nint value) => Succeeded(OpenClLibrary.Api.ReleaseMemObject(value));
}
