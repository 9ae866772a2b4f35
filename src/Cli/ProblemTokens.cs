using ConvNative.Problems;

namespace ConvNative.Cli;

/// <summary>Reads problems from a command line and from <c>--batch</c>, the same way for every verb.</summary>
public static class ProblemTokens
{
    /// <summary>
    /// Problems of <paramref name="tokens"/> (knobs stay until set again; a quoted token with spaces is a problem of its own), then
    /// those of <paramref name="batch"/>.
    /// </summary>
    /// <exception cref="CliException">There is no problem at all.</exception>
    /// <exception cref="ProblemSyntaxException">A problem is malformed or breaks a rule of geometry.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static ProblemList Read(IReadOnlyList<string> tokens, string? batch)
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
        if (batch is not null) Add(ProblemFile.Load(batch));
        if (problems.Count + unsupported.Count == 0) throw new CliException("PROBLEM = none: give a problem string, for example ic16ih28oc32kh3ph1, or --batch FILE");
        return new ProblemList(problems, unsupported, notes);

        void Flush()
        {
            if (plain.Count > 0) Add(ProblemFile.Expand(plain));
            plain.Clear();
        }

        void Add(ProblemList list)
        {
            problems.AddRange(list.Problems);
            unsupported.AddRange(list.Unsupported);
            notes.AddRange(list.Notes);
        }
    }
}
