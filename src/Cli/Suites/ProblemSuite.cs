using ConvNative.Problems;

namespace ConvNative.Cli.Suites;

/// <summary>A named list of problems.</summary>
/// <param name="Name">Name of the suite, or the file's name.</param>
/// <param name="Problems">Problems in the order of the text.</param>
/// <param name="Unsupported">What is well formed and cannot be expressed here.</param>
public sealed record ProblemSuite(string Name, IReadOnlyList<ConvProblem> Problems, IReadOnlyList<UnsupportedProblem> Unsupported);
