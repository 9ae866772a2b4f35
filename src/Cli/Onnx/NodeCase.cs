using ConvNative.Cli.Cases;
using ConvNative.Cli.Execution;
using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Cli.Onnx;

/// <summary>A node and the tensors of its inputs as a case, so that it runs as a line of <c>run --cases</c> does.</summary>
public static class NodeCase
{
    private static readonly Dictionary<string, (int Least, int Most)> s_inputs = new()
    {
        ["Conv"] = (2, 3),
        ["ConvTranspose"] = (2, 3),
        ["DeformConv"] = (3, 5),
        ["ConvInteger"] = (2, 4),
        ["QLinearConv"] = (8, 9),
        ["Col2Im"] = (3, 3),
    };

    /// <summary>The operators that are run.</summary>
    public static IReadOnlyCollection<string> Operators => s_inputs.Keys;

    /// <summary>True for a node that <see cref="Prepare"/> takes.</summary>
    public static bool IsOurs(OnnxNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.IsStandard && s_inputs.ContainsKey(node.OpType);
    }

    /// <summary>Prepares a node; <paramref name="inputs"/> are by position, null where an optional one is left out.</summary>
    /// <exception cref="ConvProblemException">An attribute or an input is unknown, missing or wrong.</exception>
    /// <exception cref="FormatException">A tensor is broken.</exception>
    /// <exception cref="NotSupportedException">An element type or a number of axes that convolutions do not have here.</exception>
    public static PreparedCase Prepare(string id, OnnxNode node, IReadOnlyList<OnnxTensor?> inputs)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(inputs);
        (int least, int most) = s_inputs[node.OpType];
        if (inputs.Count > most) throw new ConvProblemException("inputs", $"{inputs.Count}", $"{node.OpType} has at most {most}");
        NpyArray?[] arrays = [.. Enumerable.Range(0, most).Select(i => i < inputs.Count ? inputs[i]?.ToArray() : null)];
        for (int i = 0; i < least; i++)
            if (arrays[i] is null) throw new ConvProblemException($"input {i}", "none", $"{node.OpType} needs at least {least} inputs");
        var attributes = new NodeAttributes(node);
        var tensors = new Dictionary<string, NpyArray>();
        CaseSpec spec = new() { Id = id, Op = ConvOp.Correlation };
        spec = node.OpType switch
        {
            "Col2Im" => Fold(spec, attributes, arrays, tensors),
            "ConvTranspose" => Transposed(Weighted(spec, attributes, arrays, tensors, 1, 2), attributes),
            "DeformConv" => Deformable(spec, attributes, arrays, tensors),
            "ConvInteger" => Integer(spec, attributes, arrays, tensors),
            "QLinearConv" => QLinear(spec, attributes, arrays, tensors),
            _ => WithAutoPad(Weighted(spec, attributes, arrays, tensors, 1, 2), attributes),
        };
        attributes.Done();
        return CaseBuilder.Prepare(spec, tensors);
    }

    /// <summary>Input, weights and bias, and the attributes that all operators with weights share.</summary>
    private static CaseSpec Weighted(CaseSpec spec, NodeAttributes attributes, NpyArray?[] inputs, Dictionary<string, NpyArray> tensors, int weights, int bias)
    {
        int rank = inputs[0]!.Shape.Count - 2;
        if (rank > 3) throw new NotSupportedException($"{rank} spatial axes; convolutions here have 1, 2 or 3");
        Put(tensors, "input", inputs[0]);
        Put(tensors, "weights", inputs[weights]);
        if (bias > 0) Put(tensors, "bias", inputs[bias]);
        (Dims? begin, Dims? end) = attributes.Pads(rank);
        return spec with
        {
            DataType = TypeOf(inputs[0]!),
            WeightsType = TypeOf(inputs[weights]!),
            Kernel = attributes.Ints("kernel_shape"),
            Strides = attributes.Ints("strides"),
            Dilations = attributes.Ints("dilations"),
            PadsBegin = begin,
            PadsEnd = end,
            Groups = attributes.Int("group", 1),
        };
    }

    private static CaseSpec WithAutoPad(CaseSpec spec, NodeAttributes attributes) => spec with { AutoPad = attributes.AutoPad() };

    private static CaseSpec Transposed(CaseSpec spec, NodeAttributes attributes)
    {
        spec = WithAutoPad(spec, attributes) with
        {
            Op = ConvOp.Transposed,
            OutputPadding = attributes.Ints("output_padding"),
            OutputShape = attributes.Ints("output_shape"),
        };

        // ONNX: with output_shape the values of pads are ignored.
        return spec.OutputShape is null ? spec : spec with { PadsBegin = null, PadsEnd = null };
    }

    private static CaseSpec Deformable(CaseSpec spec, NodeAttributes attributes, NpyArray?[] inputs, Dictionary<string, NpyArray> tensors)
    {
        if (inputs[0]!.Shape.Count != 4) throw new NotSupportedException($"{inputs[0]!.Shape.Count - 2} spatial axes; a deformable convolution here has 2");
        Put(tensors, "offset", inputs[2]);
        Put(tensors, "mask", inputs[4]);
        return Weighted(spec, attributes, inputs, tensors, 1, 3) with { Op = ConvOp.Deformable, OffsetGroups = attributes.Int("offset_group", 1) };
    }

    private static CaseSpec Integer(CaseSpec spec, NodeAttributes attributes, NpyArray?[] inputs, Dictionary<string, NpyArray> tensors)
    {
        spec = WithAutoPad(Weighted(spec, attributes, inputs, tensors, 1, 0), attributes) with { OutputType = DataType.S32 };
        if (inputs[2] is null && inputs[3] is null) return spec;
        return spec with
        {
            Quantisation = new Quantisation
            {
                XZeroPoint = Numbers("x_zero_point", inputs[2]),
                WZeroPoint = Numbers("w_zero_point", inputs[3]),
            },
        };
    }

    private static CaseSpec QLinear(CaseSpec spec, NodeAttributes attributes, NpyArray?[] inputs, Dictionary<string, NpyArray> tensors) =>
        WithAutoPad(Weighted(spec, attributes, inputs, tensors, 3, 8), attributes) with
        {
            OutputType = TypeOf(inputs[7]!),
            Quantisation = new Quantisation
            {
                XScale = Numbers("x_scale", inputs[1]),
                XZeroPoint = Numbers("x_zero_point", inputs[2]),
                WScale = Numbers("w_scale", inputs[4]),
                WZeroPoint = Numbers("w_zero_point", inputs[5]),
                YScale = Numbers("y_scale", inputs[6]),
                YZeroPoint = Numbers("y_zero_point", inputs[7]),
            },
        };

    private static CaseSpec Fold(CaseSpec spec, NodeAttributes attributes, NpyArray?[] inputs, Dictionary<string, NpyArray> tensors)
    {
        Put(tensors, "input", inputs[0]);
        Dims image = Sizes("image_shape", inputs[1]!);
        if (image.Count > 3) throw new NotSupportedException($"{image.Count} spatial axes; col2im here has 1, 2 or 3");
        (Dims? begin, Dims? end) = attributes.Pads(image.Count);
        return spec with
        {
            Op = ConvOp.Col2im,
            DataType = TypeOf(inputs[0]!),
            ImageShape = image,
            Kernel = Sizes("block_shape", inputs[2]!),
            Strides = attributes.Ints("strides"),
            Dilations = attributes.Ints("dilations"),
            PadsBegin = begin,
            PadsEnd = end,
        };
    }

    private static void Put(Dictionary<string, NpyArray> tensors, string name, NpyArray? array)
    {
        if (array is not null) tensors.Add(name, array);
    }

    private static DataType TypeOf(NpyArray array) => array.Type switch
    {
        NpyType.F4 => DataType.F32,
        NpyType.F8 => DataType.F64,
        NpyType.F2 => DataType.F16,
        NpyType.U2 => DataType.BF16,
        NpyType.I1 => DataType.S8,
        NpyType.U1 => DataType.U8,
        _ => throw new NotSupportedException($"elements of {array.Type.ToString().ToLowerInvariant()}; convolutions here take f32, f64, bf16, f16, s8 and u8"),
    };

    private static Dims Sizes(string name, NpyArray array)
    {
        if (array.Type != NpyType.I8 || array.Shape.Count != 1) throw new ConvProblemException(name, $"{array.Type.Descr()} {array.Shape}", "must be a list of int64");
        return Dims.Create(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(array.Data));
    }

    private static List<double>? Numbers(string name, NpyArray? array)
    {
        if (array is null) return null;
        if (array.Shape.Count > 1) throw new ConvProblemException(name, array.Shape.ToString(), "must be a scalar or a list");
        if (array.Type == NpyType.I4) return [.. Execution.Numbers.ToDoubles(array.Data, DataType.S32)];
        return [.. Execution.Numbers.ToDoubles(array.Data, TypeOf(array))];
    }
}
