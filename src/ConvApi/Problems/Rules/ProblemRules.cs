using System.Globalization;

namespace ConvNative.Problems.Rules;

/// <summary>Every rule that a problem must keep, and the derivation of what a <see cref="ConvSpec"/> leaves open.</summary>
internal static class ProblemRules
{
    public static Resolved Resolve(ConvSpec s)
    {
        SpecRules.CheckEnums(s);
        int rank = s.InputShape.Count - 2;
        if (s.Op == ConvOp.Col2im)
        {
            Dims image = s.ImageShape ?? throw Bad("image_shape", "none", "col2im needs the spatial size of the image");
            rank = image.Count;
            if (rank is < 1 or > 3) throw Bad("image_shape", image, "must have 1, 2 or 3 spatial axes");
            if (s.InputShape.Count != 3) throw Bad("input_shape", s.InputShape, "must be [N, C*K, L]");
        }

        if (rank is < 1 or > 3) throw Bad("input_shape", s.InputShape, "must be [N, C, ...] with 1, 2 or 3 spatial axes");
        CheckInput(s);
        CheckNumbers(s);
        PostOpRules.Check(s.PostOps);
        try
        {
            return s.Op switch
            {
                ConvOp.ChannelShuffle => Shuffle(s, rank),
                ConvOp.Im2col => Unfold(s, rank),
                ConvOp.Col2im => Fold(s, rank),
                _ => Convolution(s, rank),
            };
        }
        catch (OverflowException)
        {
            throw Bad("output_shape", "too large", "the number of elements must fit 60 bits");
        }
    }

    private static ConvProblemException Bad(string field, object value, string rule) =>
        new(field, Convert.ToString(value, CultureInfo.InvariantCulture) ?? "null", rule);

    private static void CheckInput(ConvSpec s)
    {
        if (s.InputShape[0] < 0) throw Bad("input_shape", s.InputShape, "the batch must not be negative");
        for (int i = 1; i < s.InputShape.Count; i++)
            if (s.InputShape[i] < 1) throw Bad("input_shape", s.InputShape, "channels and spatial sizes must be at least 1");
        try
        {
            _ = checked(s.InputShape.Product * 8);
        }
        catch (OverflowException)
        {
            throw Bad("input_shape", s.InputShape, "the number of elements must fit 60 bits");
        }

        try
        {
            _ = checked(s.WeightShape.Product * 8);
        }
        catch (OverflowException)
        {
            throw Bad("weight_shape", s.WeightShape, "the number of elements must fit 60 bits");
        }
    }

    private static void CheckNumbers(ConvSpec s)
    {
        if (s.Groups < 1) throw Bad("groups", s.Groups, "must be at least 1");
        if (s.InputShape[1] % s.Groups != 0) throw Bad("groups", s.Groups, $"must divide the {s.InputShape[1]} input channels{SpecRules.LayoutHint(s)}");
        if (s.OffsetGroups < 1) throw Bad("offset_groups", s.OffsetGroups, "must be at least 1");
        if (s.Op != ConvOp.Deformable)
        {
            if (s.Direction is Direction.BackwardOffset or Direction.BackwardMask) throw Bad("direction", Names.Of(s.Direction), "only a deformable convolution has offsets and a mask");
            if (s.OffsetGroups != 1) throw Bad("offset_groups", s.OffsetGroups, "only a deformable convolution has offset groups");
            if (s.HasMask) throw Bad("mask", "given", "only a deformable convolution has a mask");
        }
        else if (s.Direction == Direction.BackwardMask && !s.HasMask)
        {
            throw Bad("direction", Names.Of(s.Direction), "the problem has no mask");
        }

        if (s.Direction != Direction.Forward) PostOpRules.CheckNone(s.PostOps);
        if (s.PaddingMode != PaddingMode.Zeros && s.Op is ConvOp.Transposed or ConvOp.Deformable)
            throw Bad("padding_mode", Names.Of(s.PaddingMode), $"a {Names.Of(s.Op)} convolution takes zeros only");
        if (s.PadValue != 0 && s.PaddingMode != PaddingMode.Constant) throw Bad("pad_value", s.PadValue, "needs padding_mode constant");
        SpecRules.CheckTypes(s);
    }

