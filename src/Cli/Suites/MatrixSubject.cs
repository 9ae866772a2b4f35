using ConvNative.Problems;

namespace ConvNative.Cli.Suites;

/// <summary>What one row of the matrix is about: a problem, or a block of the literature.</summary>
/// <param name="Key">The words that repeat it after <c>convnative check</c>.</param>
/// <param name="Name">Its name in the suite, or null.</param>
/// <param name="Problem">The problem, or null for a block.</param>
/// <param name="Block">The block or trunk, as <c>--block</c> takes it, or null for a problem.</param>
public sealed record MatrixSubject(string Key, string? Name, ConvProblem? Problem, string? Block)
{
    /// <summary>A problem.</summary>
    public static MatrixSubject Of(ConvProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return new MatrixSubject(problem.Key, problem.Name, problem, null);
    }

    /// <summary>A block.</summary>
    public static MatrixSubject Of(string block) => new($"--block={block}", block, null, block);

    /// <summary>About how long it takes: the oracle's work dominates, and it samples problems beyond two thousand million.</summary>
    public double Weight => Problem is null ? 2e8 : 1e6 + Math.Min(2e9, Problem.MultiplyAdds);
}
