using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative.Plans;

/// <summary>Operands for timing: never zeros, which hide the cost of denormals and let some processors clock higher.</summary>
internal static class RandomData
{
    public static void Fill(Span<byte> data, DataType type)
    {
        var random = new Random(3);
        switch (type)
        {
            case DataType.F32: Fill(MemoryMarshal.Cast<byte, float>(data), () => random.NextSingle() - 0.5f); break;
            case DataType.F64: Fill(MemoryMarshal.Cast<byte, double>(data), () => random.NextDouble() - 0.5); break;
            case DataType.F16: Fill(MemoryMarshal.Cast<byte, Half>(data), () => (Half)(random.NextSingle() - 0.5f)); break;
            case DataType.BF16: Fill(MemoryMarshal.Cast<byte, ushort>(data), () => (ushort)(BitConverter.SingleToUInt32Bits(random.NextSingle() - 0.5f) >> 16)); break;
            case DataType.S32: Fill(MemoryMarshal.Cast<byte, int>(data), () => random.Next(-500, 500)); break;
            default: Fill(data, () => (byte)random.Next(1, 100)); break;
        }
    }

    private static void Fill<T>(Span<T> data, Func<T> next)
    {
        foreach (ref T x in data) x = next();
    }
}
