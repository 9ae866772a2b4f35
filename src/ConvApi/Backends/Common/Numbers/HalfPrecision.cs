using System.Numerics.Tensors;
using System.Runtime.Intrinsics;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Numbers;

/// <summary>Between f32 and the 16-bit types.</summary>
internal static unsafe class HalfPrecision
{
    /// <summary>The bits of the nearest bfloat16, ties to even; a NaN stays one.</summary>
    public static ushort BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Rounds <paramref name="count"/> elements to bf16 or f16.</summary>
    public static void Round(float* from, void* to, DataType type, long count)
    {
        long i = 0;
        if (type == DataType.F16)
        {
            for (; i < count; i += int.MaxValue)
            {
                int n = (int)Math.Min(int.MaxValue, count - i);
                TensorPrimitives.ConvertToHalf(new ReadOnlySpan<float>(from + i, n), new Span<Half>((Half*)to + i, n));
            }

            return;
        }

        var y = (ushort*)to;
        if (Vector256.IsHardwareAccelerated)
            for (; i + 16 <= count; i += 16) Vector256.Narrow(Rounded(Vector256.Load(from + i)), Rounded(Vector256.Load(from + i + 8))).Store(y + i);
        for (; i < count; i++) y[i] = BFloat16(from[i]);

        static Vector256<uint> Rounded(Vector256<float> v)
        {
            Vector256<uint> bits = v.AsUInt32(), high = bits >>> 16;
            Vector256<uint> nearest = (bits + Vector256.Create(0x7FFFu) + (high & Vector256<uint>.One)) >>> 16;
            return Vector256.ConditionalSelect(Vector256.Equals(v, v).AsUInt32(), nearest, high | Vector256.Create(0x40u));
        }
    }

    /// <summary>The f32 values of <paramref name="count"/> elements of bf16 or f16, which are exact.</summary>
    public static void Widen(void* from, float* to, DataType type, long count)
    {
        long i = 0;
        if (type == DataType.F16)
        {
            for (; i < count; i += int.MaxValue)
            {
                int n = (int)Math.Min(int.MaxValue, count - i);
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>((Half*)from + i, n), new Span<float>(to + i, n));
            }

            return;
        }

        var x = (ushort*)from;
        if (Vector256.IsHardwareAccelerated)
            for (; i + 16 <= count; i += 16)
            {
                (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load(x + i));
                (low << 16).AsSingle().Store(to + i);
                (high << 16).AsSingle().Store(to + i + 8);
            }

        for (; i < count; i++) to[i] = BitConverter.UInt32BitsToSingle((uint)x[i] << 16);
    }
}
