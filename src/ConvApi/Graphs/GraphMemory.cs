namespace ConvNative.Graphs;

/// <summary>When each tensor of a plan is needed, and where it lies.</summary>
internal static class GraphMemory
{
    private const long Alignment = 64;

    /// <summary>
    /// Byte offsets of the tensors in the arena (0 for the others), its size, and the least that any placement needs, given which convolutions
    /// may write over their residual.
    /// </summary>
    public static (long[] Offsets, long Size, long Least) Place(IReadOnlyList<GraphTensor> tensors, IReadOnlyList<GraphStep> steps, bool keepAll, Func<ConvStep, bool> addsInPlace)
    {
        int[] first = new int[tensors.Count], last = new int[tensors.Count], block = new int[tensors.Count];
        Array.Fill(first, -1);
        for (int s = 0; s < steps.Count; s++)
        {
            (first[steps[s].Output], last[steps[s].Output]) = (s, s);
            foreach (int r in steps[s].Reads)
                if (r >= 0) last[r] = s;
        }

        var blocks = new List<MemoryPlan.Block>();
        for (int s = 0; s < steps.Count; s++)
        {
            int t = steps[s].Output;
            if (tensors[t].Place != TensorPlace.Arena) continue;
            int end = keepAll ? steps.Count : last[t];
            if (!keepAll && Over(steps[s]) is >= 0 and var under && tensors[under].Place == TensorPlace.Arena && last[under] == s)
            {
                block[t] = block[under];
                blocks[block[t]] = blocks[block[t]] with { Last = end };
                continue;
            }

            block[t] = blocks.Count;
            blocks.Add(new MemoryPlan.Block((tensors[t].Length * sizeof(float) + Alignment - 1) / Alignment * Alignment, s, end));
        }

        (long[] offsets, long size) = MemoryPlan.Place(blocks);
        var result = new long[tensors.Count];
        for (int t = 0; t < result.Length; t++)
            if (tensors[t].Place == TensorPlace.Arena) result[t] = offsets[block[t]];
        return (result, size, MemoryPlan.LowerBound(blocks));

        // What the step can write over once nobody needs it any more: an element-wise one its input (x*gate + x needs x again), a convolution its residual.
        int Over(GraphStep step) => step switch
        {
            ElementStep e when e.Gate < 0 || e.Addend != e.Input => e.Input,
            ConvStep c when c.Residual >= 0 && c.Residual != c.Input && c.Residual != c.Offset && c.Residual != c.Mask && addsInPlace(c) => c.Residual,
            _ => -1,
        };
    }
}
