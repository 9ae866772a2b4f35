using ConvNative.Problems.Rules;

namespace ConvNative.Problems;

/// <summary>
/// One convolution, complete and valid: the noun that every room shares. Immutable and value-equal (the name aside), so it is
/// also the key of caches. Shapes are logical: <c>[N, C, (D, (H,)) W]</c>.
/// </summary>
public sealed partial class ConvProblem : IEquatable<ConvProblem>
{
    private readonly ConvSpec _canonical;
    private readonly int _hash;

    /// <summary>Validates <paramref name="spec"/> and derives what it leaves open.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule; the message names field, value and rule.</exception>
    public ConvProblem(ConvSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Resolved r = ProblemRules.Resolve(spec);
        (OutputShape, Kernel) = (r.OutputShape, r.Kernel);
        OutputChannels = r.OutputChannels;
        Name = spec.Name;
        _canonical = r.Canonical;
        _hash = _canonical.GetHashCode();
    }

    /// <summary>The variant.</summary>
    public ConvOp Op => _canonical.Op;

    /// <summary>What is computed.</summary>
    public Direction Direction => _canonical.Direction;

    /// <summary>Number of spatial axes, 1 to 3.</summary>
    public int Rank => Kernel.Count > 0 ? Kernel.Count : InputShape.Count - 2;

    /// <summary>Forward input <c>[N, C, spatial]</c>.</summary>
    public Dims InputShape => _canonical.InputShape;

    /// <summary>Weights <c>[O, C/G, k...]</c>, transposed <c>[C, O/G, k...]</c>; empty where there are none.</summary>
    public Dims WeightShape => _canonical.WeightShape;

    /// <summary>Forward output <c>[N, O, spatial]</c>.</summary>
    public Dims OutputShape { get; }

    /// <summary>Kernel size per spatial axis.</summary>
    public Dims Kernel { get; }

    /// <summary>N.</summary>
    public long Batch => InputShape[0];

    /// <summary>C.</summary>
    public long InputChannels => InputShape[1];

    /// <summary>O.</summary>
    public long OutputChannels { get; }

    /// <summary>Spatial part of <see cref="InputShape"/>.</summary>
    public Dims InputSpatial => InputShape.Slice(2);

    /// <summary>Spatial part of <see cref="OutputShape"/>.</summary>
    public Dims OutputSpatial => OutputShape.Slice(2);

    /// <summary>G.</summary>
    public long Groups => _canonical.Groups;

    /// <summary>Channel blocks that share offsets (deformable).</summary>
    public long OffsetGroups => _canonical.OffsetGroups;

    /// <summary>Strides per spatial axis.</summary>
    public Dims Strides => _canonical.Strides!.Value;

    /// <summary>Dilations per spatial axis, 1 = dense.</summary>
    public Dims Dilations => _canonical.Dilations!.Value;

    /// <summary>Begin pads per spatial axis.</summary>
    public Dims PadsBegin => _canonical.PadsBegin!.Value;

    /// <summary>
    /// End pads per spatial axis, as far as the output reads them: what benchdnn deduces. Negative where trailing elements of the
    /// input are never read (or, transposed, where a problem string implies output padding).
    /// </summary>
    public Dims PadsEnd => _canonical.PadsEnd!.Value;

    /// <summary>Output padding of a transposed convolution.</summary>
    public Dims OutputPadding => _canonical.OutputPadding!.Value;

    /// <summary>What lies outside the input.</summary>
    public PaddingMode PaddingMode => _canonical.PaddingMode;

    /// <summary>The value of <see cref="PaddingMode.Constant"/>, as an input of 16 or 8 bits holds it.</summary>
    public double PadValue => _canonical.PadValue;

    /// <summary>True where circular or reflect padding exceeds the limits that PyTorch sets, as signal processing allows.</summary>
    public bool UnlimitedExtension => _canonical.UnlimitedExtension;

    /// <summary>Deformable v2.</summary>
    public bool HasMask => _canonical.HasMask;

    /// <summary>A bias of length O is added (or its gradient computed along with the weights').</summary>
    public bool HasBias => _canonical.HasBias;

    /// <summary>Type of the input and its gradient.</summary>
    public DataType InputType => _canonical.InputType;

    /// <summary>Type of the weights and their gradient.</summary>
    public DataType WeightType => _canonical.WeightType;

    /// <summary>Type of the output and its gradient.</summary>
    public DataType OutputType => _canonical.OutputType;

    /// <summary>Type of bias: that of floating-point weights' arithmetic (f32 or f64), s32 for integers.</summary>
    public DataType BiasType => InputType == DataType.F64 ? DataType.F64 : InputType.IsInteger() ? DataType.S32 : DataType.F32;

