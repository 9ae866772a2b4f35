using ConvNative.Problems;

namespace ConvNative.Cli.Checking;

/// <summary>What a matrix tells while it runs. Called from the thread that runs it.</summary>
public interface IMatrixProgress
{
    /// <summary>A problem begins.</summary>
    void Begin(ConvProblem problem);

    /// <summary>A problem is done; the cells are one an engine.</summary>
    void Done(ConvProblem problem, IReadOnlyList<CellResult> cells);
}
