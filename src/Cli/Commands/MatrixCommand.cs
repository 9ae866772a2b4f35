using System.CommandLine;
using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;
using ConvNative.Cli.Suites;
using ConvNative.Plans;

namespace ConvNative.Cli.Commands;

/// <summary><c>matrix</c>: the whole correctness matrix, with reports.</summary>
public static class MatrixCommand
{
    public static Command Create() => Create(() => Engines.All);

    /// <summary>With engines of the caller's choice, for tests.</summary>
    public static Command Create(Func<IReadOnlyList<ConvBackend>> engines)
    {
        Option<string[]> suite = CommonOptions.Suite("all that ship"), backend = CommonOptions.Backend();
        Option<string> folder = CommonOptions.Output("convnative-results");
        Option<string> shard = new("--shard") { Description = "Do only part i of n of the distinct problems; merge puts the parts together.", HelpName = "i/n" };
        Option<bool> resume = new("--resume") { Description = "Keep the cells of results.jsonl that the same versions of tool and library have computed." };
        Option<bool> json = CommonOptions.Json(), tune = CommonOptions.Tune();
        var verb = new Verb(
            "matrix",
            "Checks every layer of the suites on every engine against the oracle; writes results.json, junit.xml and results.md.",
            "convnative matrix",
            "convnative matrix --suite resnet50,unet --backend onednn --output results")
        { suite, backend, folder, shard, resume, json, tune };
        Option<string> math = CommonOptions.Math();
        verb.Add(math);
        verb.SetAction(r => Run(
            BackendSelection.Split(r.GetValue(suite)),
            BackendSelection.Of(r.GetValue(backend), engines()),
            r.GetValue(folder)!,
            r.GetValue(shard) is { } s ? Shard.Parse(s) : null,
            r.GetValue(resume),
            new Checker(new PlanOptions { Tuning = r.GetValue(tune) ? Tuning.Measure : Tuning.Rank, Math = CommonOptions.MathOf(r.GetValue(math)) }),
            r.GetValue(json),
            r.InvocationConfiguration.Output,
            r.InvocationConfiguration.Error));
        return verb;
    }

    private static int Run(
        List<string> suites, BackendSelection selection, string folder, Shard? shard, bool resume, Checker checker, bool json, TextWriter output, TextWriter error)
    {
        TextWriter screen = json ? error : output;
        var plan = new MatrixPlan(SuiteCatalog.LoadAll(suites), shard);
        foreach (ProblemSuite suite in plan.Suites) ProblemTokens.Announce(suite.Notes, error);
        MachineInfo machine = MachineInfo.Read();
        using var log = new ResultsLog(folder, resume);
        if (log.Unreadable > 0) error.WriteLine($"note: {log.Unreadable} unreadable lines of {ResultsLog.FileName} are computed anew");
        var runner = new MatrixRunner(plan, selection, checker, machine, log);
        screen.WriteLine($"{plan.Suites.Count} suites, {plan.Distinct.Count} distinct problems{(plan.Blocks.Count > 0 ? $" and {plan.Blocks.Count} graphs" : "")}{(shard is null ? "" : $" (shard {shard})")}, engines: {string.Join(", ", selection.Backends.Select(b => b.Label))}");
        selection.Announce(screen);

        using var signals = new StopSignals(() => ReportFiles.Write(folder, runner.Report()));
        var view = new MatrixScreen(plan, screen);
        view.While(() => runner.Run(view, signals.Token));
        MatrixReport report = runner.Report();
        ReportFiles.Write(folder, report);
        if (runner.Reused > 0) screen.WriteLine($"{runner.Reused} cells kept from an earlier run");
        MatrixScreen.Summary(report, screen);
        if (!report.Complete) screen.WriteLine("stopped; --resume continues from here");
        screen.WriteLine($"reports: {Path.Combine(folder, "results.md")}, results.json, junit.xml");
        if (json)
        {
            using var bytes = new MemoryStream();
            ReportJson.Write(bytes, report);
            output.WriteLine(System.Text.Encoding.UTF8.GetString(bytes.ToArray()));
        }

        return signals.Token.IsCancellationRequested ? StopSignals.Interrupted : selection.ExitCodeFor(report.Totals.IsBad());
    }
}
