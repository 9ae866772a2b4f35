using ConvNative.Backends;
using ConvNative.Cli.Reports;
using ConvNative.Cli.Suites;

namespace ConvNative.Cli.Checking;

/// <summary>Checks every distinct problem of a plan on every engine, and logs each cell as soon as it is known.</summary>
public sealed class MatrixRunner
{
    private readonly MatrixPlan _plan;
    private readonly BackendSelection _selection;
    private readonly Checker _checker;
    private readonly GraphChecker _blocks;
    private readonly MachineInfo _machine;
    private readonly ResultsLog? _log;
    private readonly List<CellResult> _cells = [];
    private readonly Lock _lock = new();
    private bool _complete;

    /// <summary>Prepares a run; <paramref name="log"/> may be null.</summary>
    public MatrixRunner(MatrixPlan plan, BackendSelection selection, Checker checker, MachineInfo machine, ResultsLog? log)
    {
        ArgumentNullException.ThrowIfNull(checker);
        (_plan, _selection, _checker, _machine, _log) = (plan, selection, checker, machine, log);
        _blocks = new GraphChecker(checker.Options);
    }

    /// <summary>Cells that were taken from an earlier run.</summary>
    public int Reused { get; private set; }

    // What an earlier result depended on beside problem and library: another processor or another choice of kernels is another result.
    private string Identity => $"{_machine.ToolVersion} on {_machine.Cpu}{(_checker.Tuning == Plans.Tuning.Measure ? ", tuned" : "")}{(_checker.Math == Plans.MathMode.Fast ? ", fast math" : "")}";

    /// <summary>Runs to the end, or until <paramref name="stop"/>: then what has finished stays.</summary>
    public void Run(IMatrixProgress? progress, CancellationToken stop)
    {
        foreach (MatrixSubject p in _plan.Subjects)
        {
            if (stop.IsCancellationRequested) return;
            progress?.Begin(p);
            string text = p.Key;
            var cells = new List<CellResult>();
            var missing = new List<ConvBackend>();
            foreach (ConvBackend b in _selection.Backends)
            {
                if (_log?.Find(text, b.Label, Identity, b.Status.Summary) is { } known)
                {
                    cells.Add(known);
                    Reused++;
                }
                else
                {
                    missing.Add(b);
                }
            }

            if (missing.Count > 0)
            {
                foreach (CellResult c in p.Problem is { } problem ? _checker.Check(problem, missing, stop) : _blocks.Check(p.Block!, missing, stop))
                {
                    CellResult cell = c with { ToolVersion = Identity };
                    _log?.Add(cell);
                    cells.Add(cell);
                }
            }

            lock (_lock) _cells.AddRange(cells);
            if (stop.IsCancellationRequested) return;
            progress?.Done(p, cells);
        }

        _complete = true;
    }

    /// <summary>The report so far; may be asked from another thread while the run goes on.</summary>
    public MatrixReport Report()
    {
        CellResult[] computed;
        lock (_lock) computed = [.. _cells];
        IReadOnlyList<CellResult> rows = _plan.Expand(computed, [.. _selection.Backends.Select(b => b.Label)]);
        return new MatrixReport
        {
            Created = DateTime.UtcNow,
            Complete = _complete,
            Shard = _plan.Shard?.ToString(),
            Machines = [_machine],
            Backends = [.. _selection.Backends.Select(BackendInfo.Of)],
            Totals = Totals.Of(rows),
            Cells = rows,
        };
    }
}
