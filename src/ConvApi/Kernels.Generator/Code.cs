namespace ConvNative.Kernels.Generator;

/// <summary>Lines of C# in which some statements depend on the sizes of type parameters.</summary>
internal static class Code
{
    private const int Width = 160;

    /// <summary>One line for each.</summary>
    public static string Lines(IEnumerable<string> lines) => string.Join('\n', lines.Where(l => l.Length > 0));

    /// <summary>One line for each number below <paramref name="count"/>.</summary>
    public static string Lines(int count, Func<int, string> line) => Lines(Enumerable.Range(0, count).Select(line));

    /// <summary>Statements under conditions, those beside each other under the same condition together.</summary>
    public static string Guarded(IEnumerable<(string Condition, string Statements)> items)
    {
        var lines = new List<string>();
        var together = new List<string>();
        string condition = "";
        foreach ((string next, string statements) in items.Append(("", "")))
        {
            if (next != condition || statements.Length == 0)
            {
                if (together.Count > 0) lines.Add(If(condition, together));
                together.Clear();
                condition = next;
            }

            if (statements.Length > 0) together.Add(statements);
        }

        return Lines(lines);
    }

    /// <summary>For each number below the largest size, statements that are there where the number is.</summary>
    public static string Guarded(Sizes sizes, Func<int, string> statements) =>
        Guarded(Enumerable.Range(0, sizes.Most).Select(i => (sizes.Has(i), statements(i))));

    /// <summary>A block under a condition.</summary>
    public static string If(string condition, string block) => condition.Length == 0 ? block : $"if ({condition})\n{{\n{Indent(block)}\n}}";

    /// <summary>Adds as many levels of indentation.</summary>
    public static string Indent(string block, int levels = 1)
    {
        string indent = new(' ', 4 * levels);
        return Lines(block.Split('\n').Select(l => l.Length == 0 ? l : indent + l));
    }

    /// <summary>As many pieces a line as fit.</summary>
    public static string Packed(IEnumerable<string> pieces)
    {
        var lines = new List<string>();
        foreach (string piece in pieces)
        {
            if (lines.Count > 0 && lines[^1].Length + piece.Length < Width) lines[^1] += " " + piece;
            else lines.Add(piece);
        }

        return Lines(lines);
    }

    private static string If(string condition, List<string> statements)
    {
        if (condition.Length == 0) return Packed(statements);
        string line = string.Join(' ', statements);
        bool single = line.IndexOf(';') == line.Length - 1;
        return line.Contains('\n') || line.Length + condition.Length > Width ? If(condition, Packed(statements)) : single ? $"if ({condition}) {line}" : $"if ({condition}) {{ {line} }}";
    }
}
