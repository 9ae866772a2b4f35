using System.CommandLine;
using ConvNative.Cli.Benchmarks;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;

namespace ConvNative.Cli.Commands;

/// <summary><c>merge</c>: results of several machines, or of shards, in one report.</summary>
public static class MergeCommand
{
    public static Command Create()
    {
        Argument<string[]> files = new("RESULTS") { Description = "results.json files of matrix, or of bench.", Arity = ArgumentArity.OneOrMore };
        Option<string> folder = CommonOptions.Output("convnative-merged");
        Option<bool> json = CommonOptions.Json();
        var verb = new Verb(
            "merge",
            "Puts results of several machines or shards into one report.",
            "convnative merge lab1/results.json lab2/results.json --output lab")
        { files, folder, json };
        verb.SetAction(r => Run(r.GetValue(files)!, r.GetValue(folder)!, r.GetValue(json), r.InvocationConfiguration.Output));
        return verb;
    }

    /// <summary>
    /// One report of several. Cells of the same suite, problem and engine from the same machine and versions count once; the
    /// last file wins. Where machines differ, the engine's column carries the machine's name.
    /// </summary>
    public static MatrixReport Merge(IReadOnlyList<MatrixReport> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        bool several = reports.SelectMany(r => r.Machines).Select(m => (m.Host, m.Cpu)).Distinct().Count() > 1;
        var cells = new Dictionary<(string?, string?, string, string, string), CellResult>();
        foreach (MatrixReport r in reports)
        {
            foreach (CellResult c in r.Cells)
            {
                string backend = Label(c.Backend, r.Machines, several);
                cells[(c.Suite, c.Name, c.Problem, backend, c.BackendVersion)] = c with { Backend = backend };
            }
        }

        return new MatrixReport
        {
            Created = DateTime.UtcNow,
            Complete = reports.All(r => r.Complete),
            Machines = [.. reports.SelectMany(r => r.Machines).DistinctBy(m => (m.Host, m.Cpu, m.Dotnet, m.ToolVersion))],
            Backends = [.. reports.SelectMany(r => r.Backends.Select(b => b with { Name = Label(b.Name, r.Machines, several) })).DistinctBy(b => (b.Name, b.Version))],
            Totals = Totals.Of(cells.Values),
            Cells = [.. cells.Values],
        };
    }

    /// <summary>One report of several; rows carry the machine's name where there are several.</summary>
    public static BenchReport Merge(IReadOnlyList<BenchReport> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        bool several = reports.SelectMany(r => r.Machines).Select(m => (m.Host, m.Cpu)).Distinct().Count() > 1;
        return new BenchReport
        {
            Created = DateTime.UtcNow,
            Complete = reports.All(r => r.Complete),
            Machines = [.. reports.SelectMany(r => r.Machines)],
            Backends = [.. reports.SelectMany(r => r.Backends.Select(b => b with { Name = Label(b.Name, r.Machines, several) })).DistinctBy(b => (b.Name, b.Version))],
            Threads = reports.Max(r => r.Threads),
            Peak1Gflops = reports.Max(r => r.Peak1Gflops),
            PeakGflops = reports.Max(r => r.PeakGflops),
            Rows = [.. reports.SelectMany(r => r.Rows.Select(row => row with { Backend = Label(row.Backend, r.Machines, several) }))],
        };
    }

    // A merged report's own labels stay.
    private static string Label(string backend, IReadOnlyList<MachineInfo> machines, bool several) =>
        several && machines.Count == 1 && !backend.Contains('@', StringComparison.Ordinal) ? $"{backend}@{machines[0].Host}" : backend;

    private static int Run(string[] files, string folder, bool json, TextWriter output)
    {
        foreach (string f in files)
            if (!File.Exists(f)) throw new CliException($"RESULTS = {f}: no such file");
        using var bytes = new MemoryStream();
        int code = ExitCode.Done;
        if (ReportJson.KindOf(files[0]) == "bench")
        {
            BenchReport merged = Merge([.. files.Select(f => BenchCommand.Guard(() => ReportJson.ReadBench(f)))]);
            ReportFiles.Write(folder, merged);
            ReportJson.Write(bytes, merged);
            if (!json) BenchScreen.Totals(merged, output);
        }
        else
        {
            MatrixReport merged = Merge([.. files.Select(f => BenchCommand.Guard(() => ReportJson.ReadMatrix(f)))]);
            ReportFiles.Write(folder, merged);
            ReportJson.Write(bytes, merged);
            if (!json) MatrixScreen.Summary(merged, output);
            if (merged.Totals.IsBad()) code = ExitCode.Failed;
        }

        if (json) output.WriteLine(System.Text.Encoding.UTF8.GetString(bytes.ToArray()));
        else output.WriteLine($"reports: {Path.Combine(folder, "results.md")}");
        return code;
    }
}
