using System.Buffers.Binary;
using System.Text;
using ConvNative.Problems;

namespace ConvNative.Cli.Files;

/// <summary>
/// Reads <c>.npy</c> files of format versions 1 to 3 and writes version 1 (NumPy's NEP 1). Fortran order and big-endian elements
/// are converted while reading; whatever else is odd is refused with a message that names the file.
/// </summary>
public static class NpyFile
{
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a file.</summary>
    /// <exception cref="NpyException">The file is not what it should be; the message names file, value and rule.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static NpyArray Read(string path)
    {
        try
        {
            return Parse(File.ReadAllBytes(path));
        }
        catch (NpyException e)
        {
            throw new NpyException($"{path}: {e.Message}");
        }
    }

    /// <summary>Reads a file's bytes.</summary>
    /// <exception cref="NpyException">They are not a <c>.npy</c> file that this tool reads.</exception>
    public static NpyArray Parse(ReadOnlySpan<byte> file)
    {
        if (file.Length < 10 || !file.StartsWith(Magic)) throw new NpyException("not a .npy file: the first bytes must be \\x93NUMPY");
        int version = file[6];
        if (version is < 1 or > 3) throw new NpyException($"format version = {version}.{file[7]}: must be 1, 2 or 3");
        int prefix = version == 1 ? 10 : 12;
        if (file.Length < prefix) throw new NpyException($"{file.Length} bytes: ends inside the header");
        uint length = version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(file[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(file[8..]);
        if (length > file.Length - prefix) throw new NpyException($"header length = {length}: the file has only {file.Length - prefix} bytes after it");
        ReadOnlySpan<byte> text = file.Slice(prefix, (int)length);
        NpyHeader header = NpyHeader.Parse(version == 3 ? Encoding.UTF8.GetString(text) : Encoding.Latin1.GetString(text));
        if (!NpyTypes.TryParse(header.Descr, out NpyType type, out bool bigEndian))
            throw new NpyException($"descr = {header.Descr}: must be one of <f8, <f4, <f2, |i1, |u1, <i4, <i8, or <u2 or |V2 for bfloat16");
        long bytes;
        try
        {
            bytes = checked(header.Shape.Product * type.SizeOf());
        }
        catch (OverflowException)
        {
            throw new NpyException($"shape = {header.Shape}: too large");
        }

        ReadOnlySpan<byte> data = file[(prefix + (int)length)..];
        if (data.Length != bytes) throw new NpyException($"data = {data.Length} bytes: shape {header.Shape} of {header.Descr} needs exactly {bytes}");
        byte[] copy = data.ToArray();
        if (bigEndian) Swap(copy, type.SizeOf());
        if (header.FortranOrder && header.Shape.Count > 1) copy = FromFortran(copy, header.Shape, type.SizeOf());
        return new NpyArray(type, header.Shape, copy);
    }

    /// <summary>Writes a file under a temporary name and renames it, so that a file that exists is whole.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Write(string path, NpyArray array)
    {
        ArgumentNullException.ThrowIfNull(array);
        string temporary = path + ".partial";
        using (FileStream stream = File.Create(temporary))
        {
            stream.Write(Header(array.Type, array.Shape));
            stream.Write(array.Data);
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>The bytes before the data: version 1.0, padded so that the data begins at a multiple of 64.</summary>
    public static byte[] Header(NpyType type, Dims shape)
    {
        string tuple = shape.Count == 1 ? $"({shape[0]},)" : $"({string.Join(", ", shape.ToArray())})";
        string text = $"{{'descr': '{type.Descr()}', 'fortran_order': False, 'shape': {tuple}, }}";
        int total = (10 + text.Length + 1 + 63) / 64 * 64;
        var header = new byte[total];
        Magic.CopyTo(header);
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)(total - 10));
        header.AsSpan(10).Fill((byte)' ');
        Encoding.ASCII.GetBytes(text, header.AsSpan(10));
        header[^1] = (byte)'\n';
        return header;
    }

    private static void Swap(byte[] data, int size)
    {
        for (int i = 0; i < data.Length; i += size) data.AsSpan(i, size).Reverse();
    }

    private static byte[] FromFortran(byte[] data, Dims shape, int size)
    {
        var result = new byte[data.Length];
        var index = new long[shape.Count];
        Dims strides = shape.DenseStrides();
        for (int from = 0; from < data.Length; from += size)
        {
            long to = 0;
            for (int a = 0; a < index.Length; a++) to += index[a] * strides[a];
            data.AsSpan(from, size).CopyTo(result.AsSpan((int)to * size));
            for (int a = 0; a < index.Length && ++index[a] == shape[a]; a++) index[a] = 0;
        }

        return result;
    }
}

/// <summary>A <c>.npy</c> file is not what it should be.</summary>
public sealed class NpyException(string message) : IOException(message);