    private static Resolved Convolution(ConvSpec s, int rank)
    {
        bool transposed = s.Op == ConvOp.Transposed;
        if (s.WeightShape.Count != rank + 2) throw Bad("weight_shape", s.WeightShape, $"must have {rank + 2} axes, as the input has");
        foreach (long v in s.WeightShape) if (v < 1) throw Bad("weight_shape", s.WeightShape, "sizes must be at least 1");
        if (s.Op == ConvOp.Deformable)
        {
            if (rank != 2) throw Bad("input_shape", s.InputShape, "a deformable convolution is 2-D: [N, C, H, W]");
            if (s.InputShape[1] % s.OffsetGroups != 0) throw Bad("offset_groups", s.OffsetGroups, $"must divide the {s.InputShape[1]} input channels");
        }

        long channels = s.InputShape[1], outputs;
        if (transposed)
        {
            if (s.WeightShape[0] != channels) throw Bad("weight_shape", s.WeightShape, $"axis 0 must be C = {channels} (transposed weights are [C, O/G, k...]){SpecRules.LayoutHint(s)}");
            outputs = checked(s.WeightShape[1] * s.Groups);
        }
        else
        {
            if (s.WeightShape[1] != channels / s.Groups) throw Bad("weight_shape", s.WeightShape, $"axis 1 must be C/groups = {channels / s.Groups}{SpecRules.LayoutHint(s)}");
            outputs = s.WeightShape[0];
            if (outputs % s.Groups != 0) throw Bad("groups", s.Groups, $"must divide the {outputs} output channels");
        }

        if (s.Kernel is { } k && k != s.WeightShape.Slice(2)) throw Bad("kernel", k, $"disagrees with weight_shape {s.WeightShape}");
        Dims kernel = s.WeightShape.Slice(2);
        Axes a = Spatial(s, rank, kernel);
        if (!transposed)
        {
            if (s.OutputPadding is { } op && op != Dims.Repeat(0, rank)) throw Bad("output_padding", op, "only a transposed convolution has output padding");
            CheckModeLimits(s, a);
        }
        else
        {
            CheckOutputPadding(a);
        }

        var output = new long[rank];
        for (int i = 0; i < rank; i++) output[i] = transposed ? TransposedAxis(s, a, i) : CorrelationAxis(s, a, i);
        if (!transposed) CheckModeLimits(s, a);
        return Finish(s, a, kernel, new Dims2(outputs, output));
    }

    private static long CorrelationAxis(ConvSpec s, Axes a, int i)
    {
        long input = s.InputShape[i + 2], ext = ConvGeometry.Extent(a.Kernel[i], a.Dilations[i]);
        long output;
        if (s.OutputShape is { } want)
        {
            if (!s.ImpliedTrailingPads) throw Bad("output_shape", want, "only a transposed convolution takes a wanted output shape");
            output = want[i];
            if (output < 1) throw Bad("output_shape", want, "spatial sizes must be at least 1");
        }
        else
        {
            output = ConvGeometry.OutputSize(input, a.Kernel[i], a.Strides[i], a.Dilations[i], a.Begin[i], a.End[i]);
            if (output < 1)
                throw Bad(s.HasWeights ? "weight_shape" : "kernel", s.HasWeights ? s.WeightShape : a.Kernel, $"the dilated kernel of {ext} is larger than the padded input of {input + a.Begin[i] + a.End[i]} on spatial axis {i}");
        }

        a.End[i] = ConvGeometry.ImpliedPadEnd(input, output, a.Kernel[i], a.Strides[i], a.Dilations[i], a.Begin[i]);
        return output;
    }

    private static long TransposedAxis(ConvSpec s, Axes a, int i)
    {
        long input = s.InputShape[i + 2], ext = ConvGeometry.Extent(a.Kernel[i], a.Dilations[i]);
        if (s.OutputShape is { } want && s.ImpliedTrailingPads)
        {
            if (want[i] < 1) throw Bad("output_shape", want, "spatial sizes must be at least 1");
            a.End[i] = ConvGeometry.TransposedOutputSize(input, a.Kernel[i], a.Strides[i], a.Dilations[i], a.Begin[i], 0, a.OutputPadding[i]) - want[i];
            return want[i];
        }

        long output = ConvGeometry.TransposedOutputSize(input, a.Kernel[i], a.Strides[i], a.Dilations[i], a.Begin[i], a.End[i], a.OutputPadding[i]);
        if (output < 1)
            throw Bad("pads_begin", new Dims2(0, a.Begin), $"with pads_end they remove all of the {((input - 1) * a.Strides[i]) + ext} output elements on spatial axis {i}");
        return output;
    }

