namespace ConvNative.Graphs;

/// <summary>Offsets for blocks that live from one step to another, so that blocks alive at the same time do not overlap.</summary>
internal static class MemoryPlan
{
    private const int Exchanges = 400;

    /// <summary>A block: its size and the first and last step that it is needed in.</summary>
    public readonly record struct Block(long Size, int First, int Last);

    /// <summary>The least that any placement needs: the most bytes alive in one step.</summary>
    public static long LowerBound(IReadOnlyList<Block> blocks)
    {
        long most = 0;
        int end = blocks.Count == 0 ? 0 : blocks.Max(b => b.Last) + 1;
        for (int step = 0; step < end; step++) most = Math.Max(most, blocks.Where(b => b.First <= step && step <= b.Last).Sum(b => b.Size));
        return most;
    }

    /// <summary>
    /// Places the blocks one after the other, each in the smallest gap that the earlier ones leave it: large ones first (Pisarchyk and Lee,
    /// Efficient Memory Management for Deep Neural Net Inference, 2020, "greedy by size") and in other orders; where none reaches the lower
    /// bound, the best order is improved by exchanging two blocks at a time. The same blocks always get the same places.
    /// </summary>
    public static (long[] Offsets, long Size) Place(IReadOnlyList<Block> blocks)
    {
        IEnumerable<int> all = Enumerable.Range(0, blocks.Count);
        int[][] orders =
        [
            [.. all.OrderByDescending(i => blocks[i].Size).ThenBy(i => blocks[i].First)],
            [.. all.OrderBy(i => blocks[i].First).ThenByDescending(i => blocks[i].Size)],
            [.. all.OrderByDescending(i => blocks[i].Last).ThenByDescending(i => blocks[i].Size)],
            [.. all.OrderByDescending(i => blocks[i].Size * (blocks[i].Last - blocks[i].First + 1))],
        ];
        long least = LowerBound(blocks);
        int[] order = orders[0];
        (long[] Offsets, long Size) best = Place(blocks, order);
        foreach (int[] other in orders.Skip(1)) Try(other);
        var random = new Random(1);
        for (int i = 0; i < Exchanges && best.Size > least && blocks.Count > 1; i++)
        {
            int[] other = [.. order];
            (int a, int b) = (random.Next(other.Length), random.Next(other.Length));
            (other[a], other[b]) = (other[b], other[a]);
            Try(other);
        }

        return best;

        void Try(int[] other)
        {
            (long[] Offsets, long Size) placed = Place(blocks, other);
            // Equal ones are taken too: they lead away from where nothing gets better.
            if (placed.Size <= best.Size) (best, order) = (placed, other);
        }
    }

    private static (long[] Offsets, long Size) Place(IReadOnlyList<Block> blocks, int[] order)
    {
        var offsets = new long[blocks.Count];
        var placed = new List<int>();
        long size = 0;
        foreach (int i in order)
        {
            long at = 0, best = -1, bestGap = long.MaxValue;
            foreach (int j in placed.Where(j => blocks[j].First <= blocks[i].Last && blocks[i].First <= blocks[j].Last).OrderBy(j => offsets[j]))
            {
                long gap = offsets[j] - at;
                if (gap >= blocks[i].Size && gap < bestGap) (best, bestGap) = (at, gap);
                at = Math.Max(at, offsets[j] + blocks[j].Size);
            }

            offsets[i] = best >= 0 ? best : at;
            size = Math.Max(size, offsets[i] + blocks[i].Size);
            placed.Add(i);
        }

        return (offsets, size);
    }
}
