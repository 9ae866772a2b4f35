using System.Globalization;
using System.Text;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>
/// How a routine for processors cuts a problem, as far as that is open: what the tuner searches, and a variant's name. What is 0 is left to
/// the routine.
/// </summary>
internal readonly record struct CpuCut
{
    private static readonly (CpuSource Value, string Word)[] s_sources = [(CpuSource.Copied, "copied"), (CpuSource.InPlace, "inplace")];

    /// <summary>Rows of a tile, which broadcast: pixels, or output channels where vectors hold pixels.</summary>
    public int Rows { get; init; }

    /// <summary>Vectors of a tile.</summary>
    public int Vectors { get; init; }

    /// <summary>Parts of the whole work.</summary>
    public int Parts { get; init; }

    /// <summary>KiB of source rows that a part holds.</summary>
    public int Panel { get; init; }

    public CpuSource Source { get; init; }

    /// <summary>The cut called <paramref name="text"/>; null where that is no name of one.</summary>
    public static CpuCut? Parse(string? text)
    {
        var cut = default(CpuCut);
        foreach (string word in (text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.EndsWith("parts", StringComparison.Ordinal) && Number(word[..^5]) is { } parts) cut = cut with { Parts = parts };
            else if (word.EndsWith('k') && Number(word[..^1]) is { } panel) cut = cut with { Panel = panel };
            else if (word.Split('x') is [var r, var v] && Number(r) is { } rows && Number(v) is { } vectors) cut = cut with { Rows = rows, Vectors = vectors };
            else if (Array.Find(s_sources, s => s.Word == word).Value is var source && source != CpuSource.Any) cut = cut with { Source = source };
            else return null;
        }

        return cut.ToString() == (text ?? "") ? cut : null;

        static int? Number(string t) => int.TryParse(t, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n is > 0 and < 1 << 20 ? n : null;
    }

    /// <summary>For example <c>7x4 32parts 256k inplace</c>; empty where all is left to the routine.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        if (Rows > 0) text.Append(CultureInfo.InvariantCulture, $"{Rows}x{Vectors} ");
        if (Parts > 0) text.Append(CultureInfo.InvariantCulture, $"{Parts}parts ");
        if (Panel > 0) text.Append(CultureInfo.InvariantCulture, $"{Panel}k ");
        CpuSource source = Source;
        return (text + Array.Find(s_sources, s => s.Value == source).Word).TrimEnd();
    }
}

/// <summary>Whether a kernel reads the caller's tensor or a copy in an order of its own.</summary>
internal enum CpuSource
{
    /// <summary>As the routine prefers.</summary>
    Any,
    Copied,
    InPlace,
}
