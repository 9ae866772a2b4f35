using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative.Cli.Checking;

/// <summary>Doubles to and from the bytes of an element type.</summary>
public static class Elements
{
    /// <summary>Each value rounded to the type (to nearest, ties to even; integers saturate).</summary>
    public static byte[] Encode(ReadOnlySpan<double> values, DataType type)
    {
        var bytes = new byte[checked(values.Length * type.SizeOf())];
        switch (type)
        {
            case DataType.F32: Convert<float>(values, bytes, static v => (float)v); break;
            case DataType.F64: MemoryMarshal.AsBytes(values).CopyTo(bytes); break;
            case DataType.F16: Convert<Half>(values, bytes, static v => (Half)v); break;
            case DataType.BF16: Convert<ushort>(values, bytes, ToBFloat16); break;
            case DataType.S8: Convert<sbyte>(values, bytes, static v => (sbyte)Math.Clamp(Math.Round(v), sbyte.MinValue, sbyte.MaxValue)); break;
            case DataType.U8: Convert<byte>(values, bytes, static v => (byte)Math.Clamp(Math.Round(v), byte.MinValue, byte.MaxValue)); break;
            default: Convert<int>(values, bytes, static v => (int)Math.Clamp(Math.Round(v), int.MinValue, int.MaxValue)); break;
        }

        return bytes;
    }

    /// <summary>The element at <paramref name="index"/>, exactly.</summary>
    public static double Decode(ReadOnlySpan<byte> bytes, long index, DataType type)
    {
        int i = checked((int)index);
        return type switch
        {
            DataType.F32 => MemoryMarshal.Cast<byte, float>(bytes)[i],
            DataType.F64 => MemoryMarshal.Cast<byte, double>(bytes)[i],
            DataType.F16 => (double)MemoryMarshal.Cast<byte, Half>(bytes)[i],
            DataType.BF16 => BitConverter.UInt32BitsToSingle((uint)MemoryMarshal.Cast<byte, ushort>(bytes)[i] << 16),
            DataType.S8 => (sbyte)bytes[i],
            DataType.U8 => bytes[i],
            _ => MemoryMarshal.Cast<byte, int>(bytes)[i],
        };
    }

    /// <summary>All elements.</summary>
    public static double[] DecodeAll(ReadOnlySpan<byte> bytes, DataType type)
    {
        var values = new double[bytes.Length / type.SizeOf()];
        for (int i = 0; i < values.Length; i++) values[i] = Decode(bytes, i, type);
        return values;
    }

    private static void Convert<T>(ReadOnlySpan<double> from, byte[] to, Func<double, T> convert)
        where T : unmanaged
    {
        Span<T> t = MemoryMarshal.Cast<byte, T>(to.AsSpan());
        for (int i = 0; i < t.Length; i++) t[i] = convert(from[i]);
    }

    private static ushort ToBFloat16(double value)
    {
        uint bits = BitConverter.SingleToUInt32Bits((float)value);
        if (float.IsNaN((float)value)) return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
