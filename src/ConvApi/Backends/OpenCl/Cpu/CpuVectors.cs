using ConvNative.Backends.Common.Geometry;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>A CPU device's vectors of one type: elements of the widest, and how many sums fit its registers.</summary>
/// <param name="Lanes">Elements of a vector.</param>
/// <param name="Accumulators">Vectors that hold sums; the other registers hold weights and a source element.</param>
internal readonly record struct CpuVectors(int Lanes, int Accumulators)
{
    /// <summary>Vectors for elements of <paramref name="elementSize"/> bytes where the device prefers <paramref name="preferred"/> of them.</summary>
    public static CpuVectors Of(int preferred, int elementSize)
    {
        int lanes = preferred switch { >= 16 => 16, >= 8 => 8, >= 4 => 4, _ => 2 };

        // 64 bytes mean AVX-512 and its 32 registers; x86 has 16 narrower ones.
        return new(lanes, lanes * elementSize >= 64 ? 28 : 12);
    }

    /// <summary>Pixels and vectors of a tile for rows of <paramref name="columns"/> and <paramref name="channels"/> outputs a group.</summary>
    public (int Pixels, int Vectors) Tile(int columns, int channels)
    {
        int vectors = channels <= Lanes ? 1 : channels > 2 * Lanes && columns <= Accumulators / 4 ? 4 : 2;
        return (Math.Max(1, EqualTiles.Of(columns, MostRows(vectors))), vectors);
    }

    /// <summary>Rows of a tile of that many vectors; 0 where no kernel has so many.</summary>
    public int MostRows(int vectors) => vectors switch { 1 => Accumulators / 2, 2 or 4 => Accumulators / vectors, _ => 0 };
}
