using System.Globalization;
using System.Text;
using ConvNative.Cli.Checking;

namespace ConvNative.Cli.Reports;

/// <summary>The matrix as Markdown: for people, in a repository or a ticket.</summary>
public static class MarkdownWriter
{
    /// <summary>Writes machine, engines, summary, failures, suites, and what is unsupported and why.</summary>
    public static string Text(MatrixReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var b = new StringBuilder();
        b.Append("# Correctness matrix\n\n").Append(report.Totals).Append('\n');
        if (!report.Complete) b.Append("\n**Stopped before the end**: these are the cells that had finished.\n");
        if (report.Shard is not null) b.Append(CultureInfo.InvariantCulture, $"\nShard {report.Shard} of the problems.\n");
        Machines(b, report);
        Summary(b, report.Cells);
        Bad(b, report.Cells);
        Suites(b, report.Cells);
        Reasons(b, report.Cells);
        Sampled(b, report.Cells);
        return b.ToString();
    }

    internal static string Cell(string? text) => (text ?? "").Replace("\\", "\\\\", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal).Replace('\n', ' ');

    internal static void Machine(StringBuilder b, MachineInfo m)
    {
        b.Append(CultureInfo.InvariantCulture, $"- {m.Host}: {m.Cpu}, {m.Cores} cores ({string.Join(' ', m.Isa)}), {m.MemoryBytes / (1 << 30)} GiB, {m.Os} {m.Architecture}, {m.Dotnet}, convnative {m.ToolVersion}\n");
    }

    internal static void Backends(StringBuilder b, IReadOnlyList<BackendInfo> backends)
    {
        foreach (BackendInfo e in backends)
        {
            b.Append(CultureInfo.InvariantCulture, $"- {e.Name}: {(e.Available ? e.Version : $"unavailable: {EngineHelp.Line(e.Version, e.Remedy)}")}\n");
            foreach (string d in e.Devices) b.Append(CultureInfo.InvariantCulture, $"  - {d}\n");
        }
    }

    private static void Machines(StringBuilder b, MatrixReport r)
    {
        b.Append("\n## Where\n\n");
        foreach (MachineInfo m in r.Machines) Machine(b, m);
        Backends(b, r.Backends);
    }

    private static void Summary(StringBuilder b, IReadOnlyList<CellResult> cells)
    {
        SummaryTable t = SummaryTable.Of(cells, byType: true);
        b.Append("\n## By variant\n\nDistinct problems; a problem counts in every row that describes it. In parentheses the largest error in units of its bound.\n\n| variant | direction | type |");
        foreach (string c in t.Backends) b.Append(CultureInfo.InvariantCulture, $" {Cell(c)} |");
        b.Append("\n|---|---|---|").Insert(b.Length, "---|", t.Backends.Count).Append('\n');
        foreach (SummaryTable.Row row in t.Rows)
            b.Append(CultureInfo.InvariantCulture, $"| {row.Variant} | {row.Direction} | {Cell(row.Types)} | {string.Join(" | ", row.Cells)} |\n");
    }

    private static void Bad(StringBuilder b, IReadOnlyList<CellResult> cells)
    {
        List<CellResult> bad = [.. cells.Where(c => c.IsBad()).DistinctBy(c => (c.Problem, c.Backend, c.BackendVersion))];
        if (bad.Count == 0) return;
        b.Append(CultureInfo.InvariantCulture, $"\n## Not passed ({bad.Count} problems)\n");
        foreach (CellResult c in bad)
        {
            b.Append(CultureInfo.InvariantCulture, $"\n### {Problems.Names.Of(c.Status)}: {c.Backend}, {c.Name ?? c.Problem}\n\n```\n{Repro.Command(c)}\n{c.Message}\n```\n");
        }
    }

    private static void Suites(StringBuilder b, IReadOnlyList<CellResult> cells)
    {
        b.Append("\n## By suite\n\n| suite | problems | pass | fail | unsupported | unavailable | mistrusted | error | largest error |\n|---|---|---|---|---|---|---|---|---|\n");
        foreach (IGrouping<string, CellResult> g in cells.GroupBy(c => c.Suite ?? "check"))
        {
            Totals t = Totals.Of(g);
            b.Append(CultureInfo.InvariantCulture, $"| {Cell(g.Key)} | {g.Select(c => c.Problem).Distinct().Count()} | {t.Pass} | {t.Fail} | {t.Unsupported} | {t.Unavailable} | {t.Mistrusted} | {t.Error} | {g.Max(c => c.WorstError) ?? 0:G3} |\n");
        }
    }

    private static void Reasons(StringBuilder b, IReadOnlyList<CellResult> cells)
    {
        IReadOnlyList<UnsupportedReason> reasons = UnsupportedReason.Of(cells);
        if (reasons.Count == 0) return;
        b.Append("\n## Unsupported, and why\n\n| backend | problems | reason | for example |\n|---|---|---|---|\n");
        foreach (UnsupportedReason r in reasons)
            b.Append(CultureInfo.InvariantCulture, $"| {r.Backend} | {r.Problems} | {Cell(r.Reason)} | `{Cell(r.Example)}` |\n");
    }

    private static void Sampled(StringBuilder b, IReadOnlyList<CellResult> cells)
    {
        List<CellResult> sampled = [.. cells.Where(c => c.Sampled is not null).DistinctBy(c => c.Problem)];
        if (sampled.Count == 0) return;
        b.Append("\n## Compared by sample\n\nToo large for the oracle to compute all of it.\n\n| problem | compared |\n|---|---|\n");
        foreach (CellResult c in sampled) b.Append(CultureInfo.InvariantCulture, $"| `{Cell(c.Problem)}` | {Cell(c.Sampled)} |\n");
    }
}
