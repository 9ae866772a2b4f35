using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Backends.Managed.Kernels;

/// <summary>The operations of a kernel on one vector width and element type; kernels are written once over them.</summary>
internal unsafe interface IVectorOps<TVec>
    where TVec : unmanaged
{
    /// <summary>Bytes of one element.</summary>
    static abstract int ElementSize { get; }

    /// <summary>Accumulators that stay in registers beside two operands.</summary>
    static abstract int Accumulators { get; }

    static abstract TVec Load(byte* p);

    static abstract void Store(byte* p, TVec v);

    /// <summary>One element in all lanes.</summary>
    static abstract TVec Splat(byte* p);

    /// <summary>Lanes of <paramref name="v"/> picked by the 32-bit numbers in <paramref name="index"/>, which count units of four bytes.</summary>
    static abstract TVec Permute(TVec v, TVec index);

    /// <summary>The vector at <paramref name="p"/> with the bits of <paramref name="mask"/>.</summary>
    static abstract TVec And(TVec mask, byte* p);

    /// <summary>a*b + c, fused where the processor does.</summary>
    static abstract TVec Fma(TVec a, TVec b, TVec c);

    /// <summary>No less than <paramref name="least"/> and no more than <paramref name="most"/>; NaN stays, and so does a zero's sign where a limit is zero.</summary>
    static abstract TVec Clamp(TVec v, TVec least, TVec most);
}

/// <summary>What kernels need beside it to sort columns.</summary>
internal unsafe interface ISortingOps<TVec> : IVectorOps<TVec>
    where TVec : unmanaged
{
    /// <summary>The bits that both have.</summary>
    static abstract TVec And(TVec mask, TVec v);

    /// <summary>Half of the two vectors at <paramref name="p"/>: which half is as <see cref="Even"/> and <see cref="Odd"/> like it.</summary>
    static abstract TVec Half(byte* p);

    /// <summary>The half that <see cref="Half"/> leaves.</summary>
    static abstract TVec OtherHalf(byte* p);

    /// <summary>Elements 0, 2, 4, ... of the two vectors whose halves are a and b.</summary>
    static abstract TVec Even(TVec a, TVec b);

    /// <summary>Elements 1, 3, 5, ... of the two vectors whose halves are a and b.</summary>
    static abstract TVec Odd(TVec a, TVec b);

    /// <summary>The element at <paramref name="first"/>, then all of <paramref name="v"/> but its last.</summary>
    static abstract TVec Before(byte* first, TVec v);

    /// <summary>All of <paramref name="v"/> but its first, then the element at <paramref name="last"/>.</summary>
    static abstract TVec Behind(TVec v, byte* last);
}

