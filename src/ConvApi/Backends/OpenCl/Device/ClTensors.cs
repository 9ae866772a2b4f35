using ConvNative.Bindings.OpenCl;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>The tensors of one run as buffer objects; null where the direction needs none.</summary>
internal readonly record struct ClTensors
{
    public cl_mem Input { get; init; }

    public cl_mem Residual { get; init; }

    public cl_mem Offset { get; init; }

    public cl_mem Mask { get; init; }

    public cl_mem OutputGradient { get; init; }

    public cl_mem Result { get; init; }

    /// <summary>Null also where the caller does not ask for it.</summary>
    public cl_mem BiasResult { get; init; }
}
