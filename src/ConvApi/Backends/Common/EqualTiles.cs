namespace ConvNative.Backends.Common;

/// <summary>A row cut into equal tiles, the last one moved back to end with the row: one kernel serves all of it.</summary>
internal static class EqualTiles
{
    /// <summary>Length of the tiles of a row of <paramref name="count"/> elements, none longer than <paramref name="most"/>; 0 for an empty row.</summary>
    public static int Of(int count, int most)
    {
        int tiles = (count + most - 1) / most;
        return (count + tiles - 1) / Math.Max(1, tiles);
    }
}
