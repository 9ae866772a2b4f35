using ConvNative.Problems;

namespace ConvNative.Cli;

/// <summary>Reads problems from a command line and from <c>--batch</c>, the same way for every verb.</summary>
public static class ProblemTokens
{
    /// <summary>Says what a list's notes say; a warning is called one.</summary>
    public static void Announce(IEnumerable<ProblemNote> notes, TextWriter to)
    {
        ArgumentNullException.ThrowIfNull(notes);
        ArgumentNullException.ThrowIfNull(to);
        foreach (ProblemNote n in notes) to.WriteLine($"{(n.IsWarning ? "warning" : "note")}: {n}");
    }

    /// <summary>The error of a text without a problem; what its notes say is in it.</summary>
    /// <param name="field">Where problems were looked for: an option, or PROBLEM.</param>
    /// <param name="value">What was given there.</param>
    /// <param name="notes">Of the text.</param>
    /// <param name="advice">What to do.</param>
    public static CliException None(string field, string value, IReadOnlyList<ProblemNote> notes, string advice)
    {
        ArgumentNullException.ThrowIfNull(notes);
        string said = string.Join("; ", notes.Select(n => $"{n.Knob}: {n.Reason}"));
        return new CliException($"{field} = {value}: {advice}{(said.Length == 0 ? "" : $" ({said})")}");
    }

    /// <summary>The problems of a file.</summary>
    /// <param name="option">The option that names it.</param>
    /// <param name="file">The file.</param>
    /// <exception cref="CliException">There is no such file, or no problem in it.</exception>
    /// <exception cref="ProblemSyntaxException">A problem is malformed or breaks a rule of geometry.</exception>
    public static ProblemList ReadFile(string option, string file)
    {
        if (!File.Exists(file)) throw new CliException($"{option} = {file}: no such file");
        ProblemList list = ProblemFile.Load(file);
        return list.Problems.Count + list.Unsupported.Count > 0 ? list : throw None(option, file, list.Notes, "the file holds no problem");
    }

    /// <summary>Problems of <paramref name="tokens"/>, then those of <paramref name="batch"/>.</summary>
    /// <exception cref="CliException">There is no problem at all, none in the file, or no such file.</exception>
    /// <exception cref="ProblemSyntaxException">A problem is malformed or breaks a rule of geometry.</exception>
    public static ProblemList Read(IReadOnlyList<string> tokens, string? batch)
    {
        ProblemList given = Expand(tokens);
        if (batch is null)
            return given.Problems.Count + given.Unsupported.Count > 0 ? given : throw None("PROBLEM", "none", given.Notes, "give a problem string, for example ic16ih28oc32kh3ph1, or --batch FILE");
        ProblemList file = ReadFile("--batch", batch);
        return new ProblemList([.. given.Problems, .. file.Problems], [.. given.Unsupported, .. file.Unsupported], [.. given.Notes, .. file.Notes]);
    }

    /// <summary>Problems of <paramref name="tokens"/>: knobs stay until set again; a quoted token with spaces is a problem of its own.</summary>
    /// <exception cref="ProblemSyntaxException">A problem is malformed or breaks a rule of geometry.</exception>
    public static ProblemList Expand(IReadOnlyList<string> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        var problems = new List<ConvProblem>();
        var unsupported = new List<UnsupportedProblem>();
        var notes = new List<ProblemNote>();
        var plain = new List<string>();
        foreach (string token in tokens)
        {
            // A quoted name may hold spaces; only those before it divide a token.
            if (!token.TakeWhile(c => c != '"').Any(char.IsWhiteSpace))
            {
                plain.Add(token);
                continue;
            }

            Flush();
            problems.Add(ConvProblem.Parse(token));
        }

        Flush();
        return new ProblemList(problems, unsupported, notes);

        void Flush()
        {
            if (plain.Count == 0) return;
            ProblemList list = ProblemFile.Expand(plain);
            problems.AddRange(list.Problems);
            unsupported.AddRange(list.Unsupported);
            notes.AddRange(list.Notes);
            plain.Clear();
        }
    }
}
