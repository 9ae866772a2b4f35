using ConvNative.Bindings.Handles;

namespace ConvNative.Bindings.OpenCl;

/// <summary>A kernel that we own.</summary>
public sealed class ClKernelHandle : ClHandle
{
    private ClKernelHandle(nint raw, NativeHandle parent) : base(raw, parent)
    {
    }

    /// <summary>The object for calls; this handle must outlive them.</summary>
    /// <exception cref="ObjectDisposedException">It has been disposed.</exception>
    public nint Raw => RawValue;

    /// <summary>Owns <paramref name="raw"/> from now on, and releases it where that fails.</summary>
    /// <param name="raw">What <paramref name="function"/> returned.</param>
    /// <param name="function">The method of <see cref="Silk.NET.OpenCL.CL"/> that made it.</param>
    /// <param name="parent">Its program, which lives as long.</param>
    public static ClKernelHandle Adopt(nint raw, string function, ClProgramHandle parent)
    {
        ArgumentNullException.ThrowIfNull(parent);
        return Own(raw, function, value => new ClKernelHandle(value, parent), Release);
    }

    /// <inheritdoc/>
    protected override bool Destroy(nint value) => Release(value);

    private static bool Release(nint value) => Succeeded(OpenClLibrary.Api.ReleaseKernel(value));
}
