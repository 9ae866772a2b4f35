using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Backends.Managed.Kernels;

/// <summary>What is made for vectors of one kind.</summary>
/// <remarks>Results are objects: over the result's type, a class, the interface is one that .NET 10's compiler for native code refuses (its scanner misses a table).</remarks>
internal interface IVectorFactory
{
    static abstract object Of<TOps, TVec>()
        where TOps : struct, ISortingOps<TVec>
        where TVec : unmanaged;
}

/// <summary>The operations of f32 or f64 on the widest vectors of this machine.</summary>
internal static class Widest
{
    /// <summary>What the factory makes for them.</summary>
    /// <remarks>
    /// As <see cref="Common.Numbers.InstructionSet.VectorBits"/>, in conditions that a compiler knows ahead of time where the instruction set is given to it: kernels of other widths
    /// are then neither compiled nor kept.
    /// </remarks>
    public static object For<T, TFactory>()
        where T : unmanaged
        where TFactory : struct, IVectorFactory
    {
        if (typeof(T) == typeof(double))
        {
            if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported) return TFactory.Of<D512, Vector512<double>>();
            if (Vector256.IsHardwareAccelerated && Avx2.IsSupported && Fma.IsSupported) return TFactory.Of<D256, Vector256<double>>();
            return Vector128.IsHardwareAccelerated ? TFactory.Of<D128, Vector128<double>>() : TFactory.Of<D1, double>();
        }

        if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported) return TFactory.Of<F512, Vector512<float>>();
        if (Vector256.IsHardwareAccelerated && Avx2.IsSupported && Fma.IsSupported) return TFactory.Of<F256, Vector256<float>>();
        return Vector128.IsHardwareAccelerated ? TFactory.Of<F128, Vector128<float>>() : TFactory.Of<F1, float>();
    }
}
