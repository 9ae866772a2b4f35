using ConvNative.Cli.Checking;

namespace ConvNative.Cli.Reports;

/// <summary>Numbers of cells by verdict.</summary>
public sealed record Totals(int Pass, int Fail, int Unsupported, int Unavailable, int Mistrusted, int Error)
{
    /// <summary>Counts.</summary>
    public static Totals Of(IEnumerable<CellResult> cells)
    {
        ArgumentNullException.ThrowIfNull(cells);
        var n = new int[6];
        foreach (CellResult c in cells) n[(int)c.Status]++;
        return new Totals(n[0], n[1], n[2], n[3], n[4], n[5]);
    }

    /// <summary>True when the exit code is 1.</summary>
    public bool IsBad() => Fail + Mistrusted + Error > 0;

    /// <summary>The line that ends every report; errors are named when there are any.</summary>
    public override string ToString() =>
        $"cells: {Pass} pass, {Fail} fail, {Unsupported} unsupported, {Unavailable} unavailable, {Mistrusted} mistrusted{(Error > 0 ? $", {Error} error" : "")}";
}

/// <summary>results.json of <c>matrix</c> and <c>check --json</c>.</summary>
public sealed record MatrixReport
{
    /// <summary>Changes when a reader of an older one would misread it.</summary>
    public const int CurrentSchema = 1;

    /// <summary>See <see cref="CurrentSchema"/>.</summary>
    public int SchemaVersion { get; init; } = CurrentSchema;

    /// <summary>Always <c>matrix</c>: benchmarks have their own.</summary>
    public string Kind { get; init; } = "matrix";

    /// <summary>When the report was written, UTC.</summary>
    public required DateTime Created { get; init; }

    /// <summary>False for a run that was stopped: the cells are those that had finished.</summary>
    public required bool Complete { get; init; }

    /// <summary>For example <c>2/3</c>, or null for the whole.</summary>
    public string? Shard { get; init; }

    /// <summary>Where; several after a merge.</summary>
    public required IReadOnlyList<MachineInfo> Machines { get; init; }

    /// <summary>The engines that were asked for.</summary>
    public required IReadOnlyList<BackendInfo> Backends { get; init; }

    /// <summary>Counts over <see cref="Cells"/>.</summary>
    public required Totals Totals { get; init; }

    /// <summary>One a suite, problem and engine.</summary>
    public required IReadOnlyList<CellResult> Cells { get; init; }
}