    private static void CheckOutputPadding(Axes a)
    {
        for (int i = 0; i < a.Kernel.Count; i++)
        {
            long op = a.OutputPadding[i];
            if (op < 0 || op >= Math.Max(a.Strides[i], a.Dilations[i]))
                throw Bad("output_padding", Dims.Create(a.OutputPadding), $"must be at least 0 and less than max(stride, dilation) = {Math.Max(a.Strides[i], a.Dilations[i])} on spatial axis {i}");
        }
    }

    private static void CheckModeLimits(ConvSpec s, Axes a)
    {
        for (int i = 0; i < a.Kernel.Count; i++)
        {
            long size = s.InputShape[i + 2], most = Math.Max(a.Begin[i], a.End[i]);
            if (most <= Limit(s, i) || (s.UnlimitedExtension && (s.PaddingMode == PaddingMode.Circular || size > 1))) continue;
            throw Bad(a.Begin[i] == most ? "pads_begin" : "pads_end", most, s.PaddingMode == PaddingMode.Reflect
                ? $"reflect padding must be less than the size {size} of spatial axis {i}"
                : $"circular padding must be at most the size {size} of spatial axis {i}");
        }
    }

    private static bool ExceedsLimits(ConvSpec s, Axes a)
    {
        for (int i = 0; i < a.Kernel.Count && i < s.InputShape.Count - 2; i++)
            if (Math.Max(a.Begin[i], a.End[i]) > Limit(s, i)) return true;
        return false;
    }

    private static long Limit(ConvSpec s, int axis) => s.PaddingMode switch
    {
        PaddingMode.Reflect => s.InputShape[axis + 2] - 1,
        PaddingMode.Circular => s.InputShape[axis + 2],
        _ => long.MaxValue,
    };

    private static Resolved Shuffle(ConvSpec s, int rank)
    {
        if (s.WeightShape.Count > 0) throw Bad("weight_shape", s.WeightShape, "channel_shuffle has no weights");
        if (s.Kernel is { } k && k != Dims.Repeat(1, rank)) throw Bad("kernel", k, "channel_shuffle has no kernel");
        NoOutputShape(s);
        NoBias(s);
        Axes a = Spatial(s, rank, Dims.Repeat(1, rank));
        foreach ((string field, long[] value, long none) in (ReadOnlySpan<(string, long[], long)>)
            [("strides", a.Strides, 1), ("dilations", a.Dilations, 1), ("pads_begin", a.Begin, 0), ("pads_end", a.End, 0), ("output_padding", a.OutputPadding, 0)])
            if (Array.Exists(value, v => v != none)) throw Bad(field, Dims.Create(value), "channel_shuffle moves channels only");
        if (s.PaddingMode != PaddingMode.Zeros) throw Bad("padding_mode", Names.Of(s.PaddingMode), "channel_shuffle moves channels only");
        return Finish(s, a, Dims.Repeat(1, rank), new Dims2(s.InputShape[1], s.InputShape.Slice(2).ToArray()));
    }

    private static Resolved Unfold(ConvSpec s, int rank)
    {
        Dims kernel = KernelOf(s, rank);
        NoBias(s);
        Axes a = Spatial(s, rank, kernel);
        CheckModeLimits(s, a);
        long columns = 1;
        for (int i = 0; i < rank; i++) columns = checked(columns * CorrelationAxis(s, a, i));
        CheckModeLimits(s, a);
        return Finish(s, a, kernel, new Dims2(checked(s.InputShape[1] * kernel.Product), [columns]));
    }

