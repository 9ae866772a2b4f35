using System.Numerics;
using System.Numerics.Tensors;
using ConvNative.Problems;

namespace ConvNative.Backends.Common;

/// <summary>Elements of any type but f64 to f32, which holds them exactly (s32 up to 2^24), and back, rounded once: ties to even, integers saturate.</summary>
internal static unsafe class SingleConversion
{
    /// <summary>Widens <paramref name="count"/> elements.</summary>
    public static void Widen(void* from, DataType type, float* to, int count)
    {
        var target = new Span<float>(to, count);
        switch (type)
        {
            case DataType.F32: new ReadOnlySpan<float>(from, count).CopyTo(target); return;
            case DataType.F16: TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(from, count), target); return;
            case DataType.BF16: WidenBFloat16((ushort*)from, to, count); return;
            case DataType.S8: TensorPrimitives.ConvertChecked(new ReadOnlySpan<sbyte>(from, count), target); return;
            case DataType.U8: TensorPrimitives.ConvertChecked(new ReadOnlySpan<byte>(from, count), target); return;
            case DataType.S32: TensorPrimitives.ConvertChecked(new ReadOnlySpan<int>(from, count), target); return;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "f32 does not hold it");
        }
    }

    /// <summary>Rounds <paramref name="count"/> elements.</summary>
    public static void Narrow(float* from, void* to, DataType type, int count)
    {
        var source = new ReadOnlySpan<float>(from, count);
        switch (type)
        {
            case DataType.F32: source.CopyTo(new Span<float>(to, count)); return;
            case DataType.F16: TensorPrimitives.ConvertToHalf(source, new Span<Half>(to, count)); return;
            case DataType.BF16: NarrowBFloat16(from, (ushort*)to, count); return;

            // Saturating conversions take a NaN for 0.
            case DataType.S8:
                for (int i = 0; i < count; i++) ((sbyte*)to)[i] = sbyte.CreateSaturating(MathF.Round(from[i], MidpointRounding.ToEven));
                return;
            case DataType.U8:
                for (int i = 0; i < count; i++) ((byte*)to)[i] = byte.CreateSaturating(MathF.Round(from[i], MidpointRounding.ToEven));
                return;
            case DataType.S32:
                for (int i = 0; i < count; i++) ((int*)to)[i] = int.CreateSaturating(MathF.Round(from[i], MidpointRounding.ToEven));
                return;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "not from f32");
        }
    }

    private static void WidenBFloat16(ushort* from, float* to, int count)
    {
        int i = 0, lanes = Vector<ushort>.Count, half = Vector<float>.Count;
        for (; i + lanes <= count; i += lanes)
        {
            Vector.Widen(Vector.Load(from + i), out Vector<uint> low, out Vector<uint> high);
            Vector.Store(Vector.AsVectorSingle(low << 16), to + i);
            Vector.Store(Vector.AsVectorSingle(high << 16), to + i + half);
        }

        for (; i < count; i++) to[i] = BitConverter.UInt32BitsToSingle((uint)from[i] << 16);
    }

    private static void NarrowBFloat16(float* from, ushort* to, int count)
    {
        int i = 0, lanes = Vector<ushort>.Count, half = Vector<float>.Count;
        for (; i + lanes <= count; i += lanes) Vector.Store(Vector.Narrow(Round(Vector.Load(from + i)), Round(Vector.Load(from + i + half))), to + i);
        for (; i < count; i++) to[i] = HalfPrecision.BFloat16(from[i]);

        static Vector<uint> Round(Vector<float> v)
        {
            Vector<uint> bits = Vector.AsVectorUInt32(v), rounded = (bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One)) >> 16;
            return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(v, v)), rounded, (bits >> 16) | new Vector<uint>(0x40));
        }
    }
}
