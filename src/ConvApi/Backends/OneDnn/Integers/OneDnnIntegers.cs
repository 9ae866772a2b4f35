using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Bindings.OneDnn;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Integers;

/// <summary>
/// How an 8-bit problem is computed: by oneDNN alone where that is exact (or, under <see cref="MathMode.Fast"/>, where it can be
/// fused), else oneDNN's s32 sums with everything after them in our own double arithmetic.
/// </summary>
internal static class OneDnnIntegers
{
    /// <summary>
    /// Without VNNI oneDNN multiplies 8-bit numbers by <c>vpmaddubsw</c>, whose sums of two products end at 32767: wrong for large operands, as its
    /// documentation says (int8 computations). An answer that depends on the processor is none.
    /// </summary>
    public static bool Saturates => OneDnnLibrary.IsAvailable && Dnnl.dnnl_get_effective_cpu_isa() is dnnl_cpu_isa_t.dnnl_cpu_isa_sse41 or dnnl_cpu_isa_t.dnnl_cpu_isa_avx or dnnl_cpu_isa_t.dnnl_cpu_isa_avx2 or dnnl_cpu_isa_t.dnnl_cpu_isa_avx512_core;

    /// <summary>What oneDNN has no integers for; null where it may have.</summary>
    public static string? Lacking(ConvProblem p)
    {
        if (Saturates) return $"data_type {p.InputType.Name()}: without VNNI instructions oneDNN's 8-bit kernels saturate sums of two products at 16 bits";
        if (p.Direction != Direction.Forward) return $"direction {Names.Of(p.Direction)}: the oneDNN engine computes 8-bit integers forward only";
        return p.OutputType == DataType.F64 ? "data_type f64: oneDNN has no f64 on the CPU" : null;
    }

    /// <summary>
    /// Implementations whose sums are wrong: oneDNN 3.7.2's 8-bit convolutions through its matrix product
    /// (<c>x64:gemm_s8u8s32:jit</c>, chosen channels-first for few channels), forward and inside transposed ones, signed and
    /// unsigned; some elements are not even written. The oracle found it; other layouts have kernels that are right.
    /// </summary>
    public static bool IsWrong(ConvProblem p, string implementation) =>
        p.InputType.IsInteger() && implementation.Contains("gemm", StringComparison.Ordinal) && !implementation.Contains("brg", StringComparison.Ordinal);

    /// <summary>True when one primitive gives the exact answer, or the one that fast math permits.</summary>
    public static bool IsDirect(ConvProblem p, MathMode math)
    {
        Quantization q = p.Quantization ?? Quantization.None;
        if (p.WeightType != DataType.S8 || q.WeightZeroPoints.Length > 1 || q.WeightZeroPoints[0] != 0) return false;

        // A transposed convolution's compensation for zero points is oneDNN's weak spot; ours is exact.
        if (q.InputZeroPoint != 0 && p.Op == ConvOp.Transposed) return false;

        // oneDNN converts sums to f32 before bias and post-ops: no loss where the result is f32 or saturates far below 2^24.
        bool wide = p.OutputType == DataType.S32;
        if (wide) return !p.HasBias && p.PostOps.IsNone && q.OutputZeroPoint == 0;
        bool stored = p.OutputType is DataType.S8 or DataType.U8, scaled = OneDnnQuantization.HasScales(p) || p.PostOps.OutputScale is not null;
        if (math == MathMode.Strict && (scaled || (stored && (p.HasBias || p.PostOps.Residual)))) return false;

        // It rounds after adding the output's zero point; only an even one leaves ties where they belong.
        return q.OutputZeroPoint % 2 == 0;
    }

    /// <summary>The convolution that leaves s32 sums; <paramref name="window"/>: of all ones, one output channel a group.</summary>
    public static ConvProblem Sums(ConvProblem p, bool zeroPoint, bool window = false)
    {
        int zero = p.Quantization?.InputZeroPoint ?? 0;
        return p.With(s => s with
        {
            Name = null,
            WeightType = DataType.S8,
            OutputType = DataType.S32,
            HasBias = false,
            PostOps = PostOps.None,
            InputLayout = Plain(s.InputLayout),
            OutputLayout = Plain(s.OutputLayout),
            WeightShape = !window ? s.WeightShape : p.Op == ConvOp.Transposed ? p.Kernel.Prepend(p.InputChannels, 1) : p.Kernel.Prepend(p.Groups, p.InputChannels / p.Groups),
            Quantization = zeroPoint && zero != 0 ? new Quantization { InputZeroPoint = zero } : null,
        });
    }

    /// <summary>An engine's own blocks are no use to the steps around it; its kernels like channels last.</summary>
    public static Layout Plain(Layout layout) => layout == Layout.Any ? Layout.ChannelsLast : layout;
}
