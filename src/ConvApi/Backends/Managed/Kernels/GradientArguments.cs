namespace ConvNative.Backends.Managed.Kernels;

/// <summary>
/// One call of a gradient kernel: a rectangle of <see cref="Lines"/> by <see cref="Count"/> pixels is added to accumulators in memory.
/// Outer products: <c>out[r][v] += sum a[r][pixel] * b[v][pixel]</c>, single elements of a against vectors of b. Groups:
/// <c>out[t][j] += sum permuted_j(a[pixel]) * b[t][pixel]</c>, vectors against vectors. Steps are in bytes.
/// </summary>
internal unsafe struct GradientArguments
{
    public byte* A;

    /// <summary>From one row of a to the next (outer products); where the last column of vectors begins (walks).</summary>
    public nint AStep;

    /// <summary>From one pixel of a to the next.</summary>
    public nint AElement;

    public nint ALine;

    public byte* B;

    public nint BElement;

    public nint BLine;

    public int Lines;

    public int Count;

    /// <summary>Per tap the offset in b and the offset in out (groups).</summary>
    public nint* Taps;

    /// <summary>A vector of lane numbers for each channel of a group but the first, in units of four bytes (groups); a mask for each column of vectors (walks).</summary>
    public byte* Index;

    public byte* Out;

    /// <summary>From one row of accumulators to the next (outer products).</summary>
    public nint OutStep;
}
