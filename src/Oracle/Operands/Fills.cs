using ConvNative.Oracle.Variants;
using ConvNative.Problems;

namespace ConvNative.Oracle.Operands;

/// <summary>Operands for a problem, the same for the same seed everywhere; every value is one of the operand's element type.</summary>
public static class Fills
{
    /// <summary>Fills every operand that the problem's direction reads.</summary>
    public static OracleTensors Create(ConvProblem p, FillKind kind, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(p);
        var made = new Dictionary<string, double[]>();
        ulong stream = 0;
        foreach ((string name, Dims shape, DataType type) in NaiveOracle.Operands(p))
        {
            var random = new CounterRandom((seed * 16) + ++stream);
            Func<long, double> value = name switch
            {
                "offset" => Offsets(p, kind, random),
                "mask" => Masks(kind, random),
                _ => Values(p, kind, name, type, random),
            };
            var v = new double[shape.Product];
            Parallel.For(0, (v.Length + 4095) / 4096, block =>
            {
                for (int i = block * 4096; i < Math.Min(v.Length, (block + 1) * 4096); i++) v[i] = Rounding.To(type, value(i));
            });
            made.Add(name, v);
        }

        if (kind == FillKind.NotFinite) Spoiler.Spoil(p, made, new CounterRandom((seed * 16) + ++stream));
        return new OracleTensors
        {
            Input = made.GetValueOrDefault("input"),
            Weights = made.GetValueOrDefault("weights"),
            Bias = made.GetValueOrDefault("bias"),
            Residual = made.GetValueOrDefault("residual"),
            Offset = made.GetValueOrDefault("offset"),
            Mask = made.GetValueOrDefault("mask"),
            OutputGrad = made.GetValueOrDefault("output_grad"),
        };
    }

    /// <summary>
    /// False where a fill has nothing to say: <see cref="FillKind.NotFinite"/> of integers, and of a deformable convolution beside its input and
    /// output, whose samples outside are numbers (0), not taps that are missing.
    /// </summary>
    public static bool Applies(ConvProblem p, FillKind kind)
    {
        ArgumentNullException.ThrowIfNull(p);
        return kind != FillKind.NotFinite || (!p.InputType.IsInteger() && (p.Op != ConvOp.Deformable || p.Direction is Direction.Forward or Direction.BackwardData or Direction.BackwardBias));
    }

    /// <summary>Number of terms in the longest sum of the problem's direction.</summary>
    public static long Terms(ConvProblem p)
    {
        ArgumentNullException.ThrowIfNull(p);
        long kernel = p.Kernel.Product, inputs = p.InputChannels / p.Groups, outputs = p.OutputChannels / p.Groups;
        // An extended edge collects the gradients of all the positions that stand for it.
        long readers = p.PaddingMode is PaddingMode.Zeros or PaddingMode.Constant ? 1 : 4;
        return p.Direction switch
        {
            _ when p.Op == ConvOp.ChannelShuffle => 1,
            _ when p.Op is ConvOp.Im2col or ConvOp.Col2im => kernel * readers,
            Direction.Forward => inputs * kernel,
            Direction.BackwardData => outputs * kernel * readers * (p.Op == ConvOp.Deformable ? 8 : 1),
            Direction.BackwardWeights => Math.Max(1, p.Batch * (p.Op == ConvOp.Transposed ? p.InputSpatial.Product : p.OutputSpatial.Product)),
            Direction.BackwardBias => Math.Max(1, p.Batch * p.OutputSpatial.Product),
            // A gradient of an offset: two differences of four neighbours.
            _ => 4 * outputs * p.InputChannels / p.OffsetGroups,
        };
    }

    /// <summary>All products of <see cref="FillKind.ExactInteger"/> are multiples of this: 1, or 1/64 where a deformable convolution weighs neighbours.</summary>
    internal static double Granule(ConvProblem p) => p.Op == ConvOp.Deformable ? 1.0 / 64 : 1;

    /// <summary>True when the problem's own numbers are integers too, so that they do not spoil exactness.</summary>
    internal static bool HasExactConstants(ConvProblem p) =>
        p.PadValue == Math.Round(p.PadValue) && p.PostOps.ResidualScale == Math.Round(p.PostOps.ResidualScale);

    private static Func<long, double> Values(ConvProblem p, FillKind kind, string name, DataType type, CounterRandom random)
    {
        // Scales would round the sums of small integers to nothing, and sums of any integers are exact.
        if (type.IsInteger() && (kind != FillKind.ExactInteger || p.Quantization is not null)) return Integers(p, kind, name, type, random);
        long terms = Terms(p);
        switch (kind)
        {
            case FillKind.Random or FillKind.NotFinite:
                double scale = name == "weights" ? 1 / Math.Sqrt(terms) : 1;
                // A very long sum of either sign cancels down to its own rounding errors; with a mean it stays telling.
                double mean = terms > 1 << 18 && (name is "input" or "output_grad") ? 0.5 : 0;
                return i => (random.Normal(i) + mean) * scale;
            case FillKind.ExactInteger:
                return Exact(p, name, type, terms, random);
            default:
                return FullRange(type, p.ResultType, terms, p.Direction is Direction.BackwardOffset or Direction.BackwardMask ? 3 : 2, random);
        }
    }

