using Google.Protobuf;

namespace ConvNative.Tests;

/// <summary>Writes one protobuf message, field by field.</summary>
internal sealed class Proto
{
    private readonly MemoryStream _bytes = new();

    public byte[] ToBytes() => _bytes.ToArray();

    public Proto Int(int field, params long[] values) => Write(o =>
    {
        foreach (long v in values)
        {
            o.WriteTag(field, WireFormat.WireType.Varint);
            o.WriteInt64(v);
        }
    });

    public Proto Text(int field, params string[] values) => Write(o =>
    {
        foreach (string v in values)
        {
            o.WriteTag(field, WireFormat.WireType.LengthDelimited);
            o.WriteString(v);
        }
    });

    public Proto Bytes(int field, byte[] value) => Write(o =>
    {
        o.WriteTag(field, WireFormat.WireType.LengthDelimited);
        o.WriteBytes(ByteString.CopyFrom(value));
    });

    public Proto Message(int field, Proto message) => Bytes(field, message.ToBytes());

    public Proto Single(int field, float value) => Write(o =>
    {
        o.WriteTag(field, WireFormat.WireType.Fixed32);
        o.WriteFloat(value);
    });

    public Proto PackedInts(int field, params long[] values) => Packed(field, o =>
    {
        foreach (long v in values) o.WriteInt64(v);
    });

    public Proto PackedSingles(int field, params float[] values) => Packed(field, o =>
    {
        foreach (float v in values) o.WriteFloat(v);
    });

    public Proto PackedDoubles(int field, params double[] values) => Packed(field, o =>
    {
        foreach (double v in values) o.WriteDouble(v);
    });

    private Proto Packed(int field, Action<CodedOutputStream> write)
    {
        var inner = new Proto();
        inner.Write(write);
        return Bytes(field, inner.ToBytes());
    }

    private Proto Write(Action<CodedOutputStream> write)
    {
        using var output = new CodedOutputStream(_bytes, leaveOpen: true);
        write(output);
        return this;
    }
}
