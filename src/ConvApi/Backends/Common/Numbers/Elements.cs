using System.Numerics;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Numbers;

/// <summary>Single elements of tensors, and whether all of them are numbers.</summary>
internal static unsafe class Elements
{
    /// <summary>Element <paramref name="i"/>, exactly; f32 and the 16-bit types.</summary>
    public static float Read(void* tensor, long i, DataType type) => type switch
    {
        DataType.F32 => ((float*)tensor)[i],
        DataType.F16 => (float)((Half*)tensor)[i],
        DataType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)tensor)[i] << 16),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a type of f32's precision or less"),
    };

    /// <summary>Rounds <paramref name="value"/> to the tensor's type.</summary>
    public static void Write(void* tensor, long i, DataType type, double value)
    {
        switch (type)
        {
            case DataType.F32: ((float*)tensor)[i] = (float)value; return;
            case DataType.F16: ((Half*)tensor)[i] = (Half)value; return;
            case DataType.BF16: ((ushort*)tensor)[i] = HalfPrecision.BFloat16((float)value); return;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "not a type of f32's precision or less");
        }
    }

    /// <summary>Index of the first element that is infinite or a NaN, or -1; integers have none.</summary>
    public static long FirstNotFinite(void* tensor, long count, DataType type) => type switch
    {
        // All bits of the exponent are set in infinities and NaNs only.
        DataType.F64 => First((ulong*)tensor, count, 0x7FF0_0000_0000_0000UL),
        DataType.F32 => First((uint*)tensor, count, 0x7F80_0000u),
        DataType.F16 => First((ushort*)tensor, count, (ushort)0x7C00),
        DataType.BF16 => First((ushort*)tensor, count, (ushort)0x7F80),
        _ => -1,
    };

    private static long First<T>(T* values, long count, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        long i = 0;
        var mask = new Vector<T>(exponent);
        for (int step = Vector<T>.Count; i + (4 * step) <= count; i += 4 * step)
        {
            Vector<T> a = Set(i) | Set(i + step), b = Set(i + (2 * step)) | Set(i + (3 * step));
            if ((a | b) != Vector<T>.Zero) break;
        }

        for (; i < count; i++)
            if ((values[i] & exponent) == exponent) return i;
        return -1;

        Vector<T> Set(long at) => Vector.Equals(*(Vector<T>*)(values + at) & mask, mask);
    }
}