    /// <summary>
    /// Integers of either sign with terms * range^2 (and bias and residual) within the 24 bits of f32, or the reach of an f16
    /// output. Sums too long even for -1 and 1 get zeros, so many that A stays within (the verdict checks A itself).
    /// </summary>
    private static Func<long, double> Exact(ConvProblem p, string name, DataType type, long terms, CounterRandom random)
    {
        double budget = (p.ResultType == DataType.F16 ? 1 << 15 : 1 << 24) * Granule(p) / 4;
        bool unsigned = type == DataType.U8;
        if (name is "bias" or "residual")
        {
            double share = budget / Math.Max(1, Math.Abs(p.PostOps.ResidualScale));
            // 8-bit outputs saturate soon enough by themselves.
            long reach = (long)Math.Clamp(share, 1, 8);
            return i => Signed(random.Bits(i), reach, unsigned);
        }

        double fair = Math.Sqrt(budget / terms);
        long range = (long)Math.Clamp(fair, 1, 8);
        if (fair >= 1) return i => Signed(random.Bits(i), range, unsigned);
        double density = fair;
        return i =>
        {
            ulong bits = random.Bits(i);
            return (bits >> 11) * Math.ScaleB(1, -53) < density ? Signed(bits, 1, unsigned) : 0;
        };
    }

    private static double Signed(ulong bits, long range, bool unsigned)
    {
        long v = 1 + (long)((bits >> 1 & 0xFFFF) % (ulong)range);
        return unsigned || (bits & 1) == 0 ? v : -v;
    }

    /// <summary>The whole range of an 8-bit type; half of it for Random, which pairs of 16-bit products cannot saturate.</summary>
    private static Func<long, double> Integers(ConvProblem p, FillKind kind, string name, DataType type, CounterRandom random)
    {
        if (name is "bias" or "residual") return i => random.Below(i, 201) - 100;
        // Sums must stay within 31 bits.
        long limit = (long)Math.Sqrt(Math.ScaleB(1, 31) / Math.Max(1, Terms(p)));
        long half = Math.Min(limit, kind == FillKind.FullRange ? 127 : 63);
        return type == DataType.U8 ? i => random.Below(i, (2 * half) + 1) : i => random.Below(i, (2 * half) + 1) - half;
    }

    /// <summary>
    /// A sign, a binade drawn evenly from a wide range, a random significand; one in 32 is a zero, half of those negative. The top
    /// is such that even the sum of the largest products (of <paramref name="factors"/> tensors) is finite in the result's type.
    /// </summary>
    private static Func<long, double> FullRange(DataType type, DataType result, long terms, int factors, CounterRandom random)
    {
        (int lowest, int highest) = type switch
        {
            DataType.F64 => (-300, 300),
            DataType.F16 => (-14, 12),
            // Of three factors two are multiplied first: what they lose to underflow must not be magnified by the third.
            _ => (factors > 2 ? -60 : -100, 55),
        };
        int reach = (result == DataType.F16 || type == DataType.F16 ? 15 : type == DataType.F64 ? 1020 : 125) - (int)Math.Ceiling(Math.Log2(terms + 2));
        int top = Math.Max(lowest + 1, Math.Min(highest, (reach / factors) - 2));
        return i =>
        {
            ulong bits = random.Bits(i);
            double sign = (bits & 1) == 0 ? 1 : -1;
            if ((bits >> 1 & 31) == 0) return 0 * sign;
            int exponent = lowest + (int)((bits >> 6 & 0xFFFF) % (ulong)(top - lowest + 1));
            return sign * Math.ScaleB(1 + ((bits >> 24) * Math.ScaleB(1, -40)), exponent);
        };
    }

    /// <summary>
    /// Within two pixels either way, whole pixels avoided (there the gradient jumps, and rounding may fall on either side), or
    /// quarters for exactness; the full range adds whole pixels and far outside.
    /// </summary>
    private static Func<long, double> Offsets(ConvProblem p, FillKind kind, CounterRandom random)
    {
        if (kind == FillKind.ExactInteger) return i => (random.Below(i, 17) - 8) / 4.0;
        double far = 3 + p.InputSpatial[0] + p.InputSpatial[1];
        return i =>
        {
            ulong bits = random.Bits(i);
            double near = (long)(bits & 3) - 2 + ((1 + (bits >> 40 & 0xFFFF) % 62) / 64.0);
            if (kind is FillKind.Random or FillKind.NotFinite) return near;
            return (bits >> 4 & 15) switch
            {
                0 => near + ((bits >> 8 & 1) == 0 ? far : -far),
                1 => Math.Round(near),
                _ => near,
            };
        };
    }

    private static Func<long, double> Masks(FillKind kind, CounterRandom random) => kind == FillKind.ExactInteger
        ? i => (random.Below(i, 9) - 2) / 4.0
        : i => (random.Uniform(i) * 2) - 0.5;
}
