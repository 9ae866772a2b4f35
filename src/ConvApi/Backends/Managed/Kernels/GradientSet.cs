namespace ConvNative.Backends.Managed.Kernels;

/// <summary>The gradient kernels of one element type on the widest vectors of this machine.</summary>
internal abstract unsafe class GradientSet
{
    /// <summary>Elements of a vector.</summary>
    public abstract int Lanes { get; }

    /// <summary>3x3 between two planes, vectors along their rows.</summary>
    public abstract delegate*<GradientArguments*, void> Walk { get; }

    protected abstract int Accumulators { get; }

    public static GradientSet For<T>()
        where T : unmanaged => (GradientSet)Widest.For<T, Factory>();

    /// <summary>Outer products of <paramref name="rows"/> single elements and <paramref name="vectors"/> (1, 2 or 4) vectors.</summary>
    public delegate*<GradientArguments*, void> Outer(int rows, int vectors) => Known(FindOuter(rows, vectors), rows, vectors);

    /// <summary>Lane by lane, <paramref name="taps"/> taps for groups of <paramref name="channels"/> (1, 2, 4 or 8).</summary>
    public delegate*<GradientArguments*, void> Groups(int taps, int channels) => Known(FindGroups(taps, channels), taps, channels);

    /// <summary>Most rows beside that many vectors.</summary>
    public int MostRows(int vectors) => Math.Min(14, Accumulators / vectors);

    /// <summary>Most taps of one call for groups of <paramref name="channels"/>; the orders of the group take registers too.</summary>
    public int MostTaps(int channels) => Math.Clamp((Accumulators >= 24 ? 24 : 12) / channels, 1, 9);

    protected abstract delegate*<GradientArguments*, void> FindOuter(int rows, int vectors);

    protected abstract delegate*<GradientArguments*, void> FindGroups(int taps, int channels);

    private static delegate*<GradientArguments*, void> Known(delegate*<GradientArguments*, void> kernel, int a, int b) =>
        kernel != null ? kernel : throw new InvalidOperationException($"no gradient kernel {a} by {b}");

    private readonly struct Factory : IVectorFactory
    {
        static object IVectorFactory.Of<TOps, TVec>() => new Of<TOps, TVec>();
    }

    private sealed class Of<TOps, TVec> : GradientSet
        where TOps : struct, IVectorOps<TVec>
        where TVec : unmanaged
    {
        public override int Lanes => sizeof(TVec) / TOps.ElementSize;

        public override delegate*<GradientArguments*, void> Walk => WalkKernels<TOps, TVec>.Find();

        protected override int Accumulators => TOps.Accumulators;

        protected override delegate*<GradientArguments*, void> FindOuter(int rows, int vectors) => OuterKernels<TOps, TVec>.Find(rows, vectors);

        protected override delegate*<GradientArguments*, void> FindGroups(int taps, int channels) => GroupGradientKernels<TOps, TVec>.Find(taps, channels);
    }
}
