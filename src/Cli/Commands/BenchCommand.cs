using System.CommandLine;
using System.Globalization;
using ConvNative.Backends;
using ConvNative.Cli.Benchmarks;
using ConvNative.Cli.Benchmarks.Peers;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;
using ConvNative.Cli.Suites;
using ConvNative.Graphs;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Commands;

/// <summary><c>bench</c>: the layers of suites timed, or with <c>--serve</c> the peers' protocol.</summary>
public static class BenchCommand
{
    public static Command Create() => Create(() => Engines.All);

    /// <summary>With engines of the caller's choice, for tests.</summary>
    public static Command Create(Func<IReadOnlyList<ConvBackend>> engines)
    {
        Option<string[]> suite = CommonOptions.Suite("resnet50"), backend = CommonOptions.Backend();
        Option<string> folder = CommonOptions.Output("convnative-bench");
        Option<string> layout = new("--layout") { Description = "Layout of input and output: abx (channels_first), axb (channels_last), any (the engine's), or given (the problem's own).", HelpName = "L", DefaultValueFactory = _ => "any" };
        Option<int> threads = new("--threads") { Description = "Most threads of a run (default: all cores).", HelpName = "N" };
        Option<int> rounds = new("--rounds") { Description = "Turns that each engine takes.", DefaultValueFactory = _ => 5 };
        Option<double> budget = new("--budget") { Description = "Timed milliseconds of each engine on a layer.", HelpName = "MS", DefaultValueFactory = _ => 200 };
        Option<string> baseline = new("--baseline") { Description = "An older results.json: prints its time over the time now.", HelpName = "FILE" };
        Option<bool> serve = new("--serve") { Description = "Answer one request line with one timing line, for a harness that interleaves libraries (needs one --backend, or auto)." };
        Option<string> math = CommonOptions.Math();
        math.Description = "With --serve and --steps: strict, or fast (also Winograd and narrower products, where an engine has them).";
        Option<bool> json = CommonOptions.Json();
        var verb = new Verb(
            "bench",
            "Times the layers of suites and whole networks, engines taking turns on random data, what a program gets without options (default) beside them; writes results.json, results.csv and results.md.",
            "convnative bench --suite resnet50 --threads 2",
            "convnative bench --suite resnet50 --backend default,managed,onednn --layout abx",
            "convnative bench --suite trunks --backend onednn",
            "convnative bench --steps resnet-50 --backend onednn --threads 2",
            "convnative bench --serve --backend onednn --layout any --threads 2")
        { suite, backend, folder, layout, threads, rounds, budget, baseline, serve, math, json };
        Option<string[]> against = new("--against") { Description = "Tables of another library on this machine (torch_conv.py's): the engine on the same shapes, types and layouts, and the ratio (needs one --backend and --shapes).", HelpName = "FILE" };
        Option<string> shapes = new("--shapes") { Description = "With --against: the list of the shapes' descriptors.", HelpName = "FILE" };
        Option<double> seconds = new("--seconds") { Description = "With --against: stop after that many seconds; the same command continues.", DefaultValueFactory = _ => double.PositiveInfinity };
        Option<string[]> steps = new("--steps") { Description = "The steps of blocks or whole networks one by one: where the time goes (needs one --backend, or auto).", HelpName = "NAME,..." };
        foreach (Option option in (Option[])[against, shapes, seconds, steps]) verb.Add(option);
        verb.SetAction(r =>
        {
            int n = Positive("--threads", r.GetValue(threads), zero: true), turns = Positive("--rounds", r.GetValue(rounds), zero: false);
            double ms = r.GetValue(budget);
            if (!(ms > 0 && double.IsFinite(ms))) throw new CliException(string.Create(CultureInfo.InvariantCulture, $"--budget = {ms}: must be positive and finite"));
            MathMode rounding = CommonOptions.MathOf(r.GetValue(math));
            TextWriter output = r.InvocationConfiguration.Output;
            if (r.GetResult(steps) is { Implicit: false })
            {
                foreach (Option option in (Option[])[suite, folder, layout, rounds, baseline, serve, against, shapes, seconds])
                    if (r.GetResult(option) is { Implicit: false } given)
                        throw new CliException($"{option.Name} = {(given.Tokens.Count == 0 ? "true" : string.Join(',', given.Tokens.Select(t => t.Value)))}: must not be given beside --steps, which takes --backend, --threads, --math, --budget and --json");
                return Steps(BackendSelection.Split(r.GetValue(steps)), r.GetValue(backend), engines(), n, rounding, ms, r.GetValue(json), output);
            }

            bool auto = r.GetValue(serve) && BackendSelection.Split(r.GetValue(backend)) is [var only] && BackendSelection.IsAuto(only);
            BackendSelection selection = BackendSelection.Of(auto ? [] : r.GetValue(backend), [.. engines(), new DefaultEngine()]);
            Layout? l = ParseLayout(r.GetValue(layout)!);
            if (r.GetValue(against) is { Length: > 0 } tables)
                return PeerBenchmark.Run(selection, tables, r.GetValue(shapes) ?? throw new CliException("--against: needs --shapes FILE"), ms, r.GetValue(seconds), r.GetValue(folder)!, output);
            if (r.GetValue(serve)) return Serve(auto ? null : OnlyOne(selection), l, n, rounding, output);
            BenchReport? old = r.GetValue(baseline) is { } path ? Guard(() => ReportJson.ReadBench(path)) : null;
            return Run(BackendSelection.Split(r.GetValue(suite)), selection, l, n == 0 ? Environment.ProcessorCount : n, turns, ms, old, r.GetValue(folder)!, r.GetValue(json), output, r.InvocationConfiguration.Error);
        });
        return verb;
    }

