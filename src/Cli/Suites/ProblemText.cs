using ConvNative.Problems;

namespace ConvNative.Cli.Suites;

/// <summary>Problem strings as the reports key them.</summary>
public static class ProblemText
{
    /// <summary>The problem string without the name: equal problems have equal texts.</summary>
    public static string Of(ConvProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return problem.Name is null ? problem.ToString() : problem.With(s => s with { Name = null }).ToString();
    }
}
