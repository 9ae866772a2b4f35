using ConvNative.Cli.Checking;

namespace ConvNative.Cli.Reports;

/// <summary>The command that repeats a cell.</summary>
public static class Repro
{
    /// <summary>A line to paste into a shell.</summary>
    public static string Command(CellResult cell)
    {
        ArgumentNullException.ThrowIfNull(cell);
        // A label may go on after the name: "onednn@machine", "cudnn (protocol double)".
        string backend = cell.Backend.Split('@', ' ')[0];
        return $"convnative check --backend {backend} {string.Join(' ', cell.Problem.Split(' ').Select(Quote))}";
    }

    private static string Quote(string token)
    {
        foreach (char c in token)
            if (!char.IsAsciiLetterOrDigit(c) && !"-_=+:.,/%@".Contains(c, StringComparison.Ordinal)) return $"'{token.Replace("'", "'\\''", StringComparison.Ordinal)}'";
        return token;
    }
}
