using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative;

/// <summary>Options of the one-call functions of <see cref="Conv"/>; everything has the usual default.</summary>
public sealed record ConvOptions
{
    /// <summary>Stride 1, no padding, dense, one group.</summary>
    public static ConvOptions Default { get; } = new();

    /// <summary>The same stride for every spatial axis; <see cref="Strides"/> wins.</summary>
    public long Stride { get; init; } = 1;

    /// <summary>The same dilation for every spatial axis, 1 = dense; <see cref="Dilations"/> wins.</summary>
    public long Dilation { get; init; } = 1;

    /// <summary>The same padding at both ends of every spatial axis; <see cref="PadsBegin"/> and <see cref="PadsEnd"/> win.</summary>
    public long Padding { get; init; }

    /// <summary>Stride per spatial axis.</summary>
    public Dims? Strides { get; init; }

    /// <summary>Dilation per spatial axis, 1 = dense.</summary>
    public Dims? Dilations { get; init; }

    /// <summary>Padding before the first element, per spatial axis.</summary>
    public Dims? PadsBegin { get; init; }

    /// <summary>Padding after the last element, per spatial axis.</summary>
    public Dims? PadsEnd { get; init; }

    /// <summary>Pads derived from the other sizes; explicit pads must then be zero.</summary>
    public AutoPad AutoPad { get; init; }

    /// <summary>What lies outside the input.</summary>
    public PaddingMode PaddingMode { get; init; }

    /// <summary>The value of <see cref="PaddingMode.Constant"/>.</summary>
    public double PadValue { get; init; }

    /// <summary>Contiguous channel blocks that do not mix.</summary>
    public long Groups { get; init; } = 1;

    /// <summary>
    /// True convolution: the kernel flipped along every spatial axis. Not for a transposed convolution, which is the adjoint of the
    /// correlation: there flip the weights.
    /// </summary>
    public bool Flip { get; init; }

    /// <summary>Extra elements at the end of a transposed convolution's output, per spatial axis.</summary>
    public Dims? OutputPadding { get; init; }

    /// <summary>Wanted spatial output size of a transposed convolution; the pads follow by ONNX's rule.</summary>
    public Dims? OutputShape { get; init; }

    /// <summary>Applied to the result, fused where the engine can.</summary>
    public Activation Activation { get; init; }

    /// <summary>Factor of the result, after the activation; null for none.</summary>
    public double? OutputScale { get; init; }

    /// <summary>Engine by name in any case, or <c>auto</c>.</summary>
    public string Backend { get; init; } = ConvPlan.Auto;

    /// <summary>Threads, rounding, tuning.</summary>
    public PlanOptions Plan { get; init; } = PlanOptions.Default;

    internal ConvSpec ToSpec(ConvOp op, Dims input, Dims weights, bool bias)
    {
        if (Flip && op is not (ConvOp.Correlation or ConvOp.Convolution))
            throw new ConvProblemException("flip", "true", op == ConvOp.Transposed ? "a transposed convolution is the adjoint of the correlation, whose kernel is not flipped: flip the weights instead" : "only a correlation's kernel is flipped");
        // A shape that is too short is told as such; it has no axis to repeat a number for.
        int rank = Math.Max(0, input.Count - 2);
        return new ConvSpec
        {
            Op = Flip ? ConvOp.Convolution : op,
            InputShape = input,
            WeightShape = weights,
            HasBias = bias,
            Strides = Strides ?? Dims.Repeat(Stride, rank),
            Dilations = Dilations ?? Dims.Repeat(Dilation, rank),
            PadsBegin = PadsBegin ?? Dims.Repeat(Padding, rank),
            PadsEnd = PadsEnd ?? Dims.Repeat(Padding, rank),
            AutoPad = AutoPad,
            PaddingMode = PaddingMode,
            PadValue = PadValue,
            Groups = Groups,
            OutputPadding = OutputPadding,
            OutputShape = OutputShape,
            PostOps = new PostOps { Activation = Activation, OutputScale = OutputScale },
        };
    }
}
