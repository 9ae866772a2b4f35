namespace ConvNative.Cli.Checking;

/// <summary>One problem on one engine, over all fills: a row of results.jsonl and of results.json.</summary>
public sealed record CellResult
{
    /// <summary>Suite that the row is reported in; null in results.jsonl, where a problem stands once.</summary>
    public string? Suite { get; init; }

    /// <summary>The layer's name in its suite, or null.</summary>
    public string? Name { get; init; }

    /// <summary>The problem string without its name: paste it after <c>convnative check</c>.</summary>
    public required string Problem { get; init; }

    /// <summary>Engine.</summary>
    public required string Backend { get; init; }

    /// <summary>The engine's own line about version and place.</summary>
    public string BackendVersion { get; init; } = "";

    /// <summary>Version of this tool, with the commit when known.</summary>
    public string ToolVersion { get; init; } = "";

    /// <summary>Operation, as <c>--op</c> has it in JSON.</summary>
    public string Op { get; init; } = "";

    /// <summary>Direction, for example <c>forward</c>.</summary>
    public string Direction { get; init; } = "";

    /// <summary>Types: one name, or input:weights:output.</summary>
    public string DataType { get; init; } = "";

    /// <summary>The rows of the summary table that the problem counts in.</summary>
    public IReadOnlyList<string> Variants { get; init; } = [];

    /// <summary>Verdict.</summary>
    public required CellStatus Status { get; init; }

    /// <summary>The kernel that the engine chose, or null.</summary>
    public string? Implementation { get; init; }

    /// <summary>Largest error over all fills, in units of the element's bound; null where nothing was compared.</summary>
    public double? WorstError { get; init; }

    /// <summary>Says which part of the output was compared; null when all of it was.</summary>
    public string? Sampled { get; init; }

    /// <summary>Reason, exception text, or what is wrong and where.</summary>
    public string? Message { get; init; }

    /// <summary>The fills, in order.</summary>
    public IReadOnlyList<FillResult> Fills { get; init; } = [];

    /// <summary>Seconds spent on the cell, the oracle not counted.</summary>
    public double Seconds { get; init; }

    /// <summary>True for what makes the exit code 1.</summary>
    public bool IsBad() => Status is CellStatus.Fail or CellStatus.Mistrusted or CellStatus.Error;
}

/// <summary>One fill of one cell.</summary>
/// <param name="Fill">random, exact_integer, full_range or not_finite.</param>
/// <param name="Status">Verdict on this fill; unsupported where the engine refuses operands that are not finite.</param>
/// <param name="WorstError">Largest error in units of the bound.</param>
/// <param name="Compared">Elements compared.</param>
/// <param name="Elements">Elements of the result.</param>
/// <param name="Message">What is wrong and where, or null.</param>
public sealed record FillResult(string Fill, CellStatus Status, double WorstError, long Compared, long Elements, string? Message);
