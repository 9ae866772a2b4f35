using ConvNative.Backends.CuDnn.Device;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>Our kernels as words of a program: each adds a launch with the arguments that native/cuda/README.md lists.</summary>
internal static class CudaCopies
{
    private const long MostSlices = 256;

    /// <summary>
    /// To another layout or type; <paramref name="shift"/> is added to integers on the way. Where one of the two has more channels, the
    /// first that both have are copied.
    /// </summary>
    public static void Convert(this CudaProgram pr, Operand from, CudaTensor source, Operand to, CudaTensor target, int shift = 0, bool toWeights = false)
    {
        long rows = Math.Min(source.Shape[0], target.Shape[0]), channels = Math.Min(source.Shape[1], target.Shape[1]);
        pr.Kernel("convert.cu", "cn_convert", rows * channels * source.Shape.Slice(2).Product, source.Type, target.Type, toWeights: toWeights)
            .Add(to).Add(from).Add(target.Strides).Add(source.Strides).Add(rows).Add(channels).Add(source.Depth).Add(source.Height).Add(source.Width).Add(shift).Add(target.Last);
    }

    /// <summary>The tensor as <paramref name="target"/> has it: itself where nothing differs, else a copy.</summary>
    public static Operand As(this CudaProgram pr, Operand from, CudaTensor source, CudaTensor target, string purpose, bool toWeights = false)
    {
        if (SameBytes(source, target)) return from;
        Operand to = pr.Scratch(purpose, target.Bytes, counts: !toWeights);
        pr.Convert(from, source, to, target, toWeights: toWeights);
        pr.Note($"{from.Name} is copied: {purpose}");
        return to;
    }

    /// <summary>Whether the two are the same bytes: also where an axis of size 1 makes the order meaningless.</summary>
    public static bool SameBytes(CudaTensor a, CudaTensor b) =>
        a.Type == b.Type && (a.IsLast == b.IsLast || a.Shape[1] == 1 || a.Shape.Slice(2).Product == 1);

    /// <summary>Extends (or crops) spatial axes; the target has the source's type.</summary>
    public static void Pad(this CudaProgram pr, Operand from, CudaTensor source, Operand to, CudaTensor target, Dims begin, Dims end, PaddingMode mode, ulong constant)
    {
        KernelExtent extent = KernelExtent.Of(source.Shape, begin, end);
        pr.Kernel("pad.cu", "cn_pad", target.Count, source.Type, bytes: source.Type.SizeOf())
            .Add(to).Add(from).Add(target.Strides).Add(source.Strides).Add(source.Shape[0]).Add(source.Shape[1]).Add(extent).Add((int)mode).Add(constant).Add(target.Last);
    }

    /// <summary>The adjoint of <see cref="Pad"/>: what the copies received goes back to the element that they came from.</summary>
    public static void Fold(this CudaProgram pr, Operand from, CudaTensor source, Operand to, CudaTensor target, Dims begin, Dims end, PaddingMode mode)
    {
        KernelExtent extent = KernelExtent.Of(target.Shape, begin, end);
        pr.Kernel("pad.cu", "cn_fold", target.Count, source.Type, target.Type)
            .Add(to).Add(from).Add(target.Strides).Add(source.Strides).Add(target.Shape[0]).Add(target.Shape[1]).Add(extent).Add((int)mode).Add(target.Last);
    }

    /// <summary>Weights with every kernel reversed.</summary>
    public static Operand Flip(this CudaProgram pr, Operand from, CudaTensor weights, Operand? to, bool toWeights)
    {
        Operand target = to ?? pr.Scratch("flipped weights", weights.Bytes, counts: !toWeights);
        Dims s = weights.Shape;
        pr.Kernel("rearrange.cu", "cn_flip", weights.Count, weights.Type, bytes: weights.Type.SizeOf(), toWeights: toWeights)
            .Add(target).Add(from).Add(weights.IsLast ? s[0] : s[0] * s[1]).Add(s.Slice(2).Product).Add(weights.IsLast ? s[1] : 1L);
        return target;
    }

    /// <summary>Bias, residual, activation and output scale; sums and output have one layout and may be one memory where their types agree.</summary>
    public static void Epilogue(this CudaProgram pr, Operand sums, DataType sumType, Operand to, CudaTensor output)
    {
        ConvProblem p = pr.Problem;
        PostOps ops = p.PostOps;
        pr.Kernel("epilogue.cu", "cn_epilogue", output.Count, sumType, output.Type, p.BiasType)
            .Add(to).Add(sums).Add(p.HasBias ? pr.Bias : null).Add(ops.Residual ? pr.Residual : null).Add(output.Count).Add(output.Inner).Add(output.Shape[1])
            .Add(ops.ResidualScale).Add((int)ops.Activation.Kind).Add(ops.Activation.Alpha).Add(ops.Activation.Beta).Add(ops.OutputScale ?? 1.0);
        pr.Name("epilogue");
    }

    /// <summary>The sum of the output's gradient over batch and space, in a fixed order; skipped where the caller wants no bias gradient.</summary>
    public static void BiasGradient(this CudaProgram pr, Operand result)
    {
        ConvProblem p = pr.Problem;
        var dy = new CudaTensor(p.OutputShape, p.OutputLayout, p.OutputType);
        long channels = dy.Shape[1], plane = dy.Shape.Slice(2).Product, bundles = (channels + 31) / 32;
        long slices = Math.Clamp(dy.Shape[0] * plane / 4096, 1, MostSlices);
        DataType partialType = dy.Type == DataType.F64 ? DataType.F64 : DataType.F32;
        Operand partial = pr.Scratch("partial bias gradients", slices * channels * partialType.SizeOf());
        pr.Kernel("bias_gradient.cu", "cn_bias_partial", slices * bundles, dy.Type, p.BiasType).Blocks(slices * bundles).OnlyWith(result)
            .Add(partial).Add(pr.Gradient).Add(dy.Shape[0]).Add(channels).Add(plane).Add(slices).Add(dy.Last);
        pr.Kernel("bias_gradient.cu", "cn_bias_finish", channels, dy.Type, p.BiasType).OnlyWith(result)
            .Add(result).Add(partial).Add(channels).Add(slices);
        pr.Name("bias_gradient");
    }

    /// <summary>A constant's bits in a type, as the moving kernels take them.</summary>
    public static ulong Bits(double value, DataType type) => type switch
    {
        DataType.F64 => BitConverter.DoubleToUInt64Bits(value),
        DataType.F32 => BitConverter.SingleToUInt32Bits((float)value),
        DataType.F16 => BitConverter.HalfToUInt16Bits((Half)value),
        DataType.BF16 => Common.Numbers.HalfPrecision.BFloat16((float)value),
        DataType.S8 => (byte)(sbyte)Math.Clamp(Math.Round(value), -128, 127),
        DataType.U8 => (byte)Math.Clamp(Math.Round(value), 0, 255),
        _ => (uint)(int)value,
    };
}
