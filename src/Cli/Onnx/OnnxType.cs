using ConvNative.Cli.Files;

namespace ConvNative.Cli.Onnx;

/// <summary>TensorProto's element types, as onnx.proto numbers them; the eight-bit floats and smaller types of later versions stay numbers.</summary>
public enum OnnxType
{
    Undefined = 0,
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    BFloat16 = 16,
}

/// <summary>How element types are stored.</summary>
internal static class OnnxTypes
{
    /// <summary>The same elements as an array of the tool.</summary>
    /// <exception cref="NotSupportedException">The tool has no such arrays.</exception>
    public static NpyType ToNpy(this OnnxType type) => type switch
    {
        OnnxType.Float => NpyType.F4,
        OnnxType.Double => NpyType.F8,
        OnnxType.Float16 => NpyType.F2,
        OnnxType.BFloat16 => NpyType.U2,
        OnnxType.Int8 => NpyType.I1,
        OnnxType.UInt8 => NpyType.U1,
        OnnxType.Int32 => NpyType.I4,
        OnnxType.Int64 => NpyType.I8,
        _ => throw new NotSupportedException($"tensors of ONNX's element type {type.Name()}"),
    };

    /// <summary>ONNX's own name in lower case, for example <c>bfloat16</c>; a number that this build does not know stays one.</summary>
    public static string Name(this OnnxType type) => type.ToString().ToLowerInvariant();
}
