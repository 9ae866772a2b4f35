using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative.Cli.Checking;

/// <summary>Moves tensors between logical order (channels first) and the two plain layouts.</summary>
public static class PlainLayout
{
    /// <summary>From logical order to <paramref name="layout"/>; lengths are equal, the memory must not overlap.</summary>
    public static void FromLogical(ReadOnlySpan<byte> logical, Span<byte> physical, Dims shape, Layout layout, int elementSize)
    {
        if (!Swaps(shape, layout)) logical.CopyTo(physical);
        else Swap(logical, physical, shape[0], shape[1], Spatial(shape), elementSize);
    }

    /// <summary>The inverse of <see cref="FromLogical"/>.</summary>
    public static void ToLogical(ReadOnlySpan<byte> physical, Span<byte> logical, Dims shape, Layout layout, int elementSize)
    {
        if (!Swaps(shape, layout)) physical.CopyTo(logical);
        else Swap(physical, logical, shape[0], Spatial(shape), shape[1], elementSize);
    }

    private static bool Swaps(Dims shape, Layout layout) => layout == Layout.ChannelsLast && shape.Count >= 3;

    private static long Spatial(Dims shape) => shape.Slice(2).Product;

    // [batch, rows, columns] to [batch, columns, rows].
    private static void Swap(ReadOnlySpan<byte> from, Span<byte> to, long batch, long rows, long columns, int size)
    {
        switch (size)
        {
            case 1: Swap(from, to, batch, rows, columns); break;
            case 2: Swap(MemoryMarshal.Cast<byte, ushort>(from), MemoryMarshal.Cast<byte, ushort>(to), batch, rows, columns); break;
            case 4: Swap(MemoryMarshal.Cast<byte, uint>(from), MemoryMarshal.Cast<byte, uint>(to), batch, rows, columns); break;
            default: Swap(MemoryMarshal.Cast<byte, ulong>(from), MemoryMarshal.Cast<byte, ulong>(to), batch, rows, columns); break;
        }
    }

    private static void Swap<T>(ReadOnlySpan<T> from, Span<T> to, long batch, long rows, long columns)
    {
        for (long n = 0; n < batch; n++)
        {
            int origin = checked((int)(n * rows * columns));
            for (int r = 0; r < rows; r++)
            {
                ReadOnlySpan<T> row = from.Slice(origin + (r * (int)columns), (int)columns);
                for (int c = 0; c < row.Length; c++) to[origin + (c * (int)rows) + r] = row[c];
            }
        }
    }
}
