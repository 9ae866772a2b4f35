using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative.Cli.Execution;

/// <summary>Elements of every <see cref="DataType"/> as little-endian bytes, to and from double, rounded once to nearest even.</summary>
public static class Numbers
{
    /// <summary>The values; exact for every type.</summary>
    public static double[] ToDoubles(ReadOnlySpan<byte> data, DataType type)
    {
        int size = type.SizeOf();
        var values = new double[data.Length / size];
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> e = data.Slice(i * size, size);
            values[i] = type switch
            {
                DataType.F64 => BinaryPrimitives.ReadDoubleLittleEndian(e),
                DataType.F32 => BinaryPrimitives.ReadSingleLittleEndian(e),
                DataType.F16 => (double)BinaryPrimitives.ReadHalfLittleEndian(e),
                DataType.BF16 => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(e) << 16),
                DataType.S8 => (sbyte)e[0],
                DataType.U8 => e[0],
                _ => BinaryPrimitives.ReadInt32LittleEndian(e),
            };
        }

        return values;
    }

    /// <summary>Rounds to nearest even; integers saturate, NaN becomes 0 there.</summary>
    public static byte[] FromDoubles(ReadOnlySpan<double> values, DataType type)
    {
        int size = type.SizeOf();
        var data = new byte[checked(values.Length * size)];
        for (int i = 0; i < values.Length; i++)
        {
            Span<byte> e = data.AsSpan(i * size, size);
            double v = values[i];
            switch (type)
            {
                case DataType.F64: BinaryPrimitives.WriteDoubleLittleEndian(e, v); break;
                case DataType.F32: BinaryPrimitives.WriteSingleLittleEndian(e, (float)v); break;
                case DataType.F16: BinaryPrimitives.WriteHalfLittleEndian(e, (Half)v); break;
                case DataType.BF16: BinaryPrimitives.WriteUInt16LittleEndian(e, ToBFloat16(v)); break;
                case DataType.S8: e[0] = (byte)(sbyte)Integer(v, sbyte.MinValue, sbyte.MaxValue); break;
                case DataType.U8: e[0] = (byte)Integer(v, byte.MinValue, byte.MaxValue); break;
                default: BinaryPrimitives.WriteInt32LittleEndian(e, (int)Integer(v, int.MinValue, int.MaxValue)); break;
            }
        }

        return data;
    }

    /// <summary>Rounds f32 elements to bf16 or f16 (or widens to f64), without a detour that rounds twice.</summary>
    public static byte[] FromSingles(ReadOnlySpan<byte> singles, DataType type)
    {
        ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(singles);
        var doubles = new double[values.Length];
        for (int i = 0; i < doubles.Length; i++) doubles[i] = values[i];
        return FromDoubles(doubles, type);
    }

    private static ushort ToBFloat16(double value)
    {
        float f = (float)value;
        uint bits = BitConverter.SingleToUInt32Bits(f);
        if (float.IsNaN(f)) return (ushort)((bits >> 16) | 0x40);
        if (f != value && double.IsFinite(value))
        {
            // To f32 by rounding to odd: then the rounding to bf16 is the only one that counts.
            if (Math.Abs((double)f) > Math.Abs(value)) bits--;
            bits |= 1;
        }

        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static double Integer(double v, double least, double most) =>
        double.IsNaN(v) ? 0 : Math.Clamp(Math.Round(v, MidpointRounding.ToEven), least, most);
}
