namespace ConvNative.Bindings.OpenCl;

/// <summary>A context that we own.</summary>
public sealed class ClContextHandle : ClHandle
{
    private ClContextHandle(nint raw) : base(raw, null)
    {
    }

    /// <summary>The object for calls; this handle must outlive them.</summary>
    /// <exception cref="ObjectDisposedException">It has been disposed.</exception>
    public nint Raw => RawValue;

    /// <summary>Owns <paramref name="raw"/> from now on, and releases it where that fails.</summary>
    /// <param name="raw">What <paramref name="function"/> returned.</param>
    /// <param name="function">The method of <see cref="Silk.NET.OpenCL.CL"/> that made it.</param>
    public static ClContextHandle Adopt(nint raw, string function) => Own(raw, function, static value => new ClContextHandle(value), Release);

    /// <inheritdoc/>
    protected override bool Destroy(nint value) => Release(value);

    private static bool Release(nint value) => Succeeded(OpenClLibrary.Api.ReleaseContext(value));
}
