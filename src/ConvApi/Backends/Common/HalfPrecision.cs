using ConvNative.Problems;

namespace ConvNative.Backends.Common;

/// <summary>Rounding of f32 to bf16 and f16.</summary>
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
        for (long i = 0; i < count; i++) ((ushort*)to)[i] = type == DataType.BF16 ? BFloat16(from[i]) : BitConverter.HalfToUInt16Bits((Half)from[i]);
    }
}
