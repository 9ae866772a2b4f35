namespace ConvNative.Problems;

/// <summary>A problem string or file that cannot be read: says where, shows the line with a caret, and what was expected.</summary>
public sealed class ProblemSyntaxException : FormatException
{
    internal ProblemSyntaxException(string? file, int line, int column, string lineText, string reason, string expected, Exception? inner = null)
        : base(Compose(file, line, column, lineText, reason, expected), inner)
    {
        File = file;
        Line = line;
        Column = column;
        LineText = lineText;
        Reason = reason;
        Expected = expected;
    }

    /// <summary>The file, or null for a string or a command line.</summary>
    public string? File { get; }

    /// <summary>Line, from 1.</summary>
    public int Line { get; }

    /// <summary>Column in UTF-16 units, from 1.</summary>
    public int Column { get; }

    /// <summary>The line as it stands in the text.</summary>
    public string LineText { get; }

    /// <summary>What is wrong.</summary>
    public string Reason { get; }

    /// <summary>What would have been right there.</summary>
    public string Expected { get; }

    private static string Compose(string? file, int line, int column, string text, string reason, string expected)
    {
        // Tabs are kept so that the caret stands under its character whatever the terminal's tab width.
        string indent = string.Concat(text.Take(column - 1).Select(c => c == '\t' ? '\t' : ' '));
        string place = file is null ? $"line {line}, column {column}" : $"{file}:{line}:{column}";
        return $"{place}: {reason}; expected {expected}\n  {text}\n  {indent}^";
    }
}
