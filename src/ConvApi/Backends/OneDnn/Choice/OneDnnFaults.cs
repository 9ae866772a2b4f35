using ConvNative.Backends.OneDnn.Library;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn.Choice;

/// <summary>
/// Problems that kernels of oneDNN get wrong or do not survive, and the step to its next implementation. By kernel, with the versions that
/// have the fault:
/// <list type="bullet">
/// <item><c>brg_conv_fwd</c>, also inside a transposed convolution's data gradient: 3.7.2 (found by tests/outside, and bounded by some 30,000 random
/// small problems, of which no other was wrong), 3.12.1 (bf16 one deep, f32 one wide).</item>
/// <item><c>jit_bf16</c>, gradient of the weights, 3-D and one deep: 3.7.2; not seen on 3.12.1 in one shape.</item>
/// <item><c>jit_1x1</c>, gradient of the weights, strided, pointwise, channels last, fewer channels than a block: 3.7.2 and 3.12.1 (uxlfoundation/oneDNN#6035).</item>
/// <item><c>jit_bf16_1x1</c>, the same: 3.7.2; not seen on 3.12.1.</item>
/// </list>
/// The guards hold for every version: one that has no fault loses a little speed.
/// </summary>
internal static class OneDnnFaults
{
    // Channels in a block with AVX-512; with AVX2 there are 8.
    private const int LargestBlock = 16;

    /// <summary>Goes on to the first implementation that is safe for the problem.</summary>
    /// <returns>The descriptor, or null (and disposed) where no other implementation is left.</returns>
    public static DnnlPrimitiveDescHandle? Skip(DnnlPrimitiveDescHandle pd, ConvProblem p)
    {
        bool transposed = p.Op == ConvOp.Transposed, weights = p.Direction == Direction.BackwardWeights, data = p.Direction == Direction.BackwardData;
        if (weights && IsStridedPointwise(p)) return SkipPointwise(pd, transposed);
        if (weights ? !IsFlat(p, p.InputShape) : transposed != data || !(IsWrong(p, data) || SkipsInput(p, data))) return pd;
        string kernel = weights ? "jit_bf16" : "brg_conv_fwd";
        while (OneDnnRuntime.ImplementationOf(pd.Raw).Contains(kernel, StringComparison.Ordinal))
        {
            // The gradients' next implementations crash.
            if (p.Direction == Direction.Forward && dnnl_primitive_desc_next_impl(pd.Raw) == dnnl_status_t.dnnl_success) continue;
            pd.Dispose();
            return null;
        }

        return pd;
    }

    /// <summary>A transposed convolution's data gradient that reads nothing, and is zero: the kernel crashes.</summary>
    public static bool IsZero(ConvProblem p) => p is { Op: ConvOp.Transposed, Direction: Direction.BackwardData } && SkipsInput(p, swapped: true);

    /// <summary>The kind that the pointwise kernels first gather into memory of their own.</summary>
    private static bool IsStridedPointwise(ConvProblem p) =>
        p.Groups == 1 && (p.Op == ConvOp.Transposed ? p.OutputChannels : p.InputChannels) < LargestBlock && p.Kernel.All(k => k == 1) && p.Strides.Any(s => s > 1);

    /// <summary>
    /// Pointwise kernels book that memory for as many channels as there are and step through it by a block of channels (16, or 8): with fewer they
    /// write beyond it, and what comes back depends on what lay there. Blocked layouts are what the step is meant for.
    /// </summary>
    private static DnnlPrimitiveDescHandle? SkipPointwise(DnnlPrimitiveDescHandle pd, bool transposed) =>
        OneDnnRuntime.SkipWhile(pd, d => OneDnnRuntime.ImplementationOf(d.Raw).Contains("_1x1:", StringComparison.Ordinal) && !IsBlocked(d, transposed));

    /// <summary>The side that the kernel reads as its image is in oneDNN's blocks of channels.</summary>
    private static unsafe bool IsBlocked(DnnlPrimitiveDescHandle pd, bool transposed)
    {
        using DnnlMemoryDescHandle read = OneDnnRuntime.Query(pd.Raw, transposed ? dnnl_query_t.dnnl_query_diff_dst_md : dnnl_query_t.dnnl_query_src_md);
        int blocks;
        dnnl_memory_desc_query(read.Raw, dnnl_query_t.dnnl_query_inner_nblks_s32, &blocks).ThrowIfFailed(nameof(dnnl_memory_desc_query));
        return blocks > 0;
    }

    /// <summary>
    /// One channel a group: wrong where a 3-D input is one deep and the kernel deeper (bf16 and 8-bit), where a strided output is
    /// one wide, and where 8-bit groups have a zero point beside padding.
    /// </summary>
    private static bool IsWrong(ConvProblem p, bool swapped)
    {
        Dims read = swapped ? p.OutputShape : p.InputShape, written = swapped ? p.InputShape : p.OutputShape;
        int last = p.Rank - 1;
        return p.Rank > 1 && read[1] == p.Groups
            && (IsFlat(p, read)
                || (written[last + 2] == 1 && p.Strides[last] > 1)
                || (p.Groups > 1 && p.Quantization is { InputZeroPoint: not 0 } && (p.PadsBegin[last] > 0 || p.PadsEnd[last] > 0)));
    }

    private static bool IsFlat(ConvProblem p, Dims read) => p.Rank == 3 && read[2] == 1 && p.Kernel[0] > 1;

    /// <summary>
    /// True where no output reads any input along the last axis, the stride stepping over all of it from padding to padding:
    /// the kernel crashes when a bias or a post-op is left to do.
    /// </summary>
    private static bool SkipsInput(ConvProblem p, bool swapped)
    {
        int i = p.Rank - 1;
        long size = (swapped ? p.OutputShape : p.InputShape)[i + 2], outputs = (swapped ? p.InputShape : p.OutputShape)[i + 2];
        long stride = p.Strides[i], begin = p.PadsBegin[i];
        for (long k = 0; k < p.Kernel[i]; k++)
        {
            long start = (k * p.Dilations[i]) - begin, first = Math.Max(0, -ConvGeometry.FloorDiv(start, stride));
            if (first < outputs && (first * stride) + start < size) return false;
        }

        return true;
    }
}
