using ConvNative.Problems;

namespace ConvNative.Cli.Suites;

/// <summary>A named list of problems.</summary>
/// <param name="Name">Name of the suite, or the file's name.</param>
/// <param name="Problems">Problems in the order of the text.</param>
/// <param name="Unsupported">What is well formed and cannot be expressed here.</param>
public sealed record ProblemSuite(string Name, IReadOnlyList<ConvProblem> Problems, IReadOnlyList<UnsupportedProblem> Unsupported)
{
    /// <summary>Blocks of the literature, as <c>--block</c> takes them.</summary>
    public IReadOnlyList<string> Blocks { get; init; } = [];

    /// <summary>Knobs of the text without effect.</summary>
    public IReadOnlyList<ProblemNote> Notes { get; init; } = [];

    /// <summary>Problems, then blocks.</summary>
    public IEnumerable<MatrixSubject> Subjects => Problems.Select(MatrixSubject.Of).Concat(Blocks.Select(MatrixSubject.Of));
}
