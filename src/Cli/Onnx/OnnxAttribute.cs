using System.Globalization;
using System.Text;

namespace ConvNative.Cli.Onnx;

/// <summary>What an attribute holds, as AttributeProto numbers it; other numbers are kinds that no convolution has.</summary>
public enum OnnxAttributeKind
{
    Undefined = 0,
    Float = 1,
    Int = 2,
    String = 3,
    Tensor = 4,
    Floats = 6,
    Ints = 7,
}

/// <summary>An AttributeProto.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Which of the values it has; files of the first versions do not say it, then it is what they filled.</param>
/// <param name="Int">The value of <see cref="OnnxAttributeKind.Int"/>.</param>
/// <param name="Ints">The value of <see cref="OnnxAttributeKind.Ints"/>.</param>
/// <param name="Text">The value of <see cref="OnnxAttributeKind.String"/>.</param>
/// <param name="Tensor">The value of <see cref="OnnxAttributeKind.Tensor"/>, or null.</param>
public sealed record OnnxAttribute(string Name, OnnxAttributeKind Kind, long Int, IReadOnlyList<long> Ints, string Text, OnnxTensor? Tensor)
{
    /// <summary>The value for messages.</summary>
    public string Value => Kind switch
    {
        OnnxAttributeKind.Int => Int.ToString(CultureInfo.InvariantCulture),
        OnnxAttributeKind.Ints => $"[{string.Join(',', Ints)}]",
        OnnxAttributeKind.String => Text,
        _ => $"({Kind.ToString().ToLowerInvariant()})",
    };

    internal static OnnxAttribute Read(WireReader reader)
    {
        string name = "";
        var stated = OnnxAttributeKind.Undefined;
        var filled = OnnxAttributeKind.Undefined;
        long number = 0;
        List<long> numbers = [];
        byte[] text = [];
        OnnxTensor? tensor = null;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: name = reader.Text(); break;
                case 2: filled = OnnxAttributeKind.Float; break;
                case 3: number = reader.Int64(); filled = OnnxAttributeKind.Int; break;
                case 4: text = reader.Bytes(); filled = OnnxAttributeKind.String; break;
                case 5: tensor = OnnxTensor.Read(reader.Message("TensorProto")); filled = OnnxAttributeKind.Tensor; break;
                case 7: filled = OnnxAttributeKind.Floats; break;
                case 8: reader.Int64s(numbers); filled = OnnxAttributeKind.Ints; break;
                case 20: stated = (OnnxAttributeKind)reader.Int64(); break;
            }
        }

        return new OnnxAttribute(name, stated == OnnxAttributeKind.Undefined ? filled : stated, number, numbers, Encoding.UTF8.GetString(text), tensor);
    }
}
