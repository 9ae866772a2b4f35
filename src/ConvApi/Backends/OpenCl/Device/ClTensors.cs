using ConvNative.Bindings.OpenCl;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>The tensors of one run as buffer objects; null where the direction needs none.</summary>
internal readonly record struct ClTensors
{
    public ClMem Input { get; init; }

    public ClMem Residual { get; init; }

    public ClMem Offset { get; init; }

    public ClMem Mask { get; init; }

    public ClMem OutputGradient { get; init; }

    public ClMem Result { get; init; }

    /// <summary>Null also where the caller does not ask for it.</summary>
    public ClMem BiasResult { get; init; }
}
