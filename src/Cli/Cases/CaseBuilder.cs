using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>Makes a valid problem and its operands from a parsed case and its tensors.</summary>
public static class CaseBuilder
{
    /// <summary>Loads the tensors (relative to <paramref name="folder"/>) and prepares the case.</summary>
    /// <exception cref="ConvProblemException">Something about the case or its tensors is wrong; names field, value and rule.</exception>
    public static PreparedCase Prepare(CaseSpec spec, string folder)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return Prepare(spec, TensorBinding.Load(spec.Tensors, folder));
    }

    /// <summary>Prepares a case of loaded tensors.</summary>
    /// <exception cref="ConvProblemException">Something about the case or its tensors is wrong; names field, value and rule.</exception>
    public static PreparedCase Prepare(CaseSpec spec, IReadOnlyDictionary<string, NpyArray> tensors)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(tensors);
        NpyType? container = Container(tensors);
        if (spec.Mode != SignalMode.None) return SignalCase.Prepare(spec, tensors) with { Container = container };
        if (tensors.ContainsKey("output_grad") && spec.Direction == Direction.Forward)
            throw new ConvProblemException("output_grad", "given", "only the backward directions read an output gradient");
        if (tensors.TryGetValue("residual", out NpyArray? residual) && spec.Direction != Direction.Forward)
            throw new ConvProblemException("residual", residual.Shape.ToString(), "post-ops belong to the forward direction");
        var shapes = new ShapeInference(spec, tensors);
        bool bare = shapes.IsBareBiasGradient;
        ConvProblem problem = (bare ? shapes.BareBiasGradient(Types(spec)) : Spec(spec, shapes, tensors)).Build();
        if (spec.Quantisation is { } given)
        {
            given.Validate(problem);
            problem = problem.With(s => s with { Quantization = given.ToQuantization() });
        }

        return new PreparedCase
        {
            Problem = problem,
            // A bare bias gradient has no shapes to hold its other tensors against.
            Tensors = TensorBinding.Bind(problem, bare ? new Dictionary<string, NpyArray> { ["output_grad"] = tensors["output_grad"] } : tensors),
            ResultShape = problem.ResultShape,
            Container = container,
        };
    }

    /// <summary>The file type of the first operand that has the data type (a bias may be of a wider one).</summary>
    internal static NpyType? Container(IReadOnlyDictionary<string, NpyArray> tensors)
    {
        foreach (string name in (string[])["input", "output_grad", "weights"])
            if (tensors.TryGetValue(name, out NpyArray? array)) return array.Type;
        return null;
    }

    /// <summary>Element types and layouts, which every kind of case has.</summary>
    internal static ConvSpec Types(CaseSpec spec)
    {
        bool weighted = spec.Op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed or ConvOp.Deformable;
        bool integer = weighted && spec.DataType.IsInteger();
        return new ConvSpec
        {
            InputType = spec.DataType,
            WeightType = spec.WeightsType ?? (integer ? DataType.S8 : spec.DataType),
            OutputType = spec.OutputType ?? (integer && spec.Quantisation?.YScale is null ? DataType.S32 : spec.DataType),
            InputLayout = spec.Layout,
            OutputLayout = spec.Layout,
            Name = spec.Id,
        };
    }

    private static ConvSpec Spec(CaseSpec spec, ShapeInference shapes, IReadOnlyDictionary<string, NpyArray> tensors)
    {
        (Dims input, Dims weights) = shapes.Resolve();
        if (spec.SameNeedsStride1 && spec.Strides is { } strides && strides.Any(s => s != 1))
            throw new ConvProblemException("auto_pad", "same", $"needs stride 1, not {strides} (same_upper takes any)");
        bool forward = spec.Direction == Direction.Forward;
        return Types(spec) with
        {
            Op = spec.Op,
            Direction = spec.Direction,
            InputShape = input,
            WeightShape = weights,
            Kernel = spec.Kernel,
            ImageShape = spec.ImageShape,
            Strides = spec.Strides,
            Dilations = spec.Dilations,
            PadsBegin = spec.PadsBegin,
            PadsEnd = spec.PadsEnd,
            AutoPad = spec.AutoPad,
            PaddingMode = spec.PaddingMode,
            PadValue = spec.PadValue,
            OutputPadding = spec.OutputPadding,
            OutputShape = spec.OutputShape,
            Groups = spec.Groups,
            OffsetGroups = spec.OffsetGroups,
            HasMask = tensors.ContainsKey("mask") || spec.Direction == Direction.BackwardMask,
            HasBias = (forward && tensors.ContainsKey("bias")) || spec.Direction == Direction.BackwardBias,
            PostOps = new PostOps(tensors.ContainsKey("residual"), tensors.ContainsKey("residual") ? 1 : 0, spec.Activation, spec.OutputScale),
        };
    }
}
