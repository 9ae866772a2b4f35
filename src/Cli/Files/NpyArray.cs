using ConvNative.Problems;

namespace ConvNative.Cli.Files;

/// <summary>Element types of <c>.npy</c> files that the tool reads and writes, all little endian in memory.</summary>
public enum NpyType
{
    /// <summary>IEEE binary64, <c>&lt;f8</c>.</summary>
    F8,

    /// <summary>IEEE binary32, <c>&lt;f4</c>.</summary>
    F4,

    /// <summary>IEEE binary16, <c>&lt;f2</c>.</summary>
    F2,

    /// <summary>Signed 8-bit, <c>|i1</c>.</summary>
    I1,

    /// <summary>Unsigned 8-bit, <c>|u1</c>.</summary>
    U1,

    /// <summary>Signed 32-bit, <c>&lt;i4</c>.</summary>
    I4,

    /// <summary>Signed 64-bit, <c>&lt;i8</c>.</summary>
    I8,

    /// <summary>Unsigned 16-bit, <c>&lt;u2</c>: raw bits of bfloat16, which NumPy lacks.</summary>
    U2,

    /// <summary>Two opaque bytes, <c>|V2</c>: raw bits of bfloat16 as ml_dtypes saves them.</summary>
    V2,
}

/// <summary>An array as a <c>.npy</c> file holds it: row-major, little endian.</summary>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Shape; empty for a scalar.</param>
/// <param name="Data">Exactly the elements' bytes.</param>
public sealed record NpyArray(NpyType Type, Dims Shape, byte[] Data);

/// <summary>Sizes and names of <see cref="NpyType"/>.</summary>
public static class NpyTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int SizeOf(this NpyType type) => type switch
    {
        NpyType.F8 or NpyType.I8 => 8,
        NpyType.F4 or NpyType.I4 => 4,
        NpyType.F2 or NpyType.U2 or NpyType.V2 => 2,
        _ => 1,
    };

    /// <summary>The header's <c>descr</c>.</summary>
    public static string Descr(this NpyType type) => type switch
    {
        NpyType.I1 or NpyType.U1 or NpyType.V2 => $"|{Code(type)}",
        _ => $"<{Code(type)}",
    };

    /// <summary>
    /// The type of a header's <c>descr</c> as NumPy reads it: a byte order (none, <c>=</c> and <c>|</c> mean this machine's) and a code
    /// such as <c>f4</c>, its letter (<c>f</c>) or name (<c>float32</c>). Big-endian files are allowed and flagged.
    /// </summary>
    public static bool TryParse(string descr, out NpyType type, out bool bigEndian)
    {
        ArgumentNullException.ThrowIfNull(descr);
        (type, bigEndian) = (default, false);
        if (descr.Length == 0) return false;
        bool ordered = descr[0] is '<' or '>' or '|' or '=';
        string code = ordered ? descr[1..] : descr;
        foreach (NpyType t in Enum.GetValues<NpyType>())
        {
            if (code != Code(t) && Array.IndexOf(Aliases(t), code) < 0) continue;
            type = t;
            bigEndian = (descr[0] == '>' || (descr[0] != '<' && !BitConverter.IsLittleEndian)) && t is not NpyType.V2 && t.SizeOf() > 1;
            return true;
        }

        return false;
    }

    // What NumPy's dtype() takes for the same type; C's long is not among them, whose size depends on the system.
    private static string[] Aliases(NpyType type) => type switch
    {
        NpyType.F8 => ["d", "float64", "double"],
        NpyType.F4 => ["f", "float32", "single"],
        NpyType.F2 => ["e", "float16", "half"],
        NpyType.I1 => ["b", "int8"],
        NpyType.U1 => ["B", "uint8"],
        NpyType.I4 => ["i", "int32"],
        NpyType.I8 => ["q", "int64"],
        NpyType.U2 => ["H", "uint16"],
        _ => [],
    };

    private static string Code(NpyType type) => type switch
    {
        NpyType.F8 => "f8",
        NpyType.F4 => "f4",
        NpyType.F2 => "f2",
        NpyType.I1 => "i1",
        NpyType.U1 => "u1",
        NpyType.I4 => "i4",
        NpyType.I8 => "i8",
        NpyType.U2 => "u2",
        _ => "V2",
    };
}
