using System.Globalization;
using ConvNative.Cli.Execution;
using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>
/// The signal-processing modes full, same and valid, on plain N-D signals: a problem with one image, one channel and the pads
/// that give the wanted part (scipy.signal.convolve, correlate and, for the boundaries, convolve2d), and the gradients of both
/// operands.
/// </summary>
internal static class SignalCase
{
    public static PreparedCase Prepare(CaseSpec spec, IReadOnlyDictionary<string, NpyArray> tensors)
    {
        CheckFields(spec, tensors);
        (Dims first, Dims second) = Shapes(spec, tensors);
        CheckGeometry(spec, first.Count);
        if (second.Count != first.Count) throw Bad("weights", second, $"must have {first.Count} axes, as the input has");
        bool swap = spec.Mode == SignalMode.Valid && !Dominates(first, second);
        if (swap && !Dominates(second, first)) throw Bad("weights", second, $"mode valid needs one operand that is at least as large as the other on every axis, and the input is {first}");
        ConvSpec types = CaseBuilder.Types(spec);
        if (swap && types.InputType != types.WeightType) throw new ConvProblemException("weights_type", types.WeightType.Name(), $"operands that swap (the second is larger on every axis) share one type, here {types.InputType.Name()}");
        (Dims signal, Dims kernel) = swap ? (second, first) : (first, second);

        // In full, output 0 has only its last tap inside; same starts floor((K-1)/2) later.
        Dims after = Map(kernel, k => spec.Mode == SignalMode.Full ? k - 1 : spec.Mode == SignalMode.Same ? (k - 1) / 2 : 0);
        Dims before = Map(kernel, k => spec.Mode == SignalMode.Full ? k - 1 : spec.Mode == SignalMode.Same ? k - 1 - ((k - 1) / 2) : 0);
        ConvProblem problem = (types with
        {
            Op = spec.Op,
            Direction = !swap ? spec.Direction : spec.Direction switch
            {
                Direction.BackwardData => Direction.BackwardWeights,
                Direction.BackwardWeights => Direction.BackwardData,
                _ => spec.Direction,
            },
            InputShape = signal.Prepend(1, 1),
            WeightShape = kernel.Prepend(1, 1),
            PadsBegin = before,
            PadsEnd = after,
            PaddingMode = spec.PaddingMode,
            PadValue = spec.PadValue,
            UnlimitedExtension = true,
        }).Build();

        // A correlation whose operands swapped comes out reversed along every axis.
        bool reversed = swap && spec.Op == ConvOp.Correlation, forward = spec.Direction == Direction.Forward;
        byte[]? x = spec.Direction == Direction.BackwardData ? null : TensorFiles.ToBytes("input", tensors["input"], types.InputType);
        byte[]? w = spec.Direction == Direction.BackwardWeights ? null : TensorFiles.ToBytes("weights", tensors["weights"], types.WeightType);
        return new PreparedCase
        {
            Problem = problem,
            Tensors = new LogicalTensors { Input = swap ? w : x, Weights = swap ? x : w, OutputGrad = forward ? null : OutputGrad(problem, tensors["output_grad"], reversed) },
            ResultShape = forward ? problem.OutputSpatial : problem.ResultShape.Slice(2),
            ReverseResult = reversed && forward,
        };
    }

    private static byte[] OutputGrad(ConvProblem problem, NpyArray array, bool reversed)
    {
        if (array.Shape != problem.OutputSpatial) throw Bad("output_grad", array.Shape, $"the shape must be {problem.OutputSpatial}");
        byte[] data = TensorFiles.ToBytes("output_grad", array, problem.OutputType);
        if (!reversed) return data;
        data = [.. data];
        PreparedCase.Reverse(data, problem.OutputType.SizeOf());
        return data;
    }

    /// <summary>The operands' shapes: of their tensors, as stated, or as the output gradient's shape has it where only one is possible.</summary>
    private static (Dims First, Dims Second) Shapes(CaseSpec spec, IReadOnlyDictionary<string, NpyArray> tensors)
    {
        Dims? first = Signal("input", spec.InputShape, "input_shape", tensors, spec.Direction != Direction.BackwardData);
        Dims? second = Signal("weights", spec.WeightShape, "weight_shape", tensors, spec.Direction != Direction.BackwardWeights);
        if (spec.Direction == Direction.Forward) return (first!.Value, second!.Value);
        Dims dy = tensors.TryGetValue("output_grad", out NpyArray? array) ? array.Shape : throw new ConvProblemException("output_grad", "none", $"{Names.Of(spec.Direction)} needs this tensor");
        if (first is null && spec.Mode == SignalMode.Same) first = dy;
        if (first is null && spec.Mode == SignalMode.Full) first = Other(dy, second!.Value);
        if (second is null && spec.Mode == SignalMode.Full) second = Other(dy, first!.Value);
        return (
            first ?? throw new ConvProblemException("input_shape", "none", $"it cannot be inferred with mode {Names.Of(spec.Mode)}: give input_shape"),
            second ?? throw new ConvProblemException("weight_shape", "none", $"it cannot be inferred with mode {Names.Of(spec.Mode)}: give weight_shape"));
    }

