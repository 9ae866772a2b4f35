using ConvNative.Cli.Suites;

namespace ConvNative.Cli.Checking;

/// <summary>What a matrix tells while it runs. Called from the thread that runs it.</summary>
public interface IMatrixProgress
{
    /// <summary>A problem or block begins.</summary>
    void Begin(MatrixSubject subject);

    /// <summary>It is done; the cells are one an engine.</summary>
    void Done(MatrixSubject subject, IReadOnlyList<CellResult> cells);
}
