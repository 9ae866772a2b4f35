namespace ConvNative.Problems;

/// <summary>
/// What a caller says about a problem; <see cref="ConvProblem"/> validates it and derives the rest. Null means the default:
/// stride 1, dilation 1 (dense), pad 0, output padding 0.
/// </summary>
public sealed record ConvSpec
{
    private readonly DataType? _outputType;

    /// <summary>The variant.</summary>
    public ConvOp Op { get; init; }

    /// <summary>What is computed.</summary>
    public Direction Direction { get; init; }

    /// <summary>Logical shape <c>[N, C, (D, (H,)) W]</c> of the forward input. For <see cref="ConvOp.Col2im"/> <c>[N, C*K, L]</c>.</summary>
    public Dims InputShape { get; init; }

    /// <summary>
    /// Logical shape of the weights: <c>[O, C/G, k...]</c>; transposed <c>[C, O/G, k...]</c>. Empty for operations without weights.
    /// </summary>
    public Dims WeightShape { get; init; }

    /// <summary>Kernel size of im2col and col2im, which have no weights.</summary>
    public Dims? Kernel { get; init; }

    /// <summary>Spatial size of the image that col2im folds into.</summary>
    public Dims? ImageShape { get; init; }

    /// <summary>Stride per spatial axis, at least 1.</summary>
    public Dims? Strides { get; init; }

    /// <summary>Dilation per spatial axis, 1 = dense.</summary>
    public Dims? Dilations { get; init; }

    /// <summary>Padding before the first element, per spatial axis.</summary>
    public Dims? PadsBegin { get; init; }

    /// <summary>Padding after the last element, per spatial axis.</summary>
    public Dims? PadsEnd { get; init; }

    /// <summary>Pads derived instead of given.</summary>
    public AutoPad AutoPad { get; init; }

    /// <summary>What lies outside the input.</summary>
    public PaddingMode PaddingMode { get; init; }

    /// <summary>The value of <see cref="PaddingMode.Constant"/>.</summary>
    public double PadValue { get; init; }

    /// <summary>Extra output elements at the end of a transposed convolution, <c>0 &lt;= op &lt; max(s, d)</c>.</summary>
    public Dims? OutputPadding { get; init; }

    /// <summary>
    /// Wanted spatial output size. Transposed: ONNX's rule splits the pads. With <see cref="ImpliedTrailingPads"/>: the end pads
    /// follow from it.
    /// </summary>
    public Dims? OutputShape { get; init; }

    /// <summary>As benchdnn: the end pads are whatever <see cref="OutputShape"/> implies, negative ones included.</summary>
    public bool ImpliedTrailingPads { get; init; }

    /// <summary>Lets circular padding exceed the size, as the boundaries of signal processing do.</summary>
    public bool UnlimitedExtension { get; init; }

    /// <summary>Contiguous channel blocks that do not mix.</summary>
    public long Groups { get; init; } = 1;

    /// <summary>Channel blocks of a deformable convolution that share their offsets.</summary>
    public long OffsetGroups { get; init; } = 1;

    /// <summary>A deformable convolution v2 has a mask.</summary>
    public bool HasMask { get; init; }

    /// <summary>Adds a bias of length O.</summary>
    public bool HasBias { get; init; }

    /// <summary>Element type of the input (and of its gradient).</summary>
    public DataType InputType { get; init; }

    /// <summary>Element type of the weights (and of their gradient).</summary>
    public DataType WeightType { get; init; }

    /// <summary>
    /// Element type of the output (and of its gradient). Where it is not set it follows the input's: the same type, but f32 where 8-bit
    /// integers are summed.
    /// </summary>
    public DataType OutputType
    {
        get => _outputType ?? (InputType.IsInteger() && HasWeights ? DataType.F32 : InputType);
        init => _outputType = value;
    }

    /// <summary>Physical order of the input.</summary>
    public Layout InputLayout { get; init; }

    /// <summary>Physical order of the weights that the caller hands over.</summary>
    public Layout WeightLayout { get; init; }

    /// <summary>Physical order of the output.</summary>
    public Layout OutputLayout { get; init; }

    /// <summary>What follows the sum.</summary>
    public PostOps PostOps { get; init; }

    /// <summary>Scales and zero points of an 8-bit problem; null means 1 and 0.</summary>
    public Quantization? Quantization { get; init; }

    /// <summary>A name for reports; not part of the problem's identity.</summary>
    public string? Name { get; init; }

    internal bool HasWeights => Op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed or ConvOp.Deformable;

    /// <summary>Validates and derives.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public ConvProblem Build() => new(this);
}
