namespace ConvNative.Kernels.Generator;

/// <summary>The sizes of all kernels: what the engine may ask for, and nothing else is compiled.</summary>
internal static class Tiles
{
    public const int MostRows = 14;

    /// <summary>Elements a turn of the micro-kernel's inner loop: stepping and counting cost as much as a third of the products.</summary>
    public const int Unrolled = 4;

    private static readonly int[] s_lengths = [1, 2, 4, 7, 8];

    /// <summary>Rows of the kernels with so many vectors (1, 2 or 4): products of rows by vectors wait in at most 28 registers.</summary>
    public static Sizes Rows(int vectors) => new("TRows", Range(1, Math.Min(MostRows, 28 / vectors)));

    public static int[] Vectors { get; } = [1, 2, 4];

    public static Sizes NarrowRows { get; } = new("TRows", Range(1, MostRows));

    public static Sizes LanesRows { get; } = new("TRows", Range(1, 8));

    public static Sizes SweepTaps { get; } = new("TTaps", 1, 2, 3, 4, 5, 6, 7, 8, 9, 25);

    public static Sizes FlatTaps { get; } = new("TTaps", 3, 5, 7);

    public static Sizes FlatRows { get; } = new("TRows", Range(1, 8));

    public static Sizes RowTaps { get; } = new("TTaps", 3, 5, 7);

    public static Sizes RowPixels { get; } = new("TPixels", s_lengths);

    public static int[] RowStrides { get; } = [1, 2];

    /// <summary>Two result rows of pixels by kernels of so many rows and columns.</summary>
    public static (int Taps, int Stride, Sizes Pixels)[] TwoRows { get; } =
    [
        (3, 1, new("TPixels", 4, 7, 8)), (3, 2, new("TPixels", 4, 7, 8)), (5, 1, new("TPixels", 4, 7)), (5, 2, new("TPixels", 4, 7)), (7, 1, new("TPixels", 4, 7)),
    ];

    public const int SplitTaps = 3;

    public static Sizes SplitRows { get; } = new("TRows", s_lengths);

    public static Sizes GroupRowTaps { get; } = new("TTaps", 3, 5);

    public static Sizes GroupRowPixels { get; } = new("TPixels", s_lengths);

    public static Sizes GradientTaps { get; } = new("TTaps", Range(1, 9));

    public static Sizes GradientChannels { get; } = new("TChannels", 1, 2, 4, 8);

    /// <summary>Taps of a gradient's kernel for groups of so many channels: at most 24 accumulators.</summary>
    public static int MostGradientTaps(int channels) => Math.Min(GradientTaps.Most, 24 / channels);

    /// <summary>A condition for accumulators that 16 registers have no room for: with 32-byte vectors there are no more, and compilers leave such kernels out.</summary>
    public static string Fits(int accumulators) => accumulators > 12 ? " when sizeof(TVec) != 32" : "";

    /// <summary>Every number that a type stands for.</summary>
    public static IEnumerable<int> Numbers() => new[]
    {
        Rows(1), Rows(2), Rows(4), NarrowRows, LanesRows, SweepTaps, FlatTaps, FlatRows, RowTaps, RowPixels, SplitRows, GroupRowTaps, GroupRowPixels, GradientTaps, GradientChannels,
    }.Concat(TwoRows.Select(t => t.Pixels)).SelectMany(s => s.Values).Distinct().Order();

    private static int[] Range(int first, int last) => [.. Enumerable.Range(first, last - first + 1)];
}
