using ConvNative.Cli.Checking;

namespace ConvNative.Cli.Reports;

/// <summary>The command that repeats a cell.</summary>
public static class Repro
{
    /// <summary>A line to paste into a shell.</summary>
    public static string Command(CellResult cell)
    {
        ArgumentNullException.ThrowIfNull(cell);
        return $"convnative check --backend {cell.Backend} '{cell.Problem.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }
}
