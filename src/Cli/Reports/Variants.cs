using ConvNative.Problems;

namespace ConvNative.Cli.Reports;

/// <summary>The rows of the summary table that a problem counts in.</summary>
public static class Variants
{
    /// <summary>Rows in the order in which tables print them.</summary>
    public static IReadOnlyList<string> Order { get; } =
    [
        "1-D", "2-D", "3-D", "pointwise", "strided", "grouped", "depthwise", "dilated", "asymmetric padding",
        "transposed", "output padding", "true convolution", "deformable", "channel_shuffle", "im2col", "col2im",
        "padding constant", "padding reflect", "padding symmetric", "padding replicate", "padding circular",
        "post-ops", "channels last", "empty batch",
    ];

    /// <summary>All labels of <paramref name="p"/>; always at least its rank.</summary>
    public static IReadOnlyList<string> Of(ConvProblem p)
    {
        ArgumentNullException.ThrowIfNull(p);
        var labels = new List<string> { $"{p.Rank}-D" };
        void Add(bool yes, string label)
        {
            if (yes) labels.Add(label);
        }

        bool weights = p.HasWeights, transposed = p.Op == ConvOp.Transposed;
        Add(weights && All(p.Kernel, 1), "pointwise");
        Add(!All(p.Strides, 1), "strided");
        Add(weights && p.Groups > 1 && !p.IsDepthwise, "grouped");
        Add(p.IsDepthwise, "depthwise");
        Add(!All(p.Dilations, 1), "dilated");
        Add(Asymmetric(p), "asymmetric padding");
        Add(transposed, "transposed");
        Add(transposed && !All(p.OutputPadding, 0), "output padding");
        Add(p.Op == ConvOp.Convolution, "true convolution");
        Add(p.Op is ConvOp.Deformable or ConvOp.ChannelShuffle or ConvOp.Im2col or ConvOp.Col2im, Names.Of(p.Op));
        Add(p.PaddingMode != PaddingMode.Zeros, $"padding {Names.Of(p.PaddingMode)}");
        Add(!p.PostOps.IsNone, "post-ops");
        Add(p.InputLayout == Layout.ChannelsLast || p.OutputLayout == Layout.ChannelsLast, "channels last");
        Add(p.Batch == 0, "empty batch");
        return labels;
    }

    /// <summary>f32, or input:weights:output where they differ.</summary>
    public static string Types(ConvProblem p)
    {
        ArgumentNullException.ThrowIfNull(p);
        return p.InputType == p.OutputType && (!p.HasWeights || p.InputType == p.WeightType)
            ? p.InputType.Name()
            : $"{p.InputType.Name()}:{p.WeightType.Name()}:{p.OutputType.Name()}";
    }

    private static bool All(Dims d, long value)
    {
        foreach (long v in d.Span) if (v != value) return false;
        return true;
    }

    private static bool Asymmetric(ConvProblem p)
    {
        if (p.Op == ConvOp.ChannelShuffle) return false;
        for (int i = 0; i < p.Rank; i++)
        {
            // A trailing pad that only falls short because a stride does not reach it is symmetric for its author.
            long begin = p.PadsBegin[i], end = p.PadsEnd[i];
            if (end > begin || begin - end >= p.Strides[i]) return true;
        }

        return false;
    }
}
