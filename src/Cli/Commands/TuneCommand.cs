using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ConvNative.Backends;
using ConvNative.Backends.Choices;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Cli.Benchmarks;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Suites;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Commands;

/// <summary><c>tune</c>: every way of the host's engines to compute the problems of suites, timed beside each other; the table that <c>auto</c> goes by.</summary>
public static class TuneCommand
{
    private const int Rounds = 3;
    private const double Hopeless = 6;
    private const double Slow = 3;

    public static Command Create()
    {
        Option<string[]> suite = CommonOptions.Suite("all networks");
        Option<string> folder = CommonOptions.Output("convnative-tune");
        Option<int[]> threads = new("--threads") { Description = "Thread limits, one after the other (default: 1, and all cores).", HelpName = "N", AllowMultipleArgumentsPerToken = true };
        Option<double> budget = new("--budget") { Description = "Timed milliseconds of each way on a problem.", HelpName = "MS", DefaultValueFactory = _ => 12 };
        var verb = new Verb(
            "tune",
            "Times every kernel of every engine on the problems of suites in both layouts; writes rows.tsv (and continues one that is there) and choices-ISA.jsonl, the table that auto goes by.",
            "convnative tune --suite resnet50,mobilenet_v2 --threads 1 2 --output tuned")
        { suite, folder, threads, budget };
        verb.SetAction(r =>
        {
            int[] limits = r.GetValue(threads) is { Length: > 0 } given ? given : [.. new[] { 1, Environment.ProcessorCount }.Distinct()];
            foreach (int n in limits)
                if (n < 1) throw new CliException($"--threads = {n}: must be at least 1");
            double ms = r.GetValue(budget);
            if (!(ms > 0 && double.IsFinite(ms))) throw new CliException(string.Create(CultureInfo.InvariantCulture, $"--budget = {ms}: must be positive and finite"));
            List<string> names = BackendSelection.Split(r.GetValue(suite));
            if (names.Count == 0) names = [.. SuiteCatalog.Shipped.Where(s => s is not ("smoke" or "edge" or "variants" or "blocks" or "trunks"))];
            return Run(SuiteCatalog.LoadAll(names), limits, ms, r.GetValue(folder)!, r.InvocationConfiguration.Output);
        });
        return verb;
    }

    private static int Run(IReadOnlyList<ProblemSuite> suites, int[] limits, double budget, string folder, TextWriter output)
    {
        Directory.CreateDirectory(folder);
        string file = Path.Combine(folder, "rows.tsv"), table = Path.Combine(folder, $"choices-{InstructionSet.Name}.jsonl");
        string native = ChoiceTable.Native;
        bool fresh = !File.Exists(file);
        List<ChoiceRow> rows = fresh ? [] : ReadRows(file);
        var done = rows.Where(r => r.Isa == InstructionSet.Name).Select(r => (r.Problem, r.Threads)).ToHashSet();
        using (var writer = new StreamWriter(file, append: true) { AutoFlush = true, NewLine = "\n" })
        using (var signals = new StopSignals(() => { }))
        {
            if (fresh) writer.WriteLine(ChoiceRow.Header);
            foreach (ConvProblem p in Problems(suites))
                foreach (int n in limits)
                {
                    if (signals.Token.IsCancellationRequested) return StopSignals.Interrupted;
                    if (!done.Add((p.Key, n))) continue;
                    foreach (ChoiceRow row in Time(p, n, budget, native))
                    {
                        writer.WriteLine(row);
                        rows.Add(row);
                    }

                    output.WriteLine($"{p.Key} {n}t");
                }
        }

        File.WriteAllText(table, string.Concat(ChoiceBuilder.Lines(rows.Where(r => r.Isa == InstructionSet.Name)).Select(l => l + "\n")));
        output.WriteLine($"rows: {file}; table: {table}");
        return ExitCode.Done;
    }

    private static List<ChoiceRow> ReadRows(string file)
    {
        using var reader = new StreamReader(file);
        return BenchCommand.Guard(() => ChoiceRow.Read(reader).ToList());
    }

    /// <summary>Both plain layouts of what reads weights; a problem that two suites have counts once.</summary>
    private static IEnumerable<ConvProblem> Problems(IReadOnlyList<ProblemSuite> suites)
    {
        var seen = new HashSet<string>();
        foreach (ConvProblem given in suites.SelectMany(s => s.Subjects).Select(s => s.Problem).OfType<ConvProblem>())
            foreach (Layout layout in new[] { Layout.ChannelsFirst, Layout.ChannelsLast })
            {
                ConvProblem p = given.With(s => s with { Name = null, InputLayout = layout, OutputLayout = layout });
                if (seen.Add(p.Key)) yield return p;
            }
    }

    private static List<ChoiceRow> Time(ConvProblem p, int threads, double budget, string native)
    {
        var loop = new TimeLoop();
        var contestants = new List<(EngineChoice Choice, LayerContestant Plan)>();
        try
        {
            foreach (ConvBackend engine in Engines.All.Where(e => e.IsHost && e.Status.Available).OrderBy(e => e.Name, StringComparer.Ordinal))
            {
                var options = new PlanOptions { MaxThreads = threads, Tuning = Tuning.Rank };
                IReadOnlyList<string> candidates = engine.Candidates(p, options);
                foreach (string? candidate in candidates.Count == 0 ? [null] : candidates.Cast<string?>())
                {
                    var settings = new BenchSettings(threads, null, Rounds, budget, 1, 1) { Options = options with { Candidate = candidate } };
                    contestants.Add((new EngineChoice(engine.Name, candidate), new LayerContestant(engine, p, settings, BenchRunner.RowOf("", p, engine, threads))));
                }
            }

            List<(EngineChoice Choice, LayerContestant Plan)> live = contestants.FindAll(c => c.Plan.Call is not null);

            // The second call of each tells who is hopeless; the first has found new memory.
            double second = double.PositiveInfinity;
            foreach ((_, LayerContestant c) in live)
                c.Attempt(() =>
                {
                    c.Call!();
                    long begin = Stopwatch.GetTimestamp();
                    c.Call!();
                    double took = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
                    if (took > Hopeless * second) c.GiveUp();
                    else second = Math.Min(second, took);
                });
            for (int round = 0; round < Rounds; round++)
                foreach ((_, LayerContestant c) in live)
                {
                    // Who was hopeless in the first round is hopeless.
                    double least = live.Min(l => l.Plan.Least);
                    if (round == 0 || c.Least <= Slow * least) c.Attempt(() => c.Rounds.Add(loop.Run(c.Call!, budget / Rounds)));
                }

            // Three times the fastest tells that it is no choice; how much slower is not worth a row.
            double load = Load(), best = live.Count == 0 ? 0 : live.Min(l => l.Plan.Least);
            return
            [
                .. live.Where(l => l.Plan.Call is not null && l.Plan.Least <= Slow * best).Select(l =>
                {
                    double[] medians = [.. l.Plan.Rounds.Select(t => t.Median).Order()];
                    return new ChoiceRow(InstructionSet.Name, native, p.Key, threads, l.Choice.ToString(), l.Plan.Implementation, l.Plan.Least, medians[medians.Length / 2], load);
                }),
            ];
        }
        finally
        {
            foreach ((_, LayerContestant c) in contestants) c.Dispose();
        }
    }

    private static double Load()
    {
        try
        {
            return double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return -1;
        }
    }
}
