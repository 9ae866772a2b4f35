namespace ConvNative.Bindings.Loading;

/// <summary>A report and, if the library is loaded, the system's handle to it.</summary>
internal sealed record NativeLoadResult(NativeLoadReport Report, nint Handle);
