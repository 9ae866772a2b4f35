using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Backends.Managed.Kernels;

/// <summary>The f32 kernels of rows that no whole number of vectors fills.</summary>
internal static unsafe class NarrowSet
{
    /// <summary>
    /// The kernel of so many rows and channels, a vector and a narrower one beside it; null where there is none. On processors that
    /// split wide vectors the narrower one costs its share only, and all of a row is written at once.
    /// </summary>
    public static delegate*<MicroArguments*, void> Find<T>(int rows, int channels)
        where T : unmanaged
    {
        if (typeof(T) != typeof(float) || !Vector512.IsHardwareAccelerated || !Avx512F.IsSupported) return null;
        return channels switch
        {
            24 => NarrowKernels<F512, Vector512<float>, F256, Vector256<float>, CutFor256>.Find(rows),
            20 => NarrowKernels<F512, Vector512<float>, F128, Vector128<float>, CutFor128>.Find(rows),
            _ => null,
        };
    }
}

/// <summary>The first lanes of a vector as a narrower one.</summary>
internal interface ICutOps<TVec, TTail>
    where TVec : unmanaged
    where TTail : unmanaged
{
    static abstract TTail Low(TVec v);
}

internal readonly struct CutFor256 : ICutOps<Vector512<float>, Vector256<float>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Low(Vector512<float> v) => v.GetLower();
}

internal readonly struct CutFor128 : ICutOps<Vector512<float>, Vector128<float>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Low(Vector512<float> v) => v.GetLower().GetLower();
}
