namespace ConvNative.Problems.Graphs;

/// <summary>Convolutions in a few words.</summary>
internal static class ConvText
{
    public static string Of(ConvProblem p)
    {
        string name = p.Op switch
        {
            ConvOp.ChannelShuffle => $"channel shuffle, {p.Groups} groups",
            ConvOp.Im2col => $"im2col {Sizes(p.Kernel)}",
            ConvOp.Col2im => $"col2im {Sizes(p.Kernel)}",
            ConvOp.Transposed => $"transposed conv {Sizes(p.Kernel)}",
            ConvOp.Deformable => $"deformable conv {Sizes(p.Kernel)}",
            ConvOp.Convolution => $"flipped conv {Sizes(p.Kernel)}",
            _ => $"{(p.IsDepthwise ? "depthwise " : "")}conv {Sizes(p.Kernel)}",
        };
        string groups = p.HasWeights && p.Groups > 1 && !p.IsDepthwise ? $", {p.Groups} groups" : "";
        return p.Op == ConvOp.ChannelShuffle ? name : $"{name}{Steps(", stride ", p.Strides)}{Steps(", dilation ", p.Dilations)}{groups}";
    }

    public static string Sizes(Dims kernel) => string.Join('x', kernel);

    // One number where the axes agree, nothing for 1.
    public static string Steps(string what, Dims steps)
    {
        if (steps.All(s => s == 1)) return "";
        return what + (steps.All(s => s == steps[0]) ? $"{steps[0]}" : Sizes(steps));
    }
}
