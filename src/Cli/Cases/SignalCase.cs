using System.Globalization;
using ConvNative.Cli.Execution;
using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>
/// The signal-processing modes full, same and valid, on plain N-D signals: a problem with one image, one channel and the pads
/// that give the wanted part (scipy.signal.convolve, correlate and, for the boundaries, convolve2d).
/// </summary>
internal static class SignalCase
{
    public static PreparedCase Prepare(CaseSpec spec, IReadOnlyDictionary<string, NpyArray> tensors)
    {
        CheckFields(spec, tensors);
        Dims first = Signal("input", spec.InputShape, "input_shape", tensors), second = Signal("weights", spec.WeightShape, "weight_shape", tensors);
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
            InputShape = signal.Prepend(1, 1),
            WeightShape = kernel.Prepend(1, 1),
            PadsBegin = before,
            PadsEnd = after,
            PaddingMode = spec.PaddingMode,
            PadValue = spec.PadValue,
            UnlimitedExtension = true,
        }).Build();
        byte[] x = TensorFiles.ToBytes("input", tensors["input"], types.InputType), w = TensorFiles.ToBytes("weights", tensors["weights"], types.WeightType);
        return new PreparedCase
        {
            Problem = problem,
            Tensors = new LogicalTensors { Input = swap ? w : x, Weights = swap ? x : w },
            ResultShape = problem.OutputSpatial,
            ReverseResult = swap && spec.Op == ConvOp.Correlation,
        };
    }

    private static void CheckFields(CaseSpec s, IReadOnlyDictionary<string, NpyArray> tensors)
    {
        string mode = $"not with mode {Names.Of(s.Mode)}";
        if (s.Op is not (ConvOp.Correlation or ConvOp.Convolution)) throw new ConvProblemException("mode", Names.Of(s.Mode), $"only correlation and convolution have signal modes, not {Names.Of(s.Op)}");
        if (s.Direction != Direction.Forward) throw new ConvProblemException("direction", Names.Of(s.Direction), $"must be forward, {mode}");
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
            if (name is not ("input" or "weights")) throw new ConvProblemException(name, "given", mode);
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

    private static Dims Signal(string name, Dims? stated, string field, IReadOnlyDictionary<string, NpyArray> tensors)
    {
        if (!tensors.TryGetValue(name, out NpyArray? array)) throw new ConvProblemException(name, "none", "a signal mode needs this tensor");
        if (stated is { } shape && shape != array.Shape) throw Bad(field, shape, $"disagrees with the {name} tensor's {array.Shape}");
        if (array.Shape.Count is < 1 or > 3) throw Bad(name, array.Shape, "a signal has 1, 2 or 3 axes");
        if (array.Shape.Any(v => v < 1)) throw Bad(name, array.Shape, "a signal has at least one element on every axis");
        return array.Shape;
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