    private static Resolved Fold(ConvSpec s, int rank)
    {
        Dims kernel = KernelOf(s, rank), image = s.ImageShape!.Value;
        NoBias(s);
        NoOutputShape(s);
        foreach (long v in image) if (v < 1) throw Bad("image_shape", image, "sizes must be at least 1");
        if (s.PaddingMode != PaddingMode.Zeros) throw Bad("padding_mode", Names.Of(s.PaddingMode), "col2im takes zeros only");
        Axes a = Spatial(s, rank, kernel);
        long columns = 1;
        for (int i = 0; i < rank; i++)
        {
            long n = ConvGeometry.OutputSize(image[i], kernel[i], a.Strides[i], a.Dilations[i], a.Begin[i], a.End[i]);
            if (n < 1) throw Bad("kernel", kernel, $"the dilated kernel is larger than the padded image on spatial axis {i}");
            columns = checked(columns * n);
            a.End[i] = ConvGeometry.ImpliedPadEnd(image[i], n, kernel[i], a.Strides[i], a.Dilations[i], a.Begin[i]);
        }

        if (s.InputShape[1] % kernel.Product != 0) throw Bad("input_shape", s.InputShape, $"axis 1 must be a multiple of the kernel's {kernel.Product} elements");
        if (s.InputShape[2] != columns) throw Bad("input_shape", s.InputShape, $"axis 2 must be the number of blocks, {columns}");
        return Finish(s, a, kernel, new Dims2(s.InputShape[1] / kernel.Product, image.ToArray()));
    }

    private static Dims KernelOf(ConvSpec s, int rank)
    {
        Dims kernel = s.Kernel ?? throw Bad("kernel", "none", $"{Names.Of(s.Op)} needs the kernel size");
        if (kernel.Count != rank) throw Bad("kernel", kernel, $"must have {rank} entries, one for each spatial axis");
        foreach (long v in kernel) if (v < 1) throw Bad("kernel", kernel, "sizes must be at least 1");
        if (s.WeightShape.Count > 0) throw Bad("weight_shape", s.WeightShape, $"{Names.Of(s.Op)} has no weights");
        return kernel;
    }

    private static void NoBias(ConvSpec s)
    {
        if (s.Direction is not (Direction.Forward or Direction.BackwardData)) throw Bad("direction", Names.Of(s.Direction), $"{Names.Of(s.Op)} has no weights and no bias");
        if (s.HasBias) throw Bad("bias", "given", $"{Names.Of(s.Op)} has no bias");
        if (s.OutputType != s.InputType) throw Bad("data_type", $"{s.InputType.Name()}:{s.OutputType.Name()}", $"{Names.Of(s.Op)} keeps the type of its input");
        if (s.OutputPadding is { } op && op != Dims.Repeat(0, op.Count)) throw Bad("output_padding", op, "only a transposed convolution has output padding");
    }

    private static void NoOutputShape(ConvSpec s)
    {
        if (s.OutputShape is { } want) throw Bad("output_shape", want, $"{Names.Of(s.Op)} takes no wanted output shape");
    }

    private static Axes Spatial(ConvSpec s, int rank, Dims kernel)
    {
        var a = new Axes
        {
            Kernel = kernel,
            Strides = PerAxis("strides", s.Strides, rank, 1, 1),
            Dilations = PerAxis("dilations", s.Dilations, rank, 1, 1),
            Begin = PerAxis("pads_begin", s.PadsBegin, rank, 0, 0),
            End = PerAxis("pads_end", s.PadsEnd, rank, 0, s.ImpliedTrailingPads ? long.MinValue : 0),
            OutputPadding = PerAxis("output_padding", s.OutputPadding, rank, 0, 0),
        };
        if (s.OutputShape is { } want && want.Count != rank) throw Bad("output_shape", want, $"must have {rank} entries, one for each spatial axis");
        bool same = s.AutoPad is AutoPad.SameUpper or AutoPad.SameLower, given = Any(a.Begin) || Any(a.End);
        bool wanted = s.Op == ConvOp.Transposed && s.OutputShape is not null && !s.ImpliedTrailingPads;
        if ((s.AutoPad != AutoPad.NotSet || wanted) && given)
            throw Bad(Any(a.Begin) ? "pads_begin" : "pads_end", Dims.Create(Any(a.Begin) ? a.Begin : a.End), s.AutoPad != AutoPad.NotSet ? "must be 0 with auto_pad" : "must be 0 with output_shape, which decides them");
        if (s.ImageShape is not null && s.Op != ConvOp.Col2im) throw Bad("image_shape", s.ImageShape, "only col2im has it");
        for (int i = 0; i < rank && (same || wanted); i++)
        {
            long input = s.Op == ConvOp.Col2im ? s.ImageShape!.Value[i] : s.InputShape[i + 2];
            if (s.Op == ConvOp.Transposed)
            {
                long target = wanted ? s.OutputShape!.Value[i] : checked(input * a.Strides[i]);
                if (target < 1) throw Bad("output_shape", s.OutputShape!, "spatial sizes must be at least 1");
                (a.Begin[i], a.End[i], long beyond) = ConvGeometry.TransposedPads(
                    input, target, kernel[i], a.Strides[i], a.Dilations[i], a.OutputPadding[i], s.AutoPad == AutoPad.SameUpper);
                a.End[i] -= beyond;
            }
            else
            {
                (a.Begin[i], a.End[i]) = ConvGeometry.SamePads(input, kernel[i], a.Strides[i], a.Dilations[i], s.AutoPad == AutoPad.SameUpper);
            }
        }

        return a;
    }

