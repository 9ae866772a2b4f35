using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>Kernel columns <c>FirstTap</c> to <c>EndTap</c> of a phase, and the pixels of a tile for which they read elements: <c>Rows</c> of them from <c>Row</c> on.</summary>
internal readonly record struct ColumnStep(int FirstTap, int EndTap, int Row, int Rows)
{
    public int Taps => EndTap - FirstTap;
}

/// <summary>
/// A tile of neighbouring columns, and the steps in which its pixels are summed: pixels at the border leave out the kernel columns that
/// lie in the padding. The first step reaches all pixels, the others add to what is there.
/// </summary>
internal sealed record ColumnTile(int First, int Count, ColumnStep[] Steps)
{
    // Multiply-adds of a vector that loading and storing an accumulator anew costs, with its share of a call.
    private const int StepCost = 4;

    // What a tile takes, roughly.
    private const int TileBytes = 160;

    /// <summary>
    /// Cuts the columns of a phase into tiles as equal as can be, none longer than <paramref name="most"/>; null where a tile has no kernel
    /// column that reaches all of its pixels.
    /// </summary>
    public static ColumnTile[]? Exact(PhaseAxis axis, Phase phase, int most)
    {
        ColumnTile[] tiles = Whole(phase, most);
        for (int i = 0; i < tiles.Length; i++)
        {
            (int first, int count) = (tiles[i].First, tiles[i].Count);
            if (phase.Offset.Length > 0 && Place(first, 0) >= 0 && Place(first + count - 1, phase.Offset.Length - 1) < axis.SourceSize) continue;
            var steps = new List<ColumnStep>();
            for (int k = 0; k < phase.Offset.Length; k++)
            {
                long start = Place(first, k);
                int row = (int)Math.Clamp(-ConvGeometry.FloorDiv(start, axis.SourceStep), 0, count);
                int end = (int)Math.Clamp(-ConvGeometry.FloorDiv(start - axis.SourceSize, axis.SourceStep), row, count);
                if (row == end) continue;
                if (steps.Count > 0 && steps[^1] is var last && (last.EndTap, last.Row, last.Rows) == (k, row, end - row)) steps[^1] = last with { EndTap = k + 1 };
                else steps.Add(new ColumnStep(k, k + 1, row, end - row));
            }

            int full = steps.FindIndex(s => s.Rows == count);
            if (full < 0) return null;
            ColumnStep all = steps[full];
            steps.RemoveAt(full);
            tiles[i] = new ColumnTile(first, count, [all, .. steps]);
        }

        return tiles;

        long Place(int column, int tap) => ((long)column * axis.SourceStep) + phase.Offset[tap];
    }

    /// <summary>The same tiles, all of their pixels under all kernel columns.</summary>
    public static ColumnTile[] Whole(Phase phase, int most)
    {
        var tiles = new ColumnTile[(phase.Count + most - 1) / most];
        MemoryBudget.Take(tiles.Length * (Int128)TileBytes);
        for (int i = 0, first = 0; i < tiles.Length; i++)
        {
            int count = (phase.Count - first + tiles.Length - i - 1) / (tiles.Length - i);
            tiles[i] = new ColumnTile(first, count, [new ColumnStep(0, phase.Offset.Length, 0, count)]);
            first += count;
        }

        return tiles;
    }

    /// <summary>True where leaving out the padding costs less than multiplying it; <paramref name="depth"/> elements are summed for each kernel column.</summary>
    public bool Saves(int taps, long depth) =>
        (Steps.Sum(s => (long)s.Rows * s.Taps) * depth) + ((Steps.Length - 1L) * Count * StepCost) < (long)Count * taps * depth;
}
