using System.Diagnostics;
using System.Globalization;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Suites;
using Spectre.Console;

namespace ConvNative.Cli.Reports;

/// <summary>A matrix on the screen: a live bar on a terminal, a line a suite in a pipe, and whatever is wrong at once.</summary>
public sealed class MatrixScreen : IMatrixProgress
{
    private readonly TextWriter _output;
    private readonly IAnsiConsole _console;
    private readonly MatrixPlan _plan;
    private readonly HashSet<string> _open;
    private readonly Dictionary<string, IReadOnlyList<CellResult>> _done = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private ProgressTask? _task;

    /// <summary>Writes to <paramref name="output"/>.</summary>
    public MatrixScreen(MatrixPlan plan, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(plan);
        (_plan, _output, _console) = (plan, output, Terminal.On(output));
        _open = [.. plan.Suites.Where(s => s.Subjects.Any()).Select(s => s.Name)];
    }

    /// <summary>Runs <paramref name="work"/> under the bar, or plainly.</summary>
    public void While(Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (!Terminal.IsInteractive(_output))
        {
            work();
            return;
        }

        _console.Progress().Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new SpinnerColumn())
            .Start(context =>
            {
                _task = context.AddTask("matrix", maxValue: Math.Max(1, _plan.Subjects.Sum(s => s.Weight)));
                work();
                _task.StopTask();
            });
    }

    /// <inheritdoc/>
    public void Begin(MatrixSubject subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        if (_task is not null) _task.Description = Markup.Escape(Shorten(subject.Name ?? subject.Key));
    }

    /// <inheritdoc/>
    public void Done(MatrixSubject subject, IReadOnlyList<CellResult> cells)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(cells);
        _task?.Increment(subject.Weight);
        _done[subject.Key] = cells;
        foreach (CellResult c in cells.Where(c => c.IsBad())) Line(Describe(c with { Name = subject.Name }));
        foreach (ProblemSuite s in _plan.Suites.Where(s => _open.Contains(s.Name)))
        {
            string[] keys = [.. s.Subjects.Select(p => p.Key)];
            if (!keys.All(_done.ContainsKey)) continue;
            _open.Remove(s.Name);
            Totals t = Totals.Of(keys.SelectMany(k => _done[k]));
            double worst = keys.SelectMany(k => _done[k]).Max(c => c.WorstError) ?? 0;
            Line(string.Create(CultureInfo.InvariantCulture, $"{s.Name}: {keys.Length} {(s.Problems.Count > 0 ? "problems" : "graphs")}, {t}; largest error {worst:G3} of its bound [{_clock.Elapsed.TotalSeconds:F0} s]"));
        }
    }

    /// <summary>Verdict, what is wrong, and the command that repeats it.</summary>
    public static string Describe(CellResult c)
    {
        ArgumentNullException.ThrowIfNull(c);
        return $"{Problems.Names.Of(c.Status).ToUpperInvariant()} {c.Backend} {c.Name ?? c.Problem}{(c.Implementation is null ? "" : $" ({c.Implementation})")}: {c.Message}\n  {Repro.Command(c)}";
    }

    /// <summary>The table by variant and direction, why what is unsupported is, and the totals line.</summary>
    public static void Summary(MatrixReport report, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(output);
        SummaryTable t = SummaryTable.Of(report.Cells, byType: false);
        if (Terminal.IsInteractive(output))
        {
            Table table = new Table().Border(TableBorder.Rounded).AddColumn("variant").AddColumn("direction").AddColumn("types");
            foreach (string c in t.Backends) table.AddColumn(Markup.Escape(c));
            foreach (SummaryTable.Row row in t.Rows)
                table.AddRow([Markup.Escape(row.Variant), row.Direction, Markup.Escape(row.Types), .. row.Cells.Select(c => $"[{(c.IsBad() ? "red" : "default")}]{Markup.Escape(c.ToString())}[/]")]);
            Terminal.On(output).Write(table);
        }
        else
        {
            int variant = t.Rows.Select(r => r.Variant.Length).DefaultIfEmpty().Max(), direction = t.Rows.Select(r => r.Direction.Length).DefaultIfEmpty().Max();
            foreach (SummaryTable.Row row in t.Rows)
                output.WriteLine($"{row.Variant.PadRight(variant)}  {row.Direction.PadRight(direction)}  {row.Types}  {string.Join("; ", t.Backends.Zip(row.Cells, (b, c) => $"{b}: {c}"))}");
        }

        Reasons(UnsupportedReason.Of(report.Cells), output);
        output.WriteLine(report.Totals);
    }

    private static void Reasons(IReadOnlyList<UnsupportedReason> reasons, TextWriter output)
    {
        const int most = 40;
        foreach (UnsupportedReason r in reasons.Take(most)) output.WriteLine($"unsupported by {r.Backend}: {r.Problems} {(r.Problems == 1 ? "problem" : "problems")}: {r.Reason}");
        if (reasons.Count > most) output.WriteLine($"unsupported for {reasons.Count - most} rarer reasons: see results.md");
    }

    private static string Shorten(string text) => text.Length <= 44 ? text : text[..43] + "…";

    private void Line(string text)
    {
        if (_task is null)
        {
            _output.WriteLine(text);
            _output.Flush();
        }
        else
        {
            _console.MarkupLine(Markup.Escape(text));
        }
    }
}
