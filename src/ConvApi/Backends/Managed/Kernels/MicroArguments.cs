
namespace ConvNative.Backends.Managed.Kernels;

/// <summary>What a micro-kernel does with its sums before it stores them.</summary>
internal enum FinishKind
{
    None,

    /// <summary>Keeps them between two limits.</summary>
    Limits,

    /// <summary>Adds a scaled residual first.</summary>
    ResidualAndLimits,
}

/// <summary>
/// One call of a micro-kernel: <c>out[r][v] = init[r][v] + sum over taps t and elements e of a[r][t][e] * b[t][e][v]</c>, for R
/// rows of single elements against V vectors. Steps are in bytes.
/// </summary>
internal unsafe struct MicroArguments
{
    /// <summary>Tiles side by side, each as many rows on; 0 is one. Kernels of rows by vectors only.</summary>
    public int Tiles;

    /// <summary>Row 0 of a.</summary>
    public byte* A;

    /// <summary>From one element of a tap to the next.</summary>
    public nint AElement;

    /// <summary>From one row of a to the next.</summary>
    public nint AStep;

    /// <summary>Vectors of tap 0, element 0.</summary>
    public byte* B;

    /// <summary>From one element's vectors to the next element's.</summary>
    public nint BStep;

    /// <summary>Kernels of four vectors: from the first two of them to the other two; 0 where they lie side by side.</summary>
    public nint BRight;

    /// <summary>Per tap the offset in a and the offset in b.</summary>
    public nint* Taps;

    public int TapCount;

    /// <summary>Elements of a tap.</summary>
    public int Run;

    /// <summary>What is wanted in a cache next: the line at this address is asked for once every four elements of a dense tile, and the address moves on.</summary>
    public byte* Fetch;

    /// <summary>How far <see cref="Fetch"/> moves for each of these elements; 0 for no hint. Beyond a quarter of a line some lines are left out.</summary>
    public nint FetchStep;

    /// <summary>Where <see cref="Fetch"/> is to stop; the caller of the kernels looks at it.</summary>
    public byte* FetchEnd;

    /// <summary>Where the accumulators begin: bias.</summary>
    public byte* Init;

    /// <summary>From one row's begin values to the next row's; 0 where all rows share them.</summary>
    public nint InitStep;

    /// <summary>Vectors of lane numbers, in units of four bytes: which channel of a goes to which lane, an element each (several groups a vector); or the masks of a plane's columns.</summary>
    public byte* Index;

    /// <summary>Pixels of a row from here on exist (channels-last rows).</summary>
    public int First;

    /// <summary>Pixels of a row from here on do not exist.</summary>
    public int End;

    /// <summary>Source rows of a tile from here on exist.</summary>
    public int FirstRow;

    /// <summary>Source rows of a tile from here on do not exist.</summary>
    public int EndRow;

    /// <summary>From one source row of a tile to the next.</summary>
    public nint ALine;

    /// <summary>From one result row of a tile to the next.</summary>
    public nint OutLine;

    /// <summary>What becomes of the sums before they are stored; kernels of rows by vectors only.</summary>
    public FinishKind Finish;

    /// <summary>From a result to its residual, in bytes: 0 where the result is written over it.</summary>
    public nint Residual;

    /// <summary>Elements side by side: least, most, factor of the residual.</summary>
    public byte* Limits;

    public byte* Out;

    /// <summary>From one row of the result to the next.</summary>
    public nint OutStep;
}
