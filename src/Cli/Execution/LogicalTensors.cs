namespace ConvNative.Cli.Execution;

/// <summary>
/// The operands of one problem as bytes of the problem's types, dense and in logical (channels-first) order whatever the
/// problem's layouts are. What the direction does not need stays null.
/// </summary>
public sealed class LogicalTensors
{
    public byte[]? Input { get; init; }

    public byte[]? Weights { get; init; }

    public byte[]? Bias { get; init; }

    public byte[]? Residual { get; init; }

    public byte[]? Offset { get; init; }

    public byte[]? Mask { get; init; }

    public byte[]? OutputGrad { get; init; }
}