    private static bool Any(long[] v) => Array.Exists(v, x => x != 0);

    private static long[] PerAxis(string field, Dims? value, int rank, long fallback, long least)
    {
        if (value is not { } v) return Dims.Repeat(fallback, rank).ToArray();
        if (v.Count != rank) throw Bad(field, v, $"must have {rank} entries, one for each spatial axis");
        foreach (long x in v)
        {
            if (x < least) throw Bad(field, v, least == 1 ? "must be at least 1" : "must not be negative");

            // What other fields imply may be any number.
            if (least >= 0 && x > int.MaxValue) throw Bad(field, v, "must be less than 2^31");
        }

        return v.ToArray();
    }

    private static Resolved Finish(ConvSpec s, Axes a, Dims kernel, Dims2 output)
    {
        Dims outputShape = Dims.Create(output.Spatial).Prepend(s.InputShape[0], output.First);
        QuantizationRules.Check(s, output.First);
        try
        {
            _ = checked(outputShape.Product * 8 * kernel.Product);
            if (s.HasWeights) _ = checked((s.Op == ConvOp.Transposed ? s.InputShape : outputShape).Product * s.WeightShape[1] * kernel.Product);
        }
        catch (OverflowException)
        {
            throw Bad("output_shape", outputShape, "the number of elements must fit 60 bits, that of multiply-adds 63");
        }

        // What is left here is what identity means: two descriptions with the same answer are equal.
        ConvSpec canonical = s with
        {
            Strides = Dims.Create(a.Strides),
            Dilations = Dims.Create(a.Dilations),
            PadsBegin = Dims.Create(a.Begin),
            PadsEnd = Dims.Create(a.End),
            OutputPadding = Dims.Create(a.OutputPadding),
            OutputShape = s.Op == ConvOp.Col2im ? null : Dims.Create(output.Spatial),
            ImpliedTrailingPads = true,
            AutoPad = AutoPad.NotSet,
            Kernel = s.HasWeights ? null : kernel,
            // In f32 the text keeps the decimal number that was given; every engine and the oracle round it the same way there.
            PadValue = s.InputType == DataType.F32 ? s.PadValue : ElementValues.Nearest(s.InputType, s.PadValue),
            PostOps = PostOpRules.Canonical(s.PostOps),
            Quantization = QuantizationRules.Canonical(s.Quantization),
            HasBias = s.Direction switch
            {
                Direction.Forward or Direction.BackwardWeights => s.HasBias,
                Direction.BackwardBias => true,
                _ => false,
            },
            WeightType = s.HasWeights ? s.WeightType : s.InputType,
            OutputType = s.OutputType,
            WeightLayout = s.HasWeights ? s.WeightLayout : Layout.ChannelsFirst,
            UnlimitedExtension = s.UnlimitedExtension && ExceedsLimits(s, a),
            Name = null,
        };
        if (s.Op is ConvOp.ChannelShuffle or ConvOp.Im2col) canonical = canonical with { OutputShape = null };
        return new Resolved(canonical, outputShape, kernel, output.First);
    }

    /// <summary>Mutable numbers per axis while they are being resolved.</summary>
    private sealed class Axes
    {
        public required Dims Kernel { get; init; }

        public required long[] Strides { get; init; }

        public required long[] Dilations { get; init; }

        public required long[] Begin { get; init; }

        public required long[] End { get; init; }

        public required long[] OutputPadding { get; init; }
    }

    private readonly record struct Dims2(long First, long[] Spatial)
    {
        public override string ToString() => $"[{string.Join(',', Spatial)}]";
    }
}
