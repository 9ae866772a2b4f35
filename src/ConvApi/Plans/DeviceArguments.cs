using ConvNative.Backends;

namespace ConvNative.Plans;

/// <summary>
/// The tensors of one execution on a device, in the layouts that the plan's problem states; what the direction does not need stays
/// null. The caller owns them and may dispose them after the call.
/// </summary>
public readonly record struct DeviceArguments
{
    /// <summary>See <see cref="ConvArguments.Input"/>.</summary>
    public DeviceBuffer? Input { get; init; }

    /// <summary>See <see cref="ConvArguments.Residual"/>.</summary>
    public DeviceBuffer? Residual { get; init; }

    /// <summary>See <see cref="ConvArguments.Offset"/>.</summary>
    public DeviceBuffer? Offset { get; init; }

    /// <summary>See <see cref="ConvArguments.Mask"/>.</summary>
    public DeviceBuffer? Mask { get; init; }

    /// <summary>See <see cref="ConvArguments.OutputGradient"/>.</summary>
    public DeviceBuffer? OutputGradient { get; init; }

    /// <summary>See <see cref="ConvArguments.Result"/>.</summary>
    public DeviceBuffer? Result { get; init; }

    /// <summary>See <see cref="ConvArguments.BiasResult"/>.</summary>
    public DeviceBuffer? BiasResult { get; init; }
}
