using Google.Protobuf;

namespace ConvNative.Cli.Onnx;

/// <summary>
/// Walks the fields of one protobuf message. Fields that the caller does not read are skipped, so that files of newer
/// versions can be read; a field of an unexpected wire type is an error.
/// </summary>
internal sealed class WireReader
{
    private readonly CodedInputStream _input;
    private readonly string _message;
    private uint _tag;
    private bool _taken = true;

    public WireReader(string message, byte[] data)
        : this(message, new CodedInputStream(data))
    {
    }

    private WireReader(string message, CodedInputStream input)
    {
        _message = message;
        _input = input;
    }

    /// <summary>Number of the field that <see cref="Next"/> stands at.</summary>
    public int Field => WireFormat.GetTagFieldNumber(_tag);

    private WireFormat.WireType Wire => WireFormat.GetTagWireType(_tag);

    /// <summary>Goes to the next field; false at the end of the message.</summary>
    public bool Next()
    {
        if (!_taken) _input.SkipLastField();
        _tag = _input.ReadTag();
        _taken = false;
        return _tag != 0;
    }

    public long Int64()
    {
        Take(WireFormat.WireType.Varint);
        return _input.ReadInt64();
    }

    public float Single()
    {
        Take(WireFormat.WireType.Fixed32);
        return _input.ReadFloat();
    }

    public string Text()
    {
        Take(WireFormat.WireType.LengthDelimited);
        return _input.ReadString();
    }

    public byte[] Bytes()
    {
        Take(WireFormat.WireType.LengthDelimited);
        return _input.ReadBytes().ToByteArray();
    }

    public WireReader Message(string name)
    {
        Take(WireFormat.WireType.LengthDelimited);
        return new WireReader(name, _input.ReadBytes().CreateCodedInput());
    }

    /// <summary>Appends a repeated integer, packed or not.</summary>
    public void Int64s(List<long> to) => Repeated(to, WireFormat.WireType.Varint, i => i.ReadInt64());

    /// <summary>Appends a repeated float, packed or not.</summary>
    public void Singles(List<float> to) => Repeated(to, WireFormat.WireType.Fixed32, i => i.ReadFloat());

    /// <summary>Appends a repeated double, packed or not.</summary>
    public void Doubles(List<double> to) => Repeated(to, WireFormat.WireType.Fixed64, i => i.ReadDouble());

    private void Repeated<T>(List<T> to, WireFormat.WireType single, Func<CodedInputStream, T> read)
    {
        if (Wire == single)
        {
            Take(single);
            to.Add(read(_input));
            return;
        }

        Take(WireFormat.WireType.LengthDelimited);
        CodedInputStream packed = _input.ReadBytes().CreateCodedInput();
        while (!packed.IsAtEnd) to.Add(read(packed));
    }

    private void Take(WireFormat.WireType expected)
    {
        if (Wire != expected) throw new FormatException($"field {Field} of {_message} has wire type {Wire}, not {expected}");
        _taken = true;
    }
}