    /// <summary>In full every axis of the output has the length of both operands together, less one.</summary>
    private static Dims Other(Dims output, Dims operand)
    {
        if (output.Count != operand.Count) throw Bad("output_grad", output, $"must have {operand.Count} axes");
        var size = new long[output.Count];
        for (int i = 0; i < size.Length; i++)
        {
            size[i] = output[i] - operand[i] + 1;
            if (size[i] < 1) throw Bad("output_grad", output, $"must not be smaller than the operand {operand}, with mode full");
        }

        return Dims.Create(size);
    }

    private static void CheckFields(CaseSpec s, IReadOnlyDictionary<string, NpyArray> tensors)
    {
        string mode = $"not with mode {Names.Of(s.Mode)}";
        if (s.Op is not (ConvOp.Correlation or ConvOp.Convolution)) throw new ConvProblemException("mode", Names.Of(s.Mode), $"only correlation and convolution have signal modes, not {Names.Of(s.Op)}");
        if (s.Direction is not (Direction.Forward or Direction.BackwardData or Direction.BackwardWeights)) throw new ConvProblemException("direction", Names.Of(s.Direction), $"must be forward, backward_data or backward_weights: {mode}");
        if (s.AutoPad != AutoPad.NotSet) throw new ConvProblemException("auto_pad", Names.Of(s.AutoPad), $"{mode}, which decides the padding");
        if (s.OutputShape is { } shape) throw Bad("output_shape", shape, mode);
        if (s.Kernel is { } kernel) throw Bad("kernel", kernel, mode);
        if (s.ImageShape is { } image) throw Bad("image_shape", image, mode);
        if (s.Groups != 1) throw new ConvProblemException("groups", $"{s.Groups}", $"must be 1: {mode}, whose signals have no channels");
        if (s.OffsetGroups != 1) throw new ConvProblemException("offset_groups", $"{s.OffsetGroups}", mode);
        if (s.Activation.Kind != ActivationKind.None) throw new ConvProblemException("activation", ActivationNames.Of(s.Activation), mode);
        if (s.OutputScale is { } scale) throw new ConvProblemException("output_scale", scale.ToString(CultureInfo.InvariantCulture), mode);
        if (s.Quantisation is not null) throw new ConvProblemException("mode", Names.Of(s.Mode), "scales and zero points do not go with a signal mode");
        foreach (string name in tensors.Keys)
        {
            if (name == "output_grad" && s.Direction == Direction.Forward) throw new ConvProblemException(name, "given", "only the backward directions read an output gradient");
            if (name is not ("input" or "weights" or "output_grad")) throw new ConvProblemException(name, "given", mode);
        }
    }

    private static void CheckGeometry(CaseSpec s, int rank)
    {
        string mode = $"not with mode {Names.Of(s.Mode)}";
        Only("strides", s.Strides, 1, rank, mode);
        Only("dilations", s.Dilations, 1, rank, mode);
        Only("pads_begin", s.PadsBegin, 0, rank, $"{mode}, which decides the padding");
        Only("pads_end", s.PadsEnd, 0, rank, $"{mode}, which decides the padding");
        Only("output_padding", s.OutputPadding, 0, rank, mode);
    }

    /// <summary>An operand's shape; null where nothing tells it and the direction does not read the tensor.</summary>
    private static Dims? Signal(string name, Dims? stated, string field, IReadOnlyDictionary<string, NpyArray> tensors, bool read)
    {
        tensors.TryGetValue(name, out NpyArray? array);
        if (array is null && read) throw new ConvProblemException(name, "none", "a signal mode needs this tensor");
        if (array is not null && stated is { } shape && shape != array.Shape) throw Bad(field, shape, $"disagrees with the {name} tensor's {array.Shape}");
        if ((array?.Shape ?? stated) is not { } known) return null;
        string source = array is null ? field : name;
        if (known.Count is < 1 or > 3) throw Bad(source, known, "a signal has 1, 2 or 3 axes");
        if (known.Any(v => v < 1)) throw Bad(source, known, "a signal has at least one element on every axis");
        return known;
    }

    private static void Only(string field, Dims? values, long allowed, int rank, string mode)
    {
        if (values is not { } v) return;
        if (v.Count != rank) throw Bad(field, v, $"must have {rank} entries, one for each axis of the signal");
        if (v.Any(x => x != allowed)) throw Bad(field, v, $"must be {allowed}: {mode}");
    }

    private static bool Dominates(Dims a, Dims b)
    {
        for (int i = 0; i < a.Count; i++)
            if (a[i] < b[i]) return false;
        return true;
    }

    private static Dims Map(Dims d, Func<long, long> f) => Dims.Create([.. d.Select(f)]);

    private static ConvProblemException Bad(string field, Dims value, string rule) => new(field, value.ToString(), rule);
}
