namespace ConvNative.Problems.Language;

/// <summary>A text with its name, and the splitting into tokens (benchdnn's: white space, # comments, \ continues a token).</summary>
internal sealed class ProblemSource(string? file, string text)
{
    public string? File { get; } = file;

    public string Text { get; } = text;

    /// <summary>One line made of arguments that the shell has split already: each stays one token.</summary>
    public static List<ProblemToken> FromArguments(IEnumerable<string> arguments)
    {
        string[] all = [.. arguments];
        var source = new ProblemSource(null, string.Join(' ', all));
        var tokens = new List<ProblemToken>(all.Length);
        int at = 0;
        foreach (string a in all)
        {
            if (a.Length > 0) tokens.Add(new ProblemToken(source, a, [.. Enumerable.Range(at, a.Length + 1)]));
            at += a.Length + 1;
        }

        return tokens;
    }

    public List<ProblemToken> Tokens()
    {
        var tokens = new List<ProblemToken>();
        bool continued = false;
        for (int i = 0; i < Text.Length;)
        {
            if (char.IsWhiteSpace(Text[i]) || Text[i] == '\uFEFF')
            {
                i++;
            }
            else if (Text[i] == '#')
            {
                while (i < Text.Length && Text[i] != '\n') i++;
            }
            else
            {
                int end = TokenEnd(i);
                bool more = Text[end - 1] == '\\';
                var token = new ProblemToken(this, Text[i..(more ? end - 1 : end)], [.. Enumerable.Range(i, end - i + (more ? 0 : 1))]);
                if ((continued || token.Text.Length == 0) && tokens.Count == 0) throw token.Error(0, "nothing to continue", "a knob or a problem before '\\'");
                if (!continued && token.Text.Length > 0)
                    tokens.Add(token);
                else
                    tokens[^1] = tokens[^1].Append(token);
                continued = more;
                i = end;
            }
        }

        return tokens;
    }

    public ProblemSyntaxException Error(int offset, string reason, string expected, Exception? inner = null)
    {
        offset = Math.Min(offset, Text.Length);
        int start = offset == 0 ? 0 : Text.LastIndexOf('\n', offset - 1) + 1;
        int end = Text.IndexOf('\n', offset);
        string line = Text[start..(end < 0 ? Text.Length : end)].TrimEnd('\r');
        return new ProblemSyntaxException(File, LineOf(offset), offset - start + 1, line, reason, expected, inner);
    }

    public int LineOf(int offset) => 1 + Text.AsSpan(0, Math.Min(offset, Text.Length)).Count('\n');

    private int TokenEnd(int i)
    {
        while (i < Text.Length && !char.IsWhiteSpace(Text[i])) i = Text[i] == '"' ? Quoted(i) : i + 1;
        return i;
    }

    /// <summary>Past the closing quote; a quote that its line does not close is an ordinary character.</summary>
    private int Quoted(int open)
    {
        for (int i = open + 1; i < Text.Length && Text[i] != '\n'; i++)
        {
            if (Text[i] == '\\') i++;
            else if (Text[i] == '"') return i + 1;
        }

        return open + 1;
    }
}

/// <summary>A token and where each of its characters stands (it may be spread over lines).</summary>
internal sealed class ProblemToken(ProblemSource source, string text, int[] offsets)
{
    public ProblemSource Source { get; } = source;

    public string Text { get; } = text;

    public int Line => Source.LineOf(offsets[0]);

    public ProblemToken Append(ProblemToken next) => new(Source, Text + next.Text, [.. offsets.AsSpan(0, Text.Length), .. next.Offsets]);

    public ProblemSyntaxException Error(int index, string reason, string expected, Exception? inner = null) =>
        Source.Error(offsets[Math.Min(index, offsets.Length - 1)], reason, expected, inner);

    public TokenPart Part(int start, int length) => new(this, start, length);

    private int[] Offsets => offsets;
}

/// <summary>A stretch of a token.</summary>
internal readonly record struct TokenPart(ProblemToken Token, int Start, int Length)
{
    public string Text => Token.Text.Substring(Start, Length);

    public ProblemSyntaxException Error(string reason, string expected) => Token.Error(Start, reason, expected);

    /// <summary>The value without the quotes that a shell would have taken off.</summary>
    public TokenPart Unquoted()
    {
        string t = Text;
        return t.Length >= 2 && t[0] is '"' or '\'' && t[^1] == t[0] ? Token.Part(Start + 1, Length - 2) : this;
    }

    public List<TokenPart> Split(params ReadOnlySpan<char> separators)
    {
        var parts = new List<TokenPart>();
        int from = 0;
        string t = Text;
        for (int i = 0; i <= t.Length; i++)
            if (i == t.Length || separators.Contains(t[i]))
            {
                parts.Add(Token.Part(Start + from, i - from));
                from = i + 1;
            }

        return parts;
    }
}
