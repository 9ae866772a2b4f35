using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative.Plans;

/// <summary>Operands for timing: never zeros, which hide the cost of denormals and let some processors clock higher.</summary>
internal static class RandomData
{
    // Elements; what follows repeats them. An odd number, so that rows and channels are not alike.
    private const int Different = 16_381;

    public static void Fill(Span<byte> data, DataType type)
    {
        var random = new Random(3);
        Span<byte> first = data[..Math.Min(data.Length, Different * type.SizeOf())];
        switch (type)
        {
            case DataType.F32: Fill(MemoryMarshal.Cast<byte, float>(first), () => random.NextSingle() - 0.5f); break;
            case DataType.F64: Fill(MemoryMarshal.Cast<byte, double>(first), () => random.NextDouble() - 0.5); break;
            case DataType.F16: Fill(MemoryMarshal.Cast<byte, Half>(first), () => (Half)(random.NextSingle() - 0.5f)); break;
            case DataType.BF16: Fill(MemoryMarshal.Cast<byte, ushort>(first), () => (ushort)(BitConverter.SingleToUInt32Bits(random.NextSingle() - 0.5f) >> 16)); break;
            case DataType.S32: Fill(MemoryMarshal.Cast<byte, int>(first), () => random.Next(-500, 500)); break;
            default: Fill(first, () => (byte)random.Next(1, 100)); break;
        }

        for (int done = first.Length; done < data.Length; done += Math.Min(done, data.Length - done)) data[..Math.Min(done, data.Length - done)].CopyTo(data[done..]);
    }

    private static void Fill<T>(Span<T> data, Func<T> next)
    {
        foreach (ref T x in data) x = next();
    }
}
