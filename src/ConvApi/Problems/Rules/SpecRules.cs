namespace ConvNative.Problems.Rules;

/// <summary>Rules that need no geometry: values that the enumerations name, and what a wrong shape probably was.</summary>
internal static class SpecRules
{
    public static void CheckEnums(ConvSpec s)
    {
        DefinedValue.Check("op", s.Op);
        DefinedValue.Check("direction", s.Direction);
        DefinedValue.Check("auto_pad", s.AutoPad);
        DefinedValue.Check("padding_mode", s.PaddingMode);
        DefinedValue.Check("input_type", s.InputType);
        DefinedValue.Check("weights_type", s.WeightType);
        DefinedValue.Check("output_type", s.OutputType);
        DefinedValue.Check("input_layout", s.InputLayout);
        DefinedValue.Check("weights_layout", s.WeightLayout);
        DefinedValue.Check("output_layout", s.OutputLayout);
    }

    public static void CheckTypes(ConvSpec s)
    {
        if (s.InputType == DataType.S32 || (s.InputType.IsInteger() && s.HasWeights && s.WeightType is not (DataType.S8 or DataType.U8)))
            throw BadTypes(s, "an integer data_type is u8 or s8, with an 8-bit weights_type");
        if (!s.InputType.IsInteger() && s.HasWeights && s.WeightType != s.InputType && !IsWideGradient(s))
            throw BadTypes(s, "a floating-point data_type and its weights_type share one type (a gradient of bf16 or f16 may be f32)");
        if (!s.InputType.IsInteger() && s.OutputType.IsInteger())
            throw BadTypes(s, "a floating-point data_type needs a floating-point output_type");
    }

    /// <summary>
    /// Where the channels do not fit the weights and the last axis would: what to do about a channels-last shape. Empty elsewhere.
    /// </summary>
    public static string LayoutHint(ConvSpec s)
    {
        Dims x = s.InputShape, w = s.WeightShape;
        if (x.Count is < 3 or > 5 || w.Count != x.Count) return "";
        bool transposed = s.Op == ConvOp.Transposed;
        long last = x[x.Count - 1];
        if (last % s.Groups != 0) return "";
        long want = transposed ? last : last / s.Groups;
        bool same = w[transposed ? 0 : 1] == want, lastToo = !transposed && w[w.Count - 1] == want;
        if (!same && !lastToo) return "";
        Dims logical = x.Slice(2, x.Count - 1).Prepend(x[0], last, x[1]);
        string order = x.Count switch { 3 => "0, 2, 1", 4 => "0, 3, 1, 2", _ => "0, 4, 1, 2, 3" };
        return $"; the input's last axis is {last}: if it is channels-last, its logical shape is {logical}: give the view Tensor.PermuteDimensions(x, [{order}]), "
            + $"or that shape with the layout channels_last{(same ? "" : " (the weights too: they end in their input channels)")}";
    }

    private static ConvProblemException BadTypes(ConvSpec s, string rule) => new("data_type", $"{s.InputType.Name()}:{s.WeightType.Name()}:{s.OutputType.Name()}", rule);

    /// <summary>The gradient alone is f32, what it is computed from is bf16 or f16, as in benchdnn's <c>--dir=BWD_D --dt=f32:bf16:bf16</c>.</summary>
    private static bool IsWideGradient(ConvSpec s) => s.Op != ConvOp.Deformable && s.Direction switch
    {
        Direction.BackwardData => s.InputType == DataType.F32 && s.WeightType is DataType.BF16 or DataType.F16 && s.OutputType == s.WeightType,
        Direction.BackwardWeights => s.WeightType == DataType.F32 && s.InputType is DataType.BF16 or DataType.F16 && s.OutputType == s.InputType,
        _ => false,
    };
}
