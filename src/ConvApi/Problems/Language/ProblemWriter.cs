using System.Text;

namespace ConvNative.Problems.Language;

/// <summary>The canonical string: knobs that differ from the defaults, then the descriptor.</summary>
internal static class ProblemWriter
{
    public static string Write(ConvProblem p)
    {
        var b = new StringBuilder();
        b.Append(p.Op switch
        {
            ConvOp.Correlation => "",
            ConvOp.Transposed => "--deconv ",
            ConvOp.Convolution => "--op=conv ",
            ConvOp.Deformable => "--op=deform ",
            ConvOp.ChannelShuffle => "--op=shuffle ",
            ConvOp.Im2col => "--op=im2col ",
            _ => "--op=col2im ",
        });
        Knob(b, "dir", p.Direction switch
        {
            Direction.Forward => p.HasBias || !p.HasWeights ? "" : "FWD_D",
            Direction.BackwardData => "BWD_D",
            Direction.BackwardWeights => p.HasBias ? "BWD_WB" : "BWD_W",
            Direction.BackwardBias => "BWD_B",
            Direction.BackwardOffset => "BWD_O",
            _ => "BWD_M",
        });
        Knob(b, "dt", p.InputType == p.WeightType && p.WeightType == p.OutputType
            ? p.InputType == DataType.F32 ? "" : p.InputType.Name()
            : $"{p.InputType.Name()}:{p.WeightType.Name()}:{p.OutputType.Name()}");
        Knob(b, "stag", p.InputLayout == Layout.ChannelsFirst ? "" : p.InputLayout.Tag());
        Knob(b, "wtag", p.WeightLayout == Layout.ChannelsFirst ? "" : p.WeightLayout.Tag());
        Knob(b, "dtag", p.OutputLayout == Layout.ChannelsFirst ? "" : p.OutputLayout.Tag());
        Knob(b, "attr-post-ops", PostOpsText.Write(p.PostOps));
        Knob(b, "quant", QuantizationText.Write(p.Quantization));
        Knob(b, "pad-mode", p.PaddingMode switch
        {
            PaddingMode.Zeros => "",
            PaddingMode.Constant => PostOpsText.Invariant($"constant:{p.PadValue}"),
            var mode => Names.Of(mode),
        });
        Knob(b, "pad-limit", p.UnlimitedExtension ? "none" : "");
        Knob(b, "offset-groups", p.OffsetGroups == 1 ? "" : $"{p.OffsetGroups}");
        Knob(b, "mask", p.HasMask ? "1" : "");
        long[] op = p.OutputPadding.ToArray();
        Knob(b, "output-padding", Array.TrueForAll(op, x => x == 0) ? "" : Array.TrueForAll(op, x => x == op[0]) ? $"{op[0]}" : string.Join('x', op));
        Descriptor(b, p);
        return b.ToString();
    }

    private static void Knob(StringBuilder b, string name, string value)
    {
        if (value.Length > 0) b.Append("--").Append(name).Append('=').Append(value).Append(' ');
    }

    private static void Descriptor(StringBuilder b, ConvProblem p)
    {
        if (p.Groups != 1) b.Append('g').Append(p.Groups);
        b.Append("mb").Append(p.Batch);
        (Dims input, Dims output) = Ends(p);
        Dims stride = p.Strides, pad = p.PadsBegin, dilation = p.Dilations;

        // As benchdnn: one letter stands for all axes only where every size is the same along all of them.
        int rank = input.Count;
        bool equal = rank > 1;
        foreach (Dims v in (ReadOnlySpan<Dims>)[input, output, p.Kernel, stride, pad, dilation])
            foreach (long x in v) equal &= x == v[0];
        string axes = "dhw"[(3 - rank)..];
        if (equal) axes = axes[..1];

        if (p.Op != ConvOp.Col2im) b.Append("ic").Append(p.InputChannels);
        Sizes('i', input, 0);
        if (p.Op != ConvOp.ChannelShuffle)
        {
            if (p.Op != ConvOp.Im2col) b.Append("oc").Append(p.OutputChannels);
            Sizes('o', output, 0);
            Sizes('k', p.Kernel, 0);
            if (stride != Dims.Repeat(1, rank)) Sizes('s', stride, 0);
            Sizes('p', pad, 0);
            if (dilation != Dims.Repeat(1, rank)) Sizes('d', dilation, -1);
        }

        b.Append(ProblemName.Write(p.Name));

        void Sizes(char field, Dims v, long shift)
        {
            for (int i = 0; i < axes.Length; i++) b.Append(field).Append(axes[i]).Append(v[i] + shift);
        }
    }

    /// <summary>Spatial sizes of both ends; the columns' side of im2col and col2im as the grid of blocks that it stands for.</summary>
    private static (Dims Input, Dims Output) Ends(ConvProblem p)
    {
        if (p.Op == ConvOp.Im2col) return (p.InputSpatial, Grid(p.InputSpatial));
        return p.Op == ConvOp.Col2im ? (Grid(p.OutputSpatial), p.OutputSpatial) : (p.InputSpatial, p.OutputSpatial);

        Dims Grid(Dims image) => Dims.Create(
            [.. image.Select((x, i) => ConvGeometry.OutputSize(x, p.Kernel[i], p.Strides[i], p.Dilations[i], p.PadsBegin[i], p.PadsEnd[i]))]);
    }
}
