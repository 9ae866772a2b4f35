using ConvNative.Cli.Checking;
using ConvNative.Problems;

namespace ConvNative.Cli.Reports;

/// <summary>Variants and directions down, engines across: what the terminal and the Markdown report show first.</summary>
public sealed class SummaryTable
{
    private static readonly List<string> s_directions = [.. Enum.GetValues<Direction>().Select(Names.Of)];
    private static readonly List<string> s_types = [.. Enum.GetValues<DataType>().Select(t => t.Name())];

    private SummaryTable(IReadOnlyList<string> backends, IReadOnlyList<Row> rows) => (Backends, Rows) = (backends, rows);

    /// <summary>The engines, in order of first appearance.</summary>
    public IReadOnlyList<string> Backends { get; }

    /// <summary>Rows by variant, then direction, then type; last those of all variants.</summary>
    public IReadOnlyList<Row> Rows { get; }

    /// <summary>
    /// Counts distinct problems, so that a layer in several suites weighs once. <paramref name="byType"/> gives every type a row of
    /// its own; else a row has all types of its variant and direction, and its cells name those that did not pass.
    /// </summary>
    public static SummaryTable Of(IReadOnlyList<CellResult> cells, bool byType)
    {
        var distinct = cells.DistinctBy(c => (c.Problem, c.Backend, c.BackendVersion)).ToList();
        List<string> backends = [.. distinct.Select(c => c.Backend).Distinct()];
        var rows = new List<Row>();
        foreach (string variant in Variants.Order) Add(variant, distinct.Where(c => c.Variants.Contains(variant)));
        Add("all", distinct);
        return new SummaryTable(backends, rows);

        void Add(string variant, IEnumerable<CellResult> of)
        {
            foreach (IGrouping<string, CellResult> direction in of.GroupBy(c => c.Direction).OrderBy(g => s_directions.IndexOf(g.Key)))
            {
                var types = direction.GroupBy(c => c.DataType).OrderBy(g => Rank(g.Key)).ThenBy(g => g.Key, StringComparer.Ordinal).ToList();
                if (byType) rows.AddRange(types.Select(t => MakeRow(variant, direction.Key, [t], backends)));
                else rows.Add(MakeRow(variant, direction.Key, types, backends));
            }
        }
    }

    /// <summary>Names of types in few words: what differs only in the output is written once, <c>u8:s8:s32|f32</c>.</summary>
    internal static string Join(IEnumerable<string> types)
    {
        var heads = new List<(string Head, List<string> Tails)>();
        foreach (string t in types)
        {
            int cut = t.LastIndexOf(':') + 1;
            (string head, string tail) = (t[..cut], t[cut..]);
            if (cut > 0 && heads.Find(h => h.Head == head) is { Tails: { } known }) known.Add(tail);
            else heads.Add((head, [tail]));
        }

        return string.Join(' ', heads.Select(h => h.Head + string.Join('|', h.Tails)));
    }

    private static int Rank(string type) => s_types.IndexOf(type.Split(':')[0]);

    private static Row MakeRow(string variant, string direction, List<IGrouping<string, CellResult>> types, List<string> backends)
    {
        var row = new List<SummaryCell>();
        foreach (string backend in backends)
        {
            row.Add(new SummaryCell([.. types.Select(t =>
            {
                List<CellResult> of = [.. t.Where(c => c.Backend == backend)];
                return new SummaryCell.Part(t.Key, Totals.Of(of), of.Max(c => c.WorstError) ?? 0);
            })]));
        }

        return new Row(variant, direction, Join(types.Select(t => t.Key)), row);
    }

    /// <summary>One variant and direction, with one type or all.</summary>
    /// <param name="Variant">Its name, one of <see cref="Variants.Order"/>, or all.</param>
    /// <param name="Direction">For example <c>backward_data</c>; empty for problems that could not be read as one.</param>
    /// <param name="Types">The types that the row counts.</param>
    /// <param name="Cells">An engine each.</param>
    public sealed record Row(string Variant, string Direction, string Types, IReadOnlyList<SummaryCell> Cells);
}
