using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Integers;

/// <summary>8-bit tensors as the operands of exact arithmetic, zero points taken off.</summary>
internal static unsafe class IntegerOperands
{
    /// <summary>Pixels whose planes are turned at once.</summary>
    public const int TurnedPixels = 64;

    /// <summary>One element of an 8-bit tensor.</summary>
    public static int At(void* tensor, DataType type, long i) => type == DataType.U8 ? ((byte*)tensor)[i] : ((sbyte*)tensor)[i];

    /// <summary>Elements of type <typeparamref name="T"/> in the same order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen<T>(byte* from, bool signed, int zero, T* to, long count)
        where T : unmanaged
    {
        long i = 0;
        if (typeof(T) == typeof(float) && Vector256.IsHardwareAccelerated)
            for (; i + 16 <= count; i += 16)
            {
                (Vector256<int> low, Vector256<int> high) = Vector256.Widen(Shorts(from + i, signed, zero));
                Vector256.ConvertToSingle(low).Store((float*)to + i);
                Vector256.ConvertToSingle(high).Store((float*)to + i + 8);
            }

        if (typeof(T) == typeof(short) && Vector256.IsHardwareAccelerated)
            for (; i + 16 <= count; i += 16) Shorts(from + i, signed, zero).Store((short*)to + i);

        for (; i < count; i++)
        {
            int v = (signed ? ((sbyte*)from)[i] : from[i]) - zero;
            if (typeof(T) == typeof(float)) ((float*)to)[i] = v;
            else if (typeof(T) == typeof(double)) ((double*)to)[i] = v;
            else ((short*)to)[i] = (short)v;
        }
    }

    /// <summary>Channels of channels-last pixels as pairs; each group of an odd number of them ends with half a pair of zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PairsOfPixels(byte* from, bool signed, int zero, int channels, long groups, short* to)
    {
        for (long g = 0; g < groups; g++, from += channels, to += channels + (channels & 1))
        {
            Widen(from, signed, zero, to, channels);
            if ((channels & 1) != 0) to[channels] = 0;
        }
    }

    /// <summary>
    /// Up to <see cref="TurnedPixels"/> pixels of channels-first planes as channels-last pairs; <paramref name="room"/> holds that many
    /// for every pair.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PairsOfPlanes(byte* from, long plane, bool signed, int zero, int channels, long groups, int* to, int pixels, int* room)
    {
        int pairs = (channels + 1) / 2, row = 0;
        for (long g = 0; g < groups; g++)
            for (int c = 0; c < channels; c += 2, row++)
            {
                byte* a = from + (((g * channels) + c) * plane);
                int* y = room + ((long)row * TurnedPixels);
                if (c + 1 < channels) Interleave(a, a + plane, signed, zero, y, pixels);
                else
                    for (int p = 0; p < pixels; p++) y[p] = (ushort)((signed ? ((sbyte*)a)[p] : a[p]) - zero);
            }

        int width = checked((int)(pairs * groups));
        Transposition.ToPixels(room, 1, TurnedPixels, to, width, pixels, width);
    }

    private static void Interleave(byte* a, byte* b, bool signed, int zero, int* to, int count)
    {
        int i = 0;
        if (Vector256.IsHardwareAccelerated)
            for (; i + 16 <= count; i += 16)
            {
                Vector256<short> x = Shorts(a + i, signed, zero), y = Shorts(b + i, signed, zero);
                (Vector256<uint> x0, Vector256<uint> x1) = Vector256.Widen(x.AsUInt16());
                (Vector256<uint> y0, Vector256<uint> y1) = Vector256.Widen(y.AsUInt16());
                (x0 | (y0 << 16)).Store((uint*)to + i);
                (x1 | (y1 << 16)).Store((uint*)to + i + 8);
            }

        for (; i < count; i++) to[i] = Pair((signed ? ((sbyte*)a)[i] : a[i]) - zero, (signed ? ((sbyte*)b)[i] : b[i]) - zero);
    }

    /// <summary>Two 16-bit integers as one element.</summary>
    public static int Pair(int low, int high) => (ushort)low | (high << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Shorts(byte* p, bool signed, int zero)
    {
        Vector128<byte> v = Vector128.Load(p);
        if (signed)
        {
            (Vector128<short> a, Vector128<short> b) = Vector128.Widen(v.AsSByte());
            return Vector256.Create(a, b) - Vector256.Create((short)zero);
        }

        (Vector128<ushort> c, Vector128<ushort> d) = Vector128.Widen(v);
        return Vector256.Create(c, d).AsInt16() - Vector256.Create((short)zero);
    }
}
