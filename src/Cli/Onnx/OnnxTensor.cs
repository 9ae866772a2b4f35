using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Cli.Onnx;

/// <summary>A TensorProto: from an <c>input_N.pb</c> or <c>output_N.pb</c> file, an initializer, or a constant's value.</summary>
public sealed class OnnxTensor
{
    private readonly List<long> _dims = [];
    private readonly List<float> _floats = [];
    private readonly List<long> _ints = [];
    private readonly List<long> _longs = [];
    private readonly List<double> _doubles = [];
    private byte[]? _raw;
    private bool _external;

    private OnnxTensor()
    {
    }

    /// <summary>Its name in the graph; may be empty.</summary>
    public string Name { get; private set; } = "";

    public OnnxType Type { get; private set; }

    /// <summary>Empty for a scalar.</summary>
    public Dims Shape => Dims.Create(CollectionsMarshal.AsSpan(_dims));

    /// <summary>Reads a file that holds one TensorProto.</summary>
    /// <exception cref="IOException">The file cannot be read, or is no protobuf message.</exception>
    /// <exception cref="FormatException">It is no tensor.</exception>
    public static OnnxTensor Load(string path) => Read(new WireReader("TensorProto", File.ReadAllBytes(path)));

    internal static OnnxTensor Read(WireReader reader)
    {
        var tensor = new OnnxTensor();
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: reader.Int64s(tensor._dims); break;
                case 2: tensor.Type = (OnnxType)reader.Int64(); break;
                case 4: reader.Singles(tensor._floats); break;
                case 5: reader.Int64s(tensor._ints); break;
                case 7: reader.Int64s(tensor._longs); break;
                case 8: tensor.Name = reader.Text(); break;
                case 9: tensor._raw = reader.Bytes(); break;
                case 10: reader.Doubles(tensor._doubles); break;
                case 14: tensor._external = reader.Int64() == 1; break;
            }
        }

        return tensor;
    }

    /// <summary>The elements, little endian and row-major; bfloat16 as its bits.</summary>
    /// <exception cref="NotSupportedException">The tool has no arrays of this type, or the elements lie outside the file.</exception>
    /// <exception cref="FormatException">The number of elements is not the shape's.</exception>
    public NpyArray ToArray()
    {
        NpyType type = Type.ToNpy();
        if (_external) throw new NotSupportedException($"tensor {Name}: elements in a file of their own (external data)");
        if (_dims.Exists(d => d < 0)) throw new FormatException($"tensor {Name}: shape {Shape} has a negative size");
        byte[] data = _raw ?? Typed(type);
        long bytes = checked(Shape.Product * type.SizeOf());
        if (data.Length != bytes) throw new FormatException($"tensor {Name}: {data.Length / type.SizeOf()} elements of {Type.Name()}, but shape {Shape} has {Shape.Product}");
        return new NpyArray(type, Shape, data);
    }

    private byte[] Typed(NpyType type) => type switch
    {
        NpyType.F4 => Pack(_floats, 4, BinaryPrimitives.WriteSingleLittleEndian),
        NpyType.F8 => Pack(_doubles, 8, BinaryPrimitives.WriteDoubleLittleEndian),
        NpyType.I8 => Pack(_longs, 8, BinaryPrimitives.WriteInt64LittleEndian),
        NpyType.I4 => Pack(_ints, 4, (to, v) => BinaryPrimitives.WriteInt32LittleEndian(to, (int)Within(v, int.MinValue, int.MaxValue))),
        NpyType.I1 => Pack(_ints, 1, (to, v) => to[0] = (byte)(sbyte)Within(v, sbyte.MinValue, sbyte.MaxValue)),
        NpyType.U1 => Pack(_ints, 1, (to, v) => to[0] = (byte)Within(v, byte.MinValue, byte.MaxValue)),
        _ => Pack(_ints, 2, (to, v) => BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)Within(v, 0, ushort.MaxValue))),
    };

    private long Within(long value, long least, long most) => value >= least && value <= most
        ? value : throw new FormatException($"tensor {Name}: int32_data holds {value}, which is no {Type.Name()}");

    private static byte[] Pack<T>(List<T> values, int size, Writer<T> write)
    {
        var data = new byte[checked(values.Count * size)];
        for (int i = 0; i < values.Count; i++) write(data.AsSpan(i * size, size), values[i]);
        return data;
    }

    private delegate void Writer<T>(Span<byte> to, T value);
}