internal readonly unsafe struct F512 : ISortingOps<Vector512<float>>
{
    public static int ElementSize => sizeof(float);

    public static int Accumulators => 28;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* p) => Vector512.Load((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, Vector512<float> v) => v.Store((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Splat(byte* p) => Vector512.Create(*(float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Permute(Vector512<float> v, Vector512<float> index) => Avx512F.PermuteVar16x32(v.AsInt32(), index.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> And(Vector512<float> mask, byte* p) => mask & Vector512.Load((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> And(Vector512<float> mask, Vector512<float> v) => mask & v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Half(byte* p) => Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OtherHalf(byte* p) => Load(p + sizeof(Vector512<float>));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Even(Vector512<float> a, Vector512<float> b) => Avx512F.PermuteVar16x32x2(a, Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Odd(Vector512<float> a, Vector512<float> b) => Avx512F.PermuteVar16x32x2(a, Vector512.Create(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Before(byte* first, Vector512<float> v) => Avx512F.AlignRight32(v.AsInt32(), Vector512.Create(*(int*)first), 15).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Behind(Vector512<float> v, byte* last) => Avx512F.AlignRight32(Vector512.Create(*(int*)last), v.AsInt32(), 1).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Avx512F.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Clamp(Vector512<float> v, Vector512<float> least, Vector512<float> most) => Avx512F.Min(most, Avx512F.Max(least, v));
}

internal readonly unsafe struct F256 : ISortingOps<Vector256<float>>
{
    public static int ElementSize => sizeof(float);

    public static int Accumulators => 12;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* p) => Vector256.Load((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, Vector256<float> v) => v.Store((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Splat(byte* p) => Vector256.Create(*(float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Permute(Vector256<float> v, Vector256<float> index) => Avx2.PermuteVar8x32(v.AsInt32(), index.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> And(Vector256<float> mask, byte* p) => mask & Vector256.Load((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> And(Vector256<float> mask, Vector256<float> v) => mask & v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Half(byte* p) => Vector256.Create(Vector128.Load((float*)p), Vector128.Load((float*)p + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> OtherHalf(byte* p) => Vector256.Create(Vector128.Load((float*)p + 4), Vector128.Load((float*)p + 12));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Even(Vector256<float> a, Vector256<float> b) => Avx.Shuffle(a, b, 0x88);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Odd(Vector256<float> a, Vector256<float> b) => Avx.Shuffle(a, b, 0xDD);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Before(byte* first, Vector256<float> v) => Avx.Blend(Avx2.PermuteVar8x32(v, Vector256.Create(0, 0, 1, 2, 3, 4, 5, 6)), Vector256.Create(*(float*)first), 0x01);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Behind(Vector256<float> v, byte* last) => Avx.Blend(Avx2.PermuteVar8x32(v, Vector256.Create(1, 2, 3, 4, 5, 6, 7, 7)), Vector256.Create(*(float*)last), 0x80);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, Vector256<float> c) => System.Runtime.Intrinsics.X86.Fma.MultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Clamp(Vector256<float> v, Vector256<float> least, Vector256<float> most) => Avx.Min(most, Avx.Max(least, v));
}

internal readonly unsafe struct F128 : ISortingOps<Vector128<float>>
{
    public static int ElementSize => sizeof(float);

    public static int Accumulators => AdvSimd.IsSupported ? 24 : 12;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(byte* p) => Vector128.Load((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, Vector128<float> v) => v.Store((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Splat(byte* p) => Vector128.Create(*(float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Permute(Vector128<float> v, Vector128<float> index) => Vector128.Shuffle(v.AsInt32(), index.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> And(Vector128<float> mask, byte* p) => mask & Vector128.Load((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> And(Vector128<float> mask, Vector128<float> v) => mask & v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Half(byte* p) => Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> OtherHalf(byte* p) => Load(p + sizeof(Vector128<float>));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Even(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.Shuffle(a, b, 0x88) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.UnzipEven(a, b) : Vector128.Create(a[0], a[2], b[0], b[2]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Odd(Vector128<float> a, Vector128<float> b) => Sse.IsSupported ? Sse.Shuffle(a, b, 0xDD) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.UnzipOdd(a, b) : Vector128.Create(a[1], a[3], b[1], b[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Before(byte* first, Vector128<float> v) => Vector128.Shuffle(v, Vector128.Create(0, 0, 1, 2)).WithElement(0, *(float*)first);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Behind(Vector128<float> v, byte* last) => Vector128.Shuffle(v, Vector128.Create(1, 2, 3, 3)).WithElement(3, *(float*)last);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fma(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Clamp(Vector128<float> v, Vector128<float> least, Vector128<float> most) => Sse.IsSupported ? Sse.Min(most, Sse.Max(least, v)) : Limits.Clamp(v, least, most);
}

internal readonly unsafe struct F1 : ISortingOps<float>
{
    public static int ElementSize => sizeof(float);

    public static int Accumulators => 12;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* p) => *(float*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, float v) => *(float*)p = v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Splat(byte* p) => *(float*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Permute(float v, float index) => v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float And(float mask, byte* p) => BitConverter.SingleToInt32Bits(mask) == 0 ? 0 : *(float*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float And(float mask, float v) => BitConverter.SingleToInt32Bits(mask) == 0 ? 0 : v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Half(byte* p) => *(float*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float OtherHalf(byte* p) => *(float*)(p + sizeof(float));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Even(float a, float b) => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Odd(float a, float b) => b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Before(byte* first, float v) => *(float*)first;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Behind(float v, byte* last) => *(float*)last;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fma(float a, float b, float c) => (a * b) + c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Clamp(float v, float least, float most) => v < least ? least : v > most ? most : v;
}

internal readonly unsafe struct D512 : ISortingOps<Vector512<double>>
{
    public static int ElementSize => sizeof(double);

    public static int Accumulators => 28;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Load(byte* p) => Vector512.Load((double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, Vector512<double> v) => v.Store((double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Splat(byte* p) => Vector512.Create(*(double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Permute(Vector512<double> v, Vector512<double> index) => Avx512F.PermuteVar16x32(v.AsInt32(), index.AsInt32()).AsDouble();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> And(Vector512<double> mask, byte* p) => mask & Vector512.Load((double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> And(Vector512<double> mask, Vector512<double> v) => mask & v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Half(byte* p) => Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> OtherHalf(byte* p) => Load(p + sizeof(Vector512<double>));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Even(Vector512<double> a, Vector512<double> b) => Avx512F.PermuteVar8x64x2(a, Vector512.Create(0L, 2, 4, 6, 8, 10, 12, 14), b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Odd(Vector512<double> a, Vector512<double> b) => Avx512F.PermuteVar8x64x2(a, Vector512.Create(1L, 3, 5, 7, 9, 11, 13, 15), b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Before(byte* first, Vector512<double> v) => Avx512F.AlignRight64(v.AsInt64(), Vector512.Create(*(long*)first), 7).AsDouble();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Behind(Vector512<double> v, byte* last) => Avx512F.AlignRight64(Vector512.Create(*(long*)last), v.AsInt64(), 1).AsDouble();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Fma(Vector512<double> a, Vector512<double> b, Vector512<double> c) => Avx512F.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Clamp(Vector512<double> v, Vector512<double> least, Vector512<double> most) => Avx512F.Min(most, Avx512F.Max(least, v));
}

internal readonly unsafe struct D256 : ISortingOps<Vector256<double>>
{
    public static int ElementSize => sizeof(double);

    public static int Accumulators => 12;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Load(byte* p) => Vector256.Load((double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, Vector256<double> v) => v.Store((double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Splat(byte* p) => Vector256.Create(*(double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Permute(Vector256<double> v, Vector256<double> index) => Avx2.PermuteVar8x32(v.AsInt32(), index.AsInt32()).AsDouble();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> And(Vector256<double> mask, byte* p) => mask & Vector256.Load((double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> And(Vector256<double> mask, Vector256<double> v) => mask & v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Half(byte* p) => Vector256.Create(Vector128.Load((double*)p), Vector128.Load((double*)p + 4));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> OtherHalf(byte* p) => Vector256.Create(Vector128.Load((double*)p + 2), Vector128.Load((double*)p + 6));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Even(Vector256<double> a, Vector256<double> b) => Avx.UnpackLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Odd(Vector256<double> a, Vector256<double> b) => Avx.UnpackHigh(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Before(byte* first, Vector256<double> v) => Avx.Blend(Avx2.Permute4x64(v, 0x90), Vector256.Create(*(double*)first), 0x1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Behind(Vector256<double> v, byte* last) => Avx.Blend(Avx2.Permute4x64(v, 0xF9), Vector256.Create(*(double*)last), 0x8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Fma(Vector256<double> a, Vector256<double> b, Vector256<double> c) => System.Runtime.Intrinsics.X86.Fma.MultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Clamp(Vector256<double> v, Vector256<double> least, Vector256<double> most) => Avx.Min(most, Avx.Max(least, v));
}

internal readonly unsafe struct D128 : ISortingOps<Vector128<double>>
{
    public static int ElementSize => sizeof(double);

    public static int Accumulators => AdvSimd.IsSupported ? 24 : 12;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Load(byte* p) => Vector128.Load((double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, Vector128<double> v) => v.Store((double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Splat(byte* p) => Vector128.Create(*(double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Permute(Vector128<double> v, Vector128<double> index) => Vector128.Shuffle(v.AsInt32(), index.AsInt32()).AsDouble();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> And(Vector128<double> mask, byte* p) => mask & Vector128.Load((double*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> And(Vector128<double> mask, Vector128<double> v) => mask & v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Half(byte* p) => Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> OtherHalf(byte* p) => Load(p + sizeof(Vector128<double>));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Even(Vector128<double> a, Vector128<double> b) => Vector128.Create(a[0], b[0]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Odd(Vector128<double> a, Vector128<double> b) => Vector128.Create(a[1], b[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Before(byte* first, Vector128<double> v) => Vector128.Create(*(double*)first, v[0]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Behind(Vector128<double> v, byte* last) => Vector128.Create(v[1], *(double*)last);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Fma(Vector128<double> a, Vector128<double> b, Vector128<double> c) => Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Clamp(Vector128<double> v, Vector128<double> least, Vector128<double> most) => Sse2.IsSupported ? Sse2.Min(most, Sse2.Max(least, v)) : Limits.Clamp(v, least, most);
}

internal readonly unsafe struct D1 : ISortingOps<double>
{
    public static int ElementSize => sizeof(double);

    public static int Accumulators => 12;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Load(byte* p) => *(double*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* p, double v) => *(double*)p = v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Splat(byte* p) => *(double*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Permute(double v, double index) => v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double And(double mask, byte* p) => BitConverter.DoubleToInt64Bits(mask) == 0 ? 0 : *(double*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double And(double mask, double v) => BitConverter.DoubleToInt64Bits(mask) == 0 ? 0 : v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Half(byte* p) => *(double*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double OtherHalf(byte* p) => *(double*)(p + sizeof(double));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Even(double a, double b) => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Odd(double a, double b) => b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Before(byte* first, double v) => *(double*)first;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Behind(double v, byte* last) => *(double*)last;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Fma(double a, double b, double c) => (a * b) + c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Clamp(double v, double least, double most) => v < least ? least : v > most ? most : v;
}

/// <summary>Limits where minima and maxima would not keep NaN and the sign of zero.</summary>
internal static class Limits
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Clamp<T>(Vector128<T> v, Vector128<T> least, Vector128<T> most)
    {
        Vector128<T> above = Vector128.ConditionalSelect(Vector128.LessThan(v, least), least, v);
        return Vector128.ConditionalSelect(Vector128.GreaterThan(above, most), most, above);
    }
}
