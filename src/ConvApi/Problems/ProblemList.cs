namespace ConvNative.Problems;

/// <summary>What a list of problems came to. Nothing is dropped: every line is a problem, an unsupported problem, or a note.</summary>
/// <param name="Problems">The problems, in the order of the text.</param>
/// <param name="Unsupported">Problems that are well formed in benchdnn's language and that ConvNative cannot express.</param>
/// <param name="Notes">Knobs that were accepted and change nothing in what is computed.</param>
public sealed record ProblemList(
    IReadOnlyList<ConvProblem> Problems, IReadOnlyList<UnsupportedProblem> Unsupported, IReadOnlyList<ProblemNote> Notes);

/// <summary>A well-formed benchdnn problem that has no counterpart here.</summary>
/// <param name="Text">Its knobs and descriptor.</param>
/// <param name="Reason">What is missing, by name.</param>
/// <param name="File">Where it stands; null for a command line.</param>
/// <param name="Line">Where it stands, from 1.</param>
public sealed record UnsupportedProblem(string Text, string Reason, string? File, int Line)
{
    /// <summary>Text and reason.</summary>
    public override string ToString() => $"{Text}: {Reason}";
}

/// <summary>A knob that was accepted without effect on what is computed.</summary>
/// <param name="Knob">The knob as written.</param>
/// <param name="Reason">Why it has no effect.</param>
/// <param name="File">Where it stands; null for a command line.</param>
/// <param name="Line">Where it stands, from 1.</param>
public sealed record ProblemNote(string Knob, string Reason, string? File, int Line)
{
    /// <summary>True where the knob was surely meant to have an effect: one that no problem follows, for example.</summary>
    public bool IsWarning { get; init; }

    /// <summary>Place, knob and reason.</summary>
    public override string ToString() => $"{(File is null ? "" : $"{File}:{Line}: ")}{Knob}: {Reason}";
}
