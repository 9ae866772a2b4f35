using ConvNative.Cli.Checking;

namespace ConvNative.Cli.Reports;

/// <summary>Variants down, engines and directions across: what the terminal and the Markdown report show first.</summary>
public sealed class SummaryTable
{
    private SummaryTable(IReadOnlyList<string> columns, IReadOnlyList<Row> rows) => (Columns, Rows) = (columns, rows);

    /// <summary>Engine and direction, for example <c>onednn forward</c>.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>A row a variant, and one for all.</summary>
    public IReadOnlyList<Row> Rows { get; }

    /// <summary>Counts distinct problems, so that a layer in several suites weighs once.</summary>
    public static SummaryTable Of(IReadOnlyList<CellResult> cells)
    {
        var distinct = cells.DistinctBy(c => (c.Problem, c.Backend, c.BackendVersion)).ToList();
        List<string> columns = [.. distinct.Select(Column).Distinct()];
        var rows = new List<Row>();
        foreach (string variant in Variants.Order)
        {
            List<CellResult> of = [.. distinct.Where(c => c.Variants.Contains(variant))];
            if (of.Count > 0) rows.Add(MakeRow(variant, of, columns));
        }

        rows.Add(MakeRow("all", distinct, columns));
        return new SummaryTable(columns, rows);
    }

    private static string Column(CellResult c) => c.Direction.Length == 0 ? c.Backend : $"{c.Backend} {c.Direction}";

    private static Row MakeRow(string label, List<CellResult> cells, List<string> columns)
    {
        var totals = new List<Totals>();
        var worst = new List<double>();
        foreach (string column in columns)
        {
            List<CellResult> of = [.. cells.Where(c => Column(c) == column)];
            totals.Add(Totals.Of(of));
            worst.Add(of.Max(c => c.WorstError) ?? 0);
        }

        return new Row(label, totals, worst);
    }

    /// <summary>One variant.</summary>
    /// <param name="Label">Its name.</param>
    /// <param name="Columns">Counts, a column each.</param>
    /// <param name="Worst">Largest error in units of the bound, a column each.</param>
    public sealed record Row(string Label, IReadOnlyList<Totals> Columns, IReadOnlyList<double> Worst)
    {
        /// <summary>Text of a cell: passes first, then whatever else there is.</summary>
        public string Text(int column)
        {
            Totals t = Columns[column];
            var parts = new List<string>();
            if (t.Pass > 0) parts.Add($"{t.Pass} pass");
            if (t.Fail > 0) parts.Add($"{t.Fail} FAIL");
            if (t.Error > 0) parts.Add($"{t.Error} ERROR");
            if (t.Mistrusted > 0) parts.Add($"{t.Mistrusted} MISTRUSTED");
            if (t.Unsupported > 0) parts.Add($"{t.Unsupported} unsupported");
            if (t.Unavailable > 0) parts.Add($"{t.Unavailable} unavailable");
            return parts.Count == 0 ? "-" : string.Join(", ", parts);
        }

        /// <summary>True where something is wrong.</summary>
        public bool IsBad(int column) => Columns[column].IsBad();
    }
}
