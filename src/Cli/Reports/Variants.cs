using ConvNative.Problems;

namespace ConvNative.Cli.Reports;

/// <summary>The rows of the summary table that a problem counts in.</summary>
public static class Variants
{
    /// <summary>The row of blocks of the literature.</summary>
    public const string Block = "block";

    /// <summary>The row of whole networks.</summary>
    public const string Network = "network";

    private static readonly string[] s_ranked = [Names.Of(ConvOp.Correlation), Names.Of(ConvOp.Transposed), "true convolution"];

    /// <summary>Rows in the order in which tables print them.</summary>
    public static IReadOnlyList<string> Order { get; } =
    [
        "correlation 1-D", "correlation 2-D", "correlation 3-D", "pointwise", "grouped", "pointwise grouped",
        "depthwise", "depthwise multiplier", "global depthwise", "strided", "dilated", "asymmetric padding",
        "padding constant", "padding reflect", "padding symmetric", "padding replicate", "padding circular",
        "transposed 1-D", "transposed 2-D", "transposed 3-D", "transposed grouped", "transposed dilated", "output padding",
        "true convolution 1-D", "true convolution 2-D", "true convolution 3-D", "signal full", "signal same", "signal valid",
        "deformable v1", "deformable v2", "offset groups", "channel_shuffle", "im2col", "col2im",
        "post-ops", "channels last", "empty batch", Block, Network,
    ];

    /// <summary>All labels of <paramref name="p"/>; the first is its operation, with the rank where that matters.</summary>
    public static IReadOnlyList<string> Of(ConvProblem p)
    {
        ArgumentNullException.ThrowIfNull(p);
        var labels = new List<string>
        {
            p.Op switch
            {
                ConvOp.Correlation or ConvOp.Transposed or ConvOp.Convolution => $"{s_ranked[p.Op == ConvOp.Correlation ? 0 : p.Op == ConvOp.Transposed ? 1 : 2]} {p.Rank}-D",
                ConvOp.Deformable => p.HasMask ? "deformable v2" : "deformable v1",
                _ => Names.Of(p.Op),
            },
        };
        void Add(bool yes, string label)
        {
            if (yes) labels.Add(label);
        }

        bool transposed = p.Op == ConvOp.Transposed, layer = p.Op is ConvOp.Correlation or ConvOp.Convolution;
        bool point = layer && All(p.Kernel, 1), grouped = layer && p.Groups > 1 && !p.IsDepthwise;
        Add(point && !grouped, "pointwise");
        Add(grouped && !point, "grouped");
        Add(grouped && point, "pointwise grouped");
        Add(layer && p.IsDepthwise && p.OutputChannels == p.InputChannels, "depthwise");
        Add(layer && p.IsDepthwise && p.OutputChannels != p.InputChannels, "depthwise multiplier");
        Add(layer && p.IsDepthwise && p.Kernel == p.InputSpatial && All(p.OutputSpatial, 1), "global depthwise");
        Add(layer && !All(p.Strides, 1), "strided");
        Add(layer && !All(p.Dilations, 1), "dilated");
        Add(layer && Asymmetric(p), "asymmetric padding");
        Add(p.PaddingMode != PaddingMode.Zeros, $"padding {Names.Of(p.PaddingMode)}");
        Add(transposed && p.Groups > 1, "transposed grouped");
        Add(transposed && !All(p.Dilations, 1), "transposed dilated");
        Add(transposed && (!All(p.OutputPadding, 0) || p.PadsEnd.Any(e => e < 0)), "output padding");
        if (layer && IsSignal(p))
        {
            Add(Pads(p, k => k - 1, k => k - 1), "signal full");
            Add(Pads(p, k => k - 1 - ((k - 1) / 2), k => (k - 1) / 2), "signal same");
            Add(Pads(p, _ => 0, _ => 0), "signal valid");
        }

        Add(p.OffsetGroups > 1, "offset groups");
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

    private static bool IsSignal(ConvProblem p) =>
        p.Batch == 1 && p.InputChannels == 1 && p.OutputChannels == 1 && All(p.Strides, 1) && All(p.Dilations, 1) && !All(p.Kernel, 1);

    private static bool Pads(ConvProblem p, Func<long, long> begin, Func<long, long> end)
    {
        for (int i = 0; i < p.Rank; i++)
            if (p.PadsBegin[i] != begin(p.Kernel[i]) || p.PadsEnd[i] != end(p.Kernel[i])) return false;
        return true;
    }

    private static bool All(Dims d, long value)
    {
        foreach (long v in d.Span) if (v != value) return false;
        return true;
    }

    private static bool Asymmetric(ConvProblem p)
    {
        for (int i = 0; i < p.Rank; i++)
        {
            // A trailing pad that only falls short because a stride does not reach it is symmetric for its author.
            long begin = p.PadsBegin[i], end = p.PadsEnd[i];
            if (end > begin || begin - end >= p.Strides[i]) return true;
        }

        return false;
    }
}
