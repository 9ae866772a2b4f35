using System.Globalization;
using ConvNative.Backends;
using ConvNative.Cli.Commands;
using ConvNative.Cli.Suites;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Cli.Benchmarks;

/// <summary>Times layers, engines taking turns: what else the machine does meets all of them alike.</summary>
public sealed class BenchRunner
{
    private readonly IReadOnlyList<ConvBackend> _backends;
    private readonly BenchSettings _settings;
    private readonly TimeLoop _loop = new();

    /// <summary>Prepares to time <paramref name="backends"/>.</summary>
    public BenchRunner(IReadOnlyList<ConvBackend> backends, BenchSettings settings) => (_backends, _settings) = (backends, settings);

    /// <summary>All engines on one layer or one graph.</summary>
    public IReadOnlyList<BenchRow> Run(string suite, MatrixSubject subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        var contestants = new List<BenchContestant>();
        ConvProblem? p = subject.Problem is { } given && _settings.Layout is { } layout ? given.With(s => s with { InputLayout = layout, OutputLayout = layout }) : subject.Problem;
        ConvGraph? graph = subject.Block is { } block ? BlockReport.Find(block).Graph : null;
        try
        {
            foreach (ConvBackend b in _backends) contestants.Add(p is null ? new GraphContestant(b, graph!, _settings, RowOf(suite, subject, graph!, b)) : new LayerContestant(b, p, _settings, RowOf(suite, p, b, _settings.Threads)));
            List<BenchContestant> live = [.. contestants.Where(c => c.Call is not null)];
            foreach (BenchContestant c in live) c.Attempt(() => TimeLoop.WarmUp(c.Call!, 150));
            for (int round = 0; round < _settings.Rounds; round++)
                foreach (BenchContestant c in live) c.Attempt(() => c.Rounds.Add(_loop.Run(c.Call!, _settings.BudgetMilliseconds / _settings.Rounds)));
            return CompareChecksums([.. contestants.Select(c => c.Finish(_settings))]);
        }
        finally
        {
            foreach (BenchContestant c in contestants) c.Dispose();
        }
    }

    // A fast wrong answer is not a benchmark; the matrix says what is wrong, here it is only pointed at.
    private static IReadOnlyList<BenchRow> CompareChecksums(List<BenchRow> rows)
    {
        double[] sums = [.. rows.Where(r => r.Status == "ok").Select(r => r.Checksum).Order()];
        if (sums.Length < 2) return rows;
        double middle = sums[sums.Length / 2], tolerance = 1e-3 * (1 + Math.Abs(middle));
        return [.. rows.Select(r => r.Status == "ok" && !(Math.Abs(r.Checksum - middle) <= tolerance) ? r with { Message = "checksum differs from the other engines'" } : r)];
    }

    /// <summary>A row before anything was timed.</summary>
    internal static BenchRow RowOf(string suite, ConvProblem p, ConvBackend backend, int threads) => new()
    {
        Suite = suite,
        Name = p.Name,
        Count = LayerName.Count(p.Name),
        Problem = p.Key,
        Backend = backend.Label,
        Layout = Names.Of(p.InputLayout),
        Threads = threads,
        Status = "ok",
        MultiplyAdds = p.MultiplyAdds,
    };

    private BenchRow RowOf(string suite, MatrixSubject subject, ConvGraph graph, ConvBackend backend) => new()
    {
        Suite = suite,
        Name = subject.Name,
        Count = 1,
        Problem = subject.Key,
        Backend = backend.Label,
        Layout = Names.Of(GraphContestant.LayoutOf(_settings)),
        Threads = _settings.Threads,
        Status = "ok",
        MultiplyAdds = graph.MultiplyAdds,
    };
}

/// <summary>How a benchmark runs.</summary>
/// <param name="Threads">Most threads of a run.</param>
/// <param name="Layout">Layout of input and output; null keeps the problem's own.</param>
/// <param name="Rounds">Turns of each engine.</param>
/// <param name="BudgetMilliseconds">Timed milliseconds of each engine on a layer, over all rounds.</param>
/// <param name="Peak1Gflops">Measured FMA peak of one thread.</param>
/// <param name="PeakGflops">Measured FMA peak of that many threads.</param>
public sealed record BenchSettings(int Threads, Layout? Layout, int Rounds, double BudgetMilliseconds, double Peak1Gflops, double PeakGflops)
{
    /// <summary>What the engines are asked for: the fastest strict plan.</summary>
    public PlanOptions Options { get; init; } = new() { MaxThreads = Threads, Tuning = Tuning.Measure };

    /// <summary>The peak that a plan of so many threads is measured against.</summary>
    public double Peak(int threads) => threads <= 1 ? Peak1Gflops : PeakGflops;

    /// <summary>For messages.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Threads} threads, {Rounds} rounds, {BudgetMilliseconds} ms, layout {(Layout is { } l ? Names.Of(l) : "as given")}");
}
