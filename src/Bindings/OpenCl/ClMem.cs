namespace ConvNative.Bindings.OpenCl;

/// <summary>A <c>cl_mem</c> that somebody else owns. All of OpenCL's objects are <c>nint</c> in Silk.NET; this one is handed on so often that it has a type.</summary>
/// <param name="Value">The native pointer.</param>
public readonly record struct ClMem(nint Value)
{
    /// <summary>Whether there is none: kernels see a null pointer.</summary>
    public bool IsNull => Value == 0;
}
