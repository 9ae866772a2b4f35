namespace ConvNative.Backends.Managed.Kernels;

/// <summary>The kernels of one element type for depthwise convolutions and groups of a few channels, on the widest vectors of this machine; null where there is none.</summary>
internal abstract unsafe class DepthwiseSet
{
    /// <summary>Elements of a vector.</summary>
    public abstract int Lanes { get; }

    /// <summary>Vectors that the registers hold.</summary>
    public abstract int Registers { get; }

    public static DepthwiseSet For<T>()
        where T : unmanaged => (DepthwiseSet)Widest.For<T, Factory>();

    /// <summary>Rows of one vector, vectors of a with vectors of b.</summary>
    public abstract delegate*<MicroArguments*, void> Rows(int rows);

    /// <summary>Rows of one vector that holds several groups: channels of a are spread over the lanes of their group.</summary>
    public abstract delegate*<MicroArguments*, void> Groups(int rows);

    /// <summary>Vectors of b against single weights of a, <c>Run</c> vectors on.</summary>
    public abstract delegate*<MicroArguments*, void> Sweep(int taps);

    /// <summary>Result rows of a plane against a kernel of so many rows.</summary>
    public abstract delegate*<MicroArguments*, void> Flat(int taps, int rows);

    /// <summary>Pixels of a channels-last row against a kernel of so many columns.</summary>
    public abstract delegate*<MicroArguments*, void> Row(int taps, int stride, int pixels);

    /// <summary>Two rows of so many pixels, vectors along channels; null too where results and two rows of weights outgrow the registers.</summary>
    public abstract delegate*<MicroArguments*, void> Tile(int taps, int stride, int pixels);

    /// <summary>Stride 2 on channels-first planes: the first column is even (0) or odd (1), so many result rows.</summary>
    public abstract delegate*<MicroArguments*, void> Split(int taps, int first, int rows);

    /// <summary>So many pixels of a row, vectors of several groups.</summary>
    public abstract delegate*<MicroArguments*, void> GroupRow(int taps, int stride, int pixels);

    private readonly struct Factory : IVectorFactory
    {
        static object IVectorFactory.Of<TOps, TVec>() => new Of<TOps, TVec>();
    }

    private sealed class Of<TOps, TVec> : DepthwiseSet
        where TOps : struct, ISortingOps<TVec>
        where TVec : unmanaged
    {
        public override int Lanes => sizeof(TVec) / TOps.ElementSize;

        public override int Registers => TOps.Accumulators < 24 ? 16 : 32;

        public override delegate*<MicroArguments*, void> Rows(int rows) => LanesKernels<TOps, TVec>.Find(rows);

        public override delegate*<MicroArguments*, void> Groups(int rows) => LanesKernels<TOps, TVec>.FindGroups(rows);

        public override delegate*<MicroArguments*, void> Sweep(int taps) => SweepKernels<TOps, TVec>.Find(taps);

        public override delegate*<MicroArguments*, void> Flat(int taps, int rows) => FlatKernels<TOps, TVec>.Find(taps, rows);

        public override delegate*<MicroArguments*, void> Row(int taps, int stride, int pixels) => RowKernels<TOps, TVec>.Find(taps, stride, pixels);

        public override delegate*<MicroArguments*, void> Tile(int taps, int stride, int pixels) =>
            (2 * pixels) + (2 * taps) + 1 > Registers ? null : TileKernels<TOps, TVec>.Find(taps, stride, pixels);

        public override delegate*<MicroArguments*, void> Split(int taps, int first, int rows) => SplitKernels<TOps, TVec>.Find(taps, first, rows);

        public override delegate*<MicroArguments*, void> GroupRow(int taps, int stride, int pixels) => GroupRowKernels<TOps, TVec>.Find(taps, stride, pixels);
    }
}