    /// <summary>Physical order of the input.</summary>
    public Layout InputLayout => _canonical.InputLayout;

    /// <summary>Physical order of the caller's weights.</summary>
    public Layout WeightLayout => _canonical.WeightLayout;

    /// <summary>Physical order of the output.</summary>
    public Layout OutputLayout => _canonical.OutputLayout;

    /// <summary>What follows the sum.</summary>
    public PostOps PostOps => _canonical.PostOps;

    /// <summary>Scales and zero points of an 8-bit problem; null means 1 and 0.</summary>
    public Quantization? Quantization => _canonical.Quantization;

    /// <summary>Name for reports, or null; not part of equality.</summary>
    public string? Name { get; }

    /// <summary>True for groups = C = one input channel a group.</summary>
    public bool IsDepthwise => Groups > 1 && Groups == InputChannels && HasWeights;

    /// <summary>True for the variants that have weights.</summary>
    public bool HasWeights => Op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed or ConvOp.Deformable;

    /// <summary>Offsets of a deformable convolution, <c>[N, 2*OG*kh*kw, OH, OW]</c>; else empty.</summary>
    public Dims OffsetShape => Op != ConvOp.Deformable ? default
        : [Batch, 2 * OffsetGroups * Kernel.Product, OutputShape[2], OutputShape[3]];

    /// <summary>Mask of a deformable convolution v2, <c>[N, OG*kh*kw, OH, OW]</c>; else empty.</summary>
    public Dims MaskShape => Op != ConvOp.Deformable || !HasMask ? default
        : [Batch, OffsetGroups * Kernel.Product, OutputShape[2], OutputShape[3]];

    /// <summary>Bias, <c>[O]</c>.</summary>
    public Dims BiasShape => [OutputChannels];

    /// <summary>Shape of what <see cref="Direction"/> computes.</summary>
    public Dims ResultShape => Direction switch
    {
        Direction.Forward => OutputShape,
        Direction.BackwardData => InputShape,
        Direction.BackwardWeights => WeightShape,
        Direction.BackwardBias => BiasShape,
        Direction.BackwardOffset => OffsetShape,
        _ => MaskShape,
    };

    /// <summary>Type of what <see cref="Direction"/> computes.</summary>
    public DataType ResultType => Direction switch
    {
        Direction.Forward => OutputType,
        Direction.BackwardWeights => WeightType,
        Direction.BackwardBias => BiasType,
        _ => InputType,
    };

    /// <summary>
    /// Multiply-adds, padding taps counted, transposed counted per input element, bias not counted.
    /// Zero for operations without weights.
    /// </summary>
    public long MultiplyAdds => !HasWeights ? 0
        : Op == ConvOp.Transposed ? checked(InputShape.Product * WeightShape[1] * Kernel.Product)
        : checked(OutputShape.Product * WeightShape[1] * Kernel.Product);

    /// <summary>Number of weights.</summary>
    public long WeightCount => HasWeights ? WeightShape.Product : 0;

    /// <summary>Weights and bias.</summary>
    public long Parameters => WeightCount + (HasBias ? OutputChannels : 0);

    /// <summary>Bytes that must be moved at least once: input, weights, bias, offsets, mask, residual, output.</summary>
    public long Bytes => checked(
        (InputShape.Product * InputType.SizeOf()) + (WeightCount * WeightType.SizeOf()) + (HasBias ? OutputChannels * BiasType.SizeOf() : 0)
        + (OutputShape.Product * OutputType.SizeOf() * (PostOps.Residual ? 2 : 1))
        + (OffsetShape.Count > 0 ? OffsetShape.Product * InputType.SizeOf() : 0) + (MaskShape.Count > 0 ? MaskShape.Product * InputType.SizeOf() : 0));

    /// <summary>Floating-point operations (two a multiply-add) per byte moved.</summary>
    public double ArithmeticIntensity => Bytes == 0 ? 0 : 2.0 * MultiplyAdds / Bytes;

    /// <summary>The canonical description, to change a field and build anew.</summary>
    public ConvSpec ToSpec() => _canonical with { Name = Name };

    /// <summary>This problem with changes; validated again.</summary>
    /// <exception cref="ConvProblemException">A field breaks a rule.</exception>
    public ConvProblem With(Func<ConvSpec, ConvSpec> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return new ConvProblem(change(ToSpec()));
    }

    /// <inheritdoc/>
    public bool Equals(ConvProblem? other) => ReferenceEquals(this, other) || (other is not null && _hash == other._hash && _canonical.Equals(other._canonical));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ConvProblem);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;
}

internal readonly record struct Resolved(ConvSpec Canonical, Dims OutputShape, Dims Kernel, long OutputChannels);