    internal static T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException e)
        {
            throw new CliException(e.Message);
        }
    }

    private static Layout? ParseLayout(string text) => text switch
    {
        "abx" or "channels_first" => Layout.ChannelsFirst,
        "axb" or "channels_last" => Layout.ChannelsLast,
        "any" => Layout.Any,
        "given" => null,
        _ => throw new CliException($"--layout = {text}: must be abx, channels_first, axb, channels_last, any or given"),
    };

    private static int Positive(string name, int value, bool zero) =>
        value > 0 || (zero && value == 0) ? value : throw new CliException($"{name} = {value}: must be at least {(zero ? 0 : 1)}");

    private static int Steps(List<string> networks, string[]? backend, IReadOnlyList<ConvBackend> engines, int threads, MathMode math, double budget, bool json, TextWriter output)
    {
        if (networks.Count == 0) throw new CliException("--steps = (empty): must name a block or a network");
        foreach (string network in networks) BlockReport.Find(network, "--steps");
        List<string> names = BackendSelection.Split(backend);
        if (names.Count != 1) throw new CliException("--steps: needs exactly one --backend, or auto");
        if (!BackendSelection.IsAuto(names[0])) EngineHelp.Require(BackendSelection.Of(names, engines).Backends[0]);
        var options = new GraphOptions { Backend = names[0], Plan = new PlanOptions { Tuning = Tuning.Measure, MaxThreads = threads, Math = math } };
        foreach (string network in networks) StepBenchmark.Run(network, options, budget, json, output);
        return ExitCode.Done;
    }

    private static ConvBackend OnlyOne(BackendSelection selection)
    {
        if (!selection.IsExplicit || selection.Backends.Count != 1) throw new CliException("--serve: needs exactly one --backend, or auto");
        EngineHelp.Require(selection.Backends[0]);
        return selection.Backends[0];
    }

    private static int Serve(ConvBackend? backend, Layout? layout, int threads, MathMode math, TextWriter output)
    {
        using var loop = new ServeLoop(backend, layout ?? Layout.ChannelsFirst, threads, math);
        loop.Run(Console.In, output);
        return ExitCode.Done;
    }

    private static int Run(
        List<string> suites, BackendSelection selection, Layout? layout, int threads, int rounds, double budget, BenchReport? old, string folder, bool json, TextWriter output, TextWriter error)
    {
        TextWriter screen = json ? error : output;
        IReadOnlyList<ProblemSuite> problems = SuiteCatalog.LoadAll(suites.Count == 0 ? ["resnet50"] : suites);
        foreach (ProblemSuite suite in problems) ProblemTokens.Announce(suite.Notes, error);
        double peak1 = FmaPeak.Measure(1), peak = threads == 1 ? peak1 : FmaPeak.Measure(threads);
        var settings = new BenchSettings(threads, layout, rounds, budget, peak1, peak);
        screen.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{settings}; FMA peak {peak1:F0} GFLOP/s with 1 thread, {peak:F0} with {threads}"));
        selection.Announce(screen);
        var runner = new BenchRunner(selection.Backends, settings);
        var rows = new List<BenchRow>();
        bool complete = false;
        BenchReport Report()
        {
            BenchRow[] done;
            lock (rows) done = [.. rows];
            return new BenchReport
            {
                Created = DateTime.UtcNow,
                Complete = complete,
                Machines = [MachineInfo.Read()],
                Backends = [.. selection.Backends.Select(BackendInfo.Of)],
                Threads = threads,
                Peak1Gflops = peak1,
                PeakGflops = peak,
                Rows = old is null ? done : BenchWriters.WithRatios(done, threads, old),
            };
        }

        using var signals = new StopSignals(() => ReportFiles.Write(folder, Report()));
        foreach (ProblemSuite s in problems)
        {
            foreach (MatrixSubject p in s.Subjects)
            {
                if (signals.Token.IsCancellationRequested) break;
                IReadOnlyList<BenchRow> layer = runner.Run(s.Name, p);
                lock (rows) rows.AddRange(layer);
                BenchScreen.Layer(old is null ? layer : BenchWriters.WithRatios(layer, threads, old), screen);
            }
        }

        complete = !signals.Token.IsCancellationRequested;
        BenchReport report = Report();
        ReportFiles.Write(folder, report);
        BenchScreen.Totals(report, screen);
        screen.WriteLine($"reports: {Path.Combine(folder, "results.md")}, results.json, results.csv");
        if (json)
        {
            using var bytes = new MemoryStream();
            ReportJson.Write(bytes, report);
            output.WriteLine(System.Text.Encoding.UTF8.GetString(bytes.ToArray()));
        }

        return !complete ? StopSignals.Interrupted : selection.ExitCodeFor(report.Rows.Any(r => r.Status == "error"));
    }
}
