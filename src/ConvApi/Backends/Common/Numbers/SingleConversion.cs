using System.Numerics.Tensors;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Numbers;

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
            case DataType.F16 or DataType.BF16: HalfPrecision.Widen(from, to, type, count); return;
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
            case DataType.F16 or DataType.BF16: HalfPrecision.Round(from, to, type, count); return;

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
}
