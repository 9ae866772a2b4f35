using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative.Oracle.Operands;

/// <summary>Tensors as an engine has them (an element type in a layout, as bytes) from and to doubles in logical order.</summary>
public static class TensorBytes
{
    /// <summary>Bytes of a dense tensor.</summary>
    public static long SizeOf(Dims shape, DataType type) => checked(shape.Product * type.SizeOf());

    /// <summary>Reads a dense tensor stored as <paramref name="layout"/> (<see cref="Layout.Any"/> counts as channels first).</summary>
    /// <exception cref="ArgumentException">The number of bytes is not that of the tensor.</exception>
    public static double[] Read(ReadOnlySpan<byte> bytes, DataType type, Dims shape, Layout layout)
    {
        Check(bytes.Length, type, shape);
        var logical = new double[shape.Product];
        int[]? order = Order(shape, layout);
        for (int i = 0; i < logical.Length; i++) logical[i] = Load(bytes, type, order is null ? i : order[i]);
        return logical;
    }

    /// <summary>Writes doubles in logical order as <paramref name="layout"/>; values are rounded to the type.</summary>
    /// <exception cref="ArgumentException">The number of bytes or of values is not that of the tensor.</exception>
    public static void Write(ReadOnlySpan<double> logical, DataType type, Dims shape, Layout layout, Span<byte> bytes)
    {
        Check(bytes.Length, type, shape);
        if (logical.Length != shape.Product) throw new ArgumentException($"logical = {logical.Length} elements: must be {shape.Product}, shape {shape}");
        int[]? order = Order(shape, layout);
        for (int i = 0; i < logical.Length; i++) Store(bytes, type, order is null ? i : order[i], logical[i]);
    }

    /// <summary>As <see cref="Write"/>, into a new array.</summary>
    public static byte[] ToBytes(ReadOnlySpan<double> logical, DataType type, Dims shape, Layout layout)
    {
        var bytes = new byte[SizeOf(shape, type)];
        Write(logical, type, shape, layout, bytes);
        return bytes;
    }

    private static void Check(int bytes, DataType type, Dims shape)
    {
        if (bytes != SizeOf(shape, type)) throw new ArgumentException($"bytes = {bytes}: must be {SizeOf(shape, type)}, shape {shape} of {type.Name()}");
    }

    /// <summary>Physical position of each logical element; null for channels first, where they are the same.</summary>
    private static int[]? Order(Dims shape, Layout layout)
    {
        if (layout != Layout.ChannelsLast || shape.Count < 3) return null;
        // [N, C, S] to [N, S, C], S all spatial axes together.
        int n = (int)shape[0], c = (int)shape[1], s = (int)shape.Slice(2).Product, logical = 0;
        var order = new int[checked(n * c * s)];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < c; j++)
                for (int k = 0; k < s; k++)
                    order[logical++] = (((i * s) + k) * c) + j;
        return order;
    }

    private static double Load(ReadOnlySpan<byte> b, DataType type, int i) => type switch
    {
        DataType.F32 => MemoryMarshal.Cast<byte, float>(b)[i],
        DataType.F64 => MemoryMarshal.Cast<byte, double>(b)[i],
        DataType.F16 => (double)MemoryMarshal.Cast<byte, Half>(b)[i],
        DataType.BF16 => BitConverter.Int32BitsToSingle(MemoryMarshal.Cast<byte, ushort>(b)[i] << 16),
        DataType.S8 => (sbyte)b[i],
        DataType.U8 => b[i],
        _ => MemoryMarshal.Cast<byte, int>(b)[i],
    };

    private static void Store(Span<byte> b, DataType type, int i, double value)
    {
        double v = Rounding.To(type, value);
        switch (type)
        {
            case DataType.F32: MemoryMarshal.Cast<byte, float>(b)[i] = (float)v; break;
            case DataType.F64: MemoryMarshal.Cast<byte, double>(b)[i] = v; break;
            case DataType.F16: MemoryMarshal.Cast<byte, Half>(b)[i] = (Half)v; break;
            // Already one of bfloat16's values, whose float has 16 zero bits at the end (a NaN keeps its top ones).
            case DataType.BF16: MemoryMarshal.Cast<byte, ushort>(b)[i] = (ushort)(BitConverter.SingleToInt32Bits((float)v) >> 16); break;
            case DataType.S8: b[i] = (byte)(sbyte)v; break;
            case DataType.U8: b[i] = (byte)v; break;
            default: MemoryMarshal.Cast<byte, int>(b)[i] = (int)v; break;
        }
    }
}
