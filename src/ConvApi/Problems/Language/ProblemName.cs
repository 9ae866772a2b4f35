using System.Text;

namespace ConvNative.Problems.Language;

/// <summary>The name at the end of a descriptor: <c>n"name"</c>, or as older files have it everything after n.</summary>
internal static class ProblemName
{
    public static string? Read(string text)
    {
        if (text.Length == 0) return null;
        if (text.Length < 2 || text[0] != '"' || text[^1] != '"') return text;
        var b = new StringBuilder(text.Length);
        for (int i = 1; i < text.Length - 1; i++)
        {
            char c = text[i];
            if (c == '"') return text;
            if (c == '\\' && i + 2 < text.Length && "\\\"nrt".Contains(text[i + 1], StringComparison.Ordinal))
                c = text[++i] switch { 'n' => '\n', 'r' => '\r', 't' => '\t', var other => other };
            b.Append(c);
        }

        return b.Length == 0 ? null : b.ToString();
    }

    public static string Write(string? name)
    {
        if (string.IsNullOrEmpty(name)) return "";
        var b = new StringBuilder("n\"");
        foreach (char c in name)
            b.Append(c switch { '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", '"' => "\\\"", '\\' => "\\\\", _ => $"{c}" });
        return b.Append('"').ToString();
    }
}
