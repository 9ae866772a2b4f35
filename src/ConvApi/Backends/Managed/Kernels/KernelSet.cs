using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Backends.Managed.Kernels;

/// <summary>The micro-kernels of one element type on the widest vectors of this machine: rows of single elements against vectors.</summary>
internal abstract unsafe class KernelSet
{
    /// <summary>Elements of a vector.</summary>
    public abstract int Lanes { get; }

    /// <summary>Accumulators that fit the registers.</summary>
    public abstract int Accumulators { get; }

    /// <summary>Those of f32, f64, or int: pairs of 16-bit integers.</summary>
    public static KernelSet For<T>()
        where T : unmanaged
    {
        if (typeof(T) != typeof(int)) return (KernelSet)Widest.For<T, Factory>();
        if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported) return new Of<I512, Vector512<int>>();
        if (Vector256.IsHardwareAccelerated && Avx2.IsSupported && Fma.IsSupported) return new Of<I256, Vector256<int>>();
        return Vector128.IsHardwareAccelerated ? new Of<I128, Vector128<int>>() : new Of<I1, int>();
    }

    /// <summary>Rows by vectors (1, 2 or 4) with shared vectors of b and single elements of a.</summary>
    public delegate*<MicroArguments*, void> Find(int rows, int vectors)
    {
        delegate*<MicroArguments*, void> kernel = FindOrNull(rows, vectors);
        return kernel != null ? kernel : throw new InvalidOperationException($"no micro-kernel of {rows} rows and {vectors} vectors");
    }

    /// <summary>Most rows of a kernel with that many vectors.</summary>
    public int MostRows(int vectors) => Math.Min(14, Accumulators / vectors);

    protected abstract delegate*<MicroArguments*, void> FindOrNull(int rows, int vectors);

    private readonly struct Factory : IVectorFactory
    {
        static object IVectorFactory.Of<TOps, TVec>() => new Of<TOps, TVec>();
    }

    private sealed class Of<TOps, TVec> : KernelSet
        where TOps : struct, IVectorOps<TVec>
        where TVec : unmanaged
    {
        public override int Lanes => sizeof(TVec) / TOps.ElementSize;

        public override int Accumulators => TOps.Accumulators;

        protected override delegate*<MicroArguments*, void> FindOrNull(int rows, int vectors) => MicroKernels<TOps, TVec>.Find(rows, vectors);
    }
}
