namespace ConvNative.Backends.Common.Geometry;

/// <summary>A row cut into equal tiles, the last one moved back to end with the row: one kernel serves all of it.</summary>
internal static class EqualTiles
{
    /// <summary>Length of the tiles of a row of <paramref name="count"/> elements, none longer than <paramref name="most"/>; 0 for an empty row.</summary>
    public static int Of(int count, int most)
    {
        if (count == 0) return 0;
        int tiles = (count + most - 1) / most;
        return (count + tiles - 1) / tiles;
    }

    /// <summary>The length among <paramref name="lengths"/> whose tiles cost least, where each costs as much as two elements more; 0 if all are longer than the row.</summary>
    public static int Best(int count, IEnumerable<int> lengths)
    {
        int best = 0;
        long least = long.MaxValue;
        foreach (int l in lengths)
        {
            long cost = (count + l - 1L) / l * (l + 2L);
            if (l <= count && cost < least) (best, least) = (l, cost);
        }

        return best;
    }
}
