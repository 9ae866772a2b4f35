using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Backends.Managed.Kernels;

// Elements are pairs of 16-bit integers, a multiply-add takes the products of both halves to a 32-bit sum: the shape of the VNNI
// instructions. Sums wrap; the caller sees to it that the last one fits.
internal readonly unsafe struct I512 : IVectorOps<Vector512<int>>
{
    public static int ElementSize => sizeof(int);

    public static int Accumulators => 28;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Load(byte* p) => Vector512.Load((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, Vector512<int> v) => v.Store((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Splat(byte* p) => Vector512.Create(*(int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Permute(Vector512<int> v, Vector512<int> index) => Avx512F.PermuteVar16x32(v, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> And(Vector512<int> mask, byte* p) => mask & Vector512.Load((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Fma(Vector512<int> a, Vector512<int> b, Vector512<int> c) => c + Avx512BW.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Clamp(Vector512<int> v, Vector512<int> least, Vector512<int> most) => Vector512.Min(most, Vector512.Max(least, v));
}

internal readonly unsafe struct I256 : IVectorOps<Vector256<int>>
{
    public static int ElementSize => sizeof(int);

    public static int Accumulators => AvxVnni.IsSupported ? 12 : 10;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(byte* p) => Vector256.Load((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, Vector256<int> v) => v.Store((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Splat(byte* p) => Vector256.Create(*(int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Permute(Vector256<int> v, Vector256<int> index) => Avx2.PermuteVar8x32(v, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> And(Vector256<int> mask, byte* p) => mask & Vector256.Load((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Fma(Vector256<int> a, Vector256<int> b, Vector256<int> c) => AvxVnni.IsSupported
        ? AvxVnni.MultiplyWideningAndAdd(c, a.AsInt16(), b.AsInt16())
        : c + Avx2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Clamp(Vector256<int> v, Vector256<int> least, Vector256<int> most) => Vector256.Min(most, Vector256.Max(least, v));
}

internal readonly unsafe struct I128 : IVectorOps<Vector128<int>>
{
    public static int ElementSize => sizeof(int);

    public static int Accumulators => F128.Accumulators - 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Load(byte* p) => Vector128.Load((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, Vector128<int> v) => v.Store((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Splat(byte* p) => Vector128.Create(*(int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Permute(Vector128<int> v, Vector128<int> index) => Vector128.Shuffle(v, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> And(Vector128<int> mask, byte* p) => mask & Vector128.Load((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Fma(Vector128<int> a, Vector128<int> b, Vector128<int> c) => Sse2.IsSupported
        ? c + Sse2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16())
        : c + (((a << 16) >> 16) * ((b << 16) >> 16)) + ((a >> 16) * (b >> 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Clamp(Vector128<int> v, Vector128<int> least, Vector128<int> most) => Vector128.Min(most, Vector128.Max(least, v));
}

internal readonly unsafe struct I1 : IVectorOps<int>
{
    public static int ElementSize => sizeof(int);

    public static int Accumulators => 12;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Load(byte* p) => *(int*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, int v) => *(int*)p = v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Splat(byte* p) => *(int*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Permute(int v, int index) => v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int And(int mask, byte* p) => mask & *(int*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Fma(int a, int b, int c) => c + ((short)a * (short)b) + ((a >> 16) * (b >> 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Clamp(int v, int least, int most) => Math.Clamp(v, least, most);
}
