using System.CommandLine;
using System.Text.RegularExpressions;
using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Execution;
using ConvNative.Cli.Onnx;
using ConvNative.Plans;

namespace ConvNative.Cli.Commands;

/// <summary><c>onnx</c>: the convolutions among ONNX's backend node tests, a line a test and backend.</summary>
public static class OnnxCommand
{
    public static Command Create()
    {
        Argument<string> directory = new("DIR") { Description = "A test's folder, or one that holds tests at any depth (model.onnx, test_data_set_N/input_N.pb, output_N.pb)." };
        Option<string[]> backend = new("--backend")
        {
            Description = $"Of {string.Join(", ", Executor.Backends)}, comma-separated (default: oracle and every engine). One that is named and missing makes the exit code 3.",
            HelpName = "NAME,...",
        };
        Option<string?> match = new("--match") { Description = "Only tests whose name this regular expression finds.", HelpName = "REGEX" };
        Option<bool> json = CommonOptions.Json();
        var verb = new Verb(
            "onnx",
            $"Runs ONNX's backend node tests of {string.Join(", ", NodeCase.Operators)}, each model a single node. Compares as ONNX's runner does (1e-3 relative, 1e-7 absolute; integers exactly). Models of other operators are counted.",
            "convnative onnx /usr/share/libonnx-testdata/data/node",
            "convnative onnx --backend onednn,managed --match convtranspose /usr/share/libonnx-testdata/data")
        { directory, backend, match, json };
        verb.SetAction(r => Run(
            r.GetValue(directory)!,
            BackendSelection.Split(r.GetValue(backend)),
            Pattern(r.GetValue(match)),
            r.GetValue(json),
            r.InvocationConfiguration.Output,
            r.InvocationConfiguration.Error));
        return verb;
    }

    private static int Run(string directory, List<string> named, Regex? match, bool json, TextWriter output, TextWriter error)
    {
        foreach (string name in named) Executor.CheckName(name);
        List<string> asked = named.Count > 0 ? [.. named.Distinct()] : ["oracle", .. Engines.All.Select(e => e.Name)];
        IReadOnlyList<OnnxTest> tests = OnnxTest.Find(directory);
        if (match is not null) tests = [.. tests.Where(t => match.IsMatch(t.Name))];
        if (tests.Count == 0) throw new CliException($"--match = {match}: no test in {directory} has such a name");
        List<string> present = [.. asked.Where(b => Executor.Missing(b) is null)];
        foreach (string b in asked.Except(present)) (json ? error : output).WriteLine($"{b} is unavailable: {Executor.Missing(b)}");
        var report = new OnnxReport();
        using var signals = new StopSignals(() => output.WriteLine(json ? report.ToJson() : report.Totals()));
        var runner = new OnnxRunner(present, PlanOptions.Default, report);
        foreach (OnnxTest test in present.Count > 0 ? tests : [])
        {
            if (signals.Token.IsCancellationRequested) break;
            foreach (OnnxOutcome outcome in runner.Run(test))
            {
                if (json) continue;
                output.WriteLine(outcome);
                output.Flush();
            }
        }

        if (json) output.WriteLine(report.ToJson());
        else Summary(report, output);
        if (signals.Token.IsCancellationRequested) return StopSignals.Interrupted;
        if (report.IsBad) return ExitCode.Failed;
        if (present.Count == 0 || (named.Count > 0 && present.Count < asked.Count)) return ExitCode.Unavailable;
        return report.Outcomes.Count > 0 ? ExitCode.Done : throw new CliException($"DIR = {directory}: none of its {tests.Count} models is a test of {string.Join(", ", NodeCase.Operators)}");
    }

    private static void Summary(OnnxReport report, TextWriter output)
    {
        if (report.Others > 0) output.WriteLine(report.NotOurs());
        output.WriteLine(report.Totals());
    }

    private static Regex? Pattern(string? match)
    {
        try
        {
            return match is null ? null : new Regex(match, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));
        }
        catch (ArgumentException e)
        {
            throw new CliException($"--match = {match}: {e.Message}");
        }
    }
}
