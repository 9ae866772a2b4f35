using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Integers;

/// <summary>Which exact arithmetic serves an 8-bit problem.</summary>
internal static class IntegerPlans
{
    // Half of the pairs' work would be wasted on one channel, and groups of a few have kernels of their own for numbers.
    private const long LeastChannels = 8;

    /// <summary>The kinds of elements that sums are made of.</summary>
    public enum Elements
    {
        /// <summary>f32: sums below 2^24.</summary>
        Single,

        /// <summary>Pairs of 16-bit channels, sums of 32 bits.</summary>
        Pairs,

        /// <summary>f64: sums below 2^53.</summary>
        Double,
    }

    /// <summary>Why the engine does not compute the integers of <paramref name="p"/>, or null.</summary>
    public static string? Lacking(ConvProblem p)
    {
        if (p.Direction != Direction.Forward) return $"direction {Names.Of(p.Direction)}: the managed engine computes 8-bit integers forward only";
        if (p.Op == ConvOp.Deformable) return $"data type {p.InputType.Name()}: a deformable convolution samples between pixels, at offsets that 8-bit integers do not hold";

        // 255 * 255 a term, and a bias: far below 2^53 for any kernel that fits memory.
        return null;
    }

    /// <summary>The elements for <paramref name="p"/>: the fastest whose sums are exact.</summary>
    public static Elements Choose(ConvProblem p)
    {
        long channels = p.HasWeights ? p.InputChannels / p.Groups : 1;
        double terms = (double)channels * p.Kernel.Product, input = Magnitude(p.InputType, p.Quantization?.InputZeroPoint ?? 0), weight = 1;
        if (p.PaddingMode == PaddingMode.Constant) input = Math.Max(input, Math.Abs(Pad(p)));
        if (p.HasWeights)
            for (long o = 0; o < p.OutputChannels; o++) weight = Math.Max(weight, Magnitude(p.WeightType, p.Quantization?.WeightZeroPoint(o) ?? 0));
        double most = terms * input * weight;
        if (p.HasWeights && channels >= LeastChannels && most <= int.MaxValue && input <= short.MaxValue) return Elements.Pairs;
        return most <= 1 << 24 ? Elements.Single : Elements.Double;
    }

    /// <summary>The same convolution of exact numbers whose zero points are gone; of pairs in channels-last order.</summary>
    public static ConvProblem Inner(ConvProblem p, Elements elements)
    {
        DataType type = elements == Elements.Double ? DataType.F64 : DataType.F32;
        bool pairs = elements == Elements.Pairs;
        double pad = p.PaddingMode == PaddingMode.Constant ? Pad(p) : 0;
        return p.With(s => s with
        {
            Name = null,
            InputType = type,
            WeightType = type,
            OutputType = type,
            HasBias = false,
            PostOps = PostOps.None,
            Quantization = null,
            InputShape = pairs ? Halved(p.InputShape, 1, p.Groups) : s.InputShape,
            WeightShape = !pairs ? s.WeightShape : p.Op == ConvOp.Transposed ? Halved(p.WeightShape, 0, p.Groups) : Halved(p.WeightShape, 1, 1),
            InputLayout = pairs ? Layout.ChannelsLast : Plain(s.InputLayout),
            WeightLayout = Layout.ChannelsFirst,
            OutputLayout = Plain(s.OutputLayout),
            PadValue = pairs ? IntegerOperands.Pair((int)pad, (int)pad) : pad,
        });
    }

    /// <summary>A layout that has an order.</summary>
    public static Layout Plain(Layout layout) => layout == Layout.Any ? Layout.ChannelsFirst : layout;

    private static double Pad(ConvProblem p) => p.PadValue - (p.Quantization?.InputZeroPoint ?? 0);

    private static double Magnitude(DataType type, int zero) => type == DataType.U8 ? Math.Max(zero, 255 - zero) : Math.Max(zero + 128, 127 - zero);

    private static Dims Halved(Dims shape, int axis, long groups)
    {
        long[] s = [.. shape];
        s[axis] = ((s[axis] / groups) + 1) / 2 * groups;
        return [.. s];
    }
}
