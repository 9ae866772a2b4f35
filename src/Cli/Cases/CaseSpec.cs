using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>One line of a cases file, field by field as DESIGN's table has them; shapes and files are not yet looked at.</summary>
public sealed record CaseSpec
{
    public required string Id { get; init; }

    public required ConvOp Op { get; init; }

    public Direction Direction { get; init; }

    public DataType DataType { get; init; }

    /// <summary>Null: the data type's own (s8 for integers).</summary>
    public DataType? WeightsType { get; init; }

    /// <summary>Null: the data type itself (s32 for integers).</summary>
    public DataType? OutputType { get; init; }

    public Layout Layout { get; init; }

    public Dims? Strides { get; init; }

    public Dims? Dilations { get; init; }

    public Dims? PadsBegin { get; init; }

    public Dims? PadsEnd { get; init; }

    public PaddingMode PaddingMode { get; init; }

    public double PadValue { get; init; }

    public AutoPad AutoPad { get; init; }

    /// <summary>PyTorch's <c>same</c>: <see cref="AutoPad.SameUpper"/>, stride 1 only.</summary>
    public bool SameNeedsStride1 { get; init; }

    public Dims? OutputPadding { get; init; }

    /// <summary>Wanted spatial output shape of a transposed case.</summary>
    public Dims? OutputShape { get; init; }

    public long Groups { get; init; } = 1;

    public long OffsetGroups { get; init; } = 1;

    public SignalMode Mode { get; init; }

    public Activation Activation { get; init; }

    /// <summary>Factor of the activation's result; null: none.</summary>
    public double? OutputScale { get; init; }

    public Dims? Kernel { get; init; }

    public Dims? ImageShape { get; init; }

    public Dims? InputShape { get; init; }

    public Dims? WeightShape { get; init; }

    /// <summary>Scales and zero points; null when the line has none.</summary>
    public Quantisation? Quantisation { get; init; }

    /// <summary>Tensor files by DESIGN's names: input, weights, bias, offset, mask, residual, output_grad.</summary>
    public IReadOnlyDictionary<string, string> Tensors { get; init; } = new Dictionary<string, string>();

    /// <summary>Where the result goes, or null.</summary>
    public string? Output { get; init; }
}
