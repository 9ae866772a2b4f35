using System.CommandLine;
using System.Globalization;
using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;
using ConvNative.Cli.Suites;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Commands;

/// <summary><c>check</c>: problems against the oracle, a line a cell.</summary>
public static class CheckCommand
{
    public static Command Create() => Create(() => Engines.All);

    /// <summary>With engines of the caller's choice, for tests.</summary>
    public static Command Create(Func<IReadOnlyList<ConvBackend>> engines)
    {
        var problems = new ProblemArgument();
        Option<string[]> batch = new("--batch") { Description = "Files of problems in benchdnn's language.", HelpName = "FILE" };
        Option<string[]> blocks = new("--block") { Description = "Blocks or whole networks of the literature, at reduced size (explain --block lists them).", HelpName = "NAME" };
        Option<string[]> backend = CommonOptions.Backend();
        Option<bool> json = CommonOptions.Json(), tune = CommonOptions.Tune();
        var verb = new Verb(
            "check",
            "Compares engines with the oracle on problems: four fills each, every element against its own bound.",
            "convnative check g32mb1ic128ih28oc128oh28kh3ph1",
            "convnative check --backend onednn --batch shapes_resnet_50",
            "convnative check --block bottleneck")
        { problems, batch, blocks, backend, json, tune };
        verb.SetAction(r => Run(
            r.GetValue(problems) ?? [],
            r.GetValue(batch) ?? [],
            BackendSelection.Split(r.GetValue(blocks)),
            BackendSelection.Of(r.GetValue(backend), engines()),
            new Checker(new PlanOptions { Tuning = r.GetValue(tune) ? Tuning.Measure : Tuning.Rank }),
            r.GetValue(json),
            r.InvocationConfiguration.Output,
            r.InvocationConfiguration.Error));
        return verb;
    }

    private static int Run(string[] problems, string[] files, List<string> blocks, BackendSelection selection, Checker checker, bool json, TextWriter output, TextWriter error)
    {
        foreach (string name in blocks) BlockReport.Find(name);
        ProblemSuite suite = Read(problems, files) with { Blocks = blocks };
        if (suite.Problems.Count + suite.Unsupported.Count + blocks.Count == 0) throw ProblemTokens.None("PROBLEM", "none", suite.Notes, "give problem strings, --batch FILE or --block NAME");
        ProblemTokens.Announce(suite.Notes, error);
        var plan = new MatrixPlan([suite]);
        var runner = new MatrixRunner(plan, selection, checker, MachineInfo.Read(), null);
        selection.Announce(json ? error : output);
        using var signals = new StopSignals(() => output.WriteLine(runner.Report().Totals));
        runner.Run(json ? null : new Lines(output), signals.Token);
        MatrixReport report = runner.Report();
        if (json)
        {
            using var bytes = new MemoryStream();
            ReportJson.Write(bytes, report);
            output.WriteLine(System.Text.Encoding.UTF8.GetString(bytes.ToArray()));
        }
        else
        {
            foreach (UnsupportedProblem u in suite.Unsupported) output.WriteLine($"unsupported {u}");
            output.WriteLine(report.Totals);
        }

        return signals.Token.IsCancellationRequested ? StopSignals.Interrupted : selection.ExitCodeFor(report.Totals.IsBad());
    }

    private static ProblemSuite Read(string[] tokens, string[] files)
    {
        var lists = new List<ProblemList>(files.Select(f => ProblemTokens.ReadFile("--batch", f)));
        if (tokens.Length > 0) lists.Add(ProblemTokens.Expand(tokens));
        return new ProblemSuite("check", [.. lists.SelectMany(l => l.Problems)], [.. lists.SelectMany(l => l.Unsupported)]) { Notes = [.. lists.SelectMany(l => l.Notes)] };
    }

    private sealed class Lines(TextWriter output) : IMatrixProgress
    {
        public void Begin(MatrixSubject subject)
        {
        }

        public void Done(MatrixSubject subject, IReadOnlyList<CellResult> cells)
        {
            foreach (CellResult c in cells)
            {
                if (c.IsBad()) output.WriteLine(MatrixScreen.Describe(c));
                else output.WriteLine(Line(c));
                output.Flush();
            }
        }

        private static string Line(CellResult c)
        {
            string what = c.Status == CellStatus.Pass
                ? string.Create(CultureInfo.InvariantCulture, $"({c.Implementation}), largest error {c.WorstError:G3} of its bound{(c.Sampled is null ? "" : $", compared {c.Sampled}")}")
                : $": {c.Message}";
            return $"{Names.Of(c.Status)} {c.Backend} {(c.Name is null ? "" : c.Name + " ")}{c.Problem} {what}";
        }
    }
}
