using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative.Cli.Execution;

/// <summary>Copies between logical (channels-first) order and a plain physical layout.</summary>
public static class LayoutConversion
{
    /// <summary>Copies a dense logical tensor into <paramref name="layout"/>; <see cref="Layout.Any"/> counts as channels first.</summary>
    public static void ToPhysical(ReadOnlySpan<byte> logical, Span<byte> physical, Dims shape, int elementSize, Layout layout) =>
        Copy(logical, physical, shape, elementSize, layout, toLast: true);

    /// <summary>The inverse of <see cref="ToPhysical"/>.</summary>
    public static void ToLogical(ReadOnlySpan<byte> physical, Span<byte> logical, Dims shape, int elementSize, Layout layout) =>
        Copy(physical, logical, shape, elementSize, layout, toLast: false);

    private static void Copy(ReadOnlySpan<byte> from, Span<byte> to, Dims shape, int elementSize, Layout layout, bool toLast)
    {
        if (layout != Layout.ChannelsLast || shape.Count < 3)
        {
            from.CopyTo(to);
            return;
        }

        // Both layouts keep axis 0 outermost; the rest is one matrix transpose, channels by positions.
        int outer = checked((int)shape[0]), channels = checked((int)shape[1]), positions = checked((int)shape.Slice(2).Product);
        int rows = toLast ? channels : positions, columns = toLast ? positions : channels, plane = checked(rows * columns);
        for (int n = 0; n < outer; n++)
        {
            ReadOnlySpan<byte> source = from.Slice(n * plane * elementSize, plane * elementSize);
            Span<byte> target = to.Slice(n * plane * elementSize, plane * elementSize);
            switch (elementSize)
            {
                case 1: Transpose(source, target, rows, columns); break;
                case 2: Transpose(MemoryMarshal.Cast<byte, ushort>(source), MemoryMarshal.Cast<byte, ushort>(target), rows, columns); break;
                case 4: Transpose(MemoryMarshal.Cast<byte, uint>(source), MemoryMarshal.Cast<byte, uint>(target), rows, columns); break;
                default: Transpose(MemoryMarshal.Cast<byte, ulong>(source), MemoryMarshal.Cast<byte, ulong>(target), rows, columns); break;
            }
        }
    }

    private static void Transpose<T>(ReadOnlySpan<T> source, Span<T> target, int rows, int columns)
    {
        // Square tiles: large feature maps would otherwise miss the cache at every store.
        const int Tile = 32;
        for (int r0 = 0; r0 < rows; r0 += Tile)
            for (int c0 = 0; c0 < columns; c0 += Tile)
                for (int r = r0, rEnd = Math.Min(rows, r0 + Tile); r < rEnd; r++)
                    for (int c = c0, cEnd = Math.Min(columns, c0 + Tile); c < cEnd; c++)
                        target[(c * rows) + r] = source[(r * columns) + c];
    }
}
