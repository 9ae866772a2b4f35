using System.Globalization;
using ConvNative.Backends;
using ConvNative.Cli.Benchmarks.Peers;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;

namespace ConvNative.Cli.Commands;

/// <summary><c>bench --against</c>: an engine beside another library's table of the same machine.</summary>
internal static class PeerBenchmark
{
    public static int Run(BackendSelection selection, string[] tables, string shapes, double budget, double seconds, string folder, TextWriter output)
    {
        if (!selection.IsExplicit || selection.Backends.Count != 1) throw new CliException("--against: needs exactly one --backend");
        ConvBackend backend = selection.Backends[0];
        EngineHelp.Require(backend);
        var measurements = new List<PeerMeasurement>();
        List<string> comments = [string.Create(CultureInfo.InvariantCulture, $"# convnative {MachineInfo.Read().ToolVersion}, {backend.Status.Summary}, {DateTime.UtcNow:u}")];
        foreach (string path in tables)
        {
            (IReadOnlyList<PeerMeasurement> rows, IReadOnlyList<string> said) = Read(path, PeerTable.Read);
            measurements.AddRange(rows);
            comments.AddRange(said.Take(1));
        }

        Directory.CreateDirectory(folder);
        string file = Path.Combine(folder, "peers.tsv");
        Dictionary<PeerMeasurement, PeerRow> known = Earlier(file, measurements);
        var comparison = new PeerComparison(backend, Read(shapes, PeerTable.ReadShapes), budget);
        var done = new List<PeerRow>();
        bool stopped = false;
        using var signals = new StopSignals(() => Write(file, done, comments));
        long begin = System.Diagnostics.Stopwatch.GetTimestamp();
        foreach (PeerMeasurement m in measurements)
        {
            if (!known.TryGetValue(m, out PeerRow? row))
            {
                stopped |= signals.Token.IsCancellationRequested || System.Diagnostics.Stopwatch.GetElapsedTime(begin).TotalSeconds > seconds;
                if (stopped) continue;
                row = comparison.Run(m);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{m.Case,-32} {m.Direction} {m.Batch,4} {m.Mode,-6} {m.Layout} {(row.Ratio is { } q ? $"{row.Ms:F4} ms, theirs {m.Ms:F4}, x{q:F3}  {row.Detail}" : $"{row.Status}: {row.Detail}")}"));
            }

            lock (done) done.Add(row);
        }

        Write(file, done, comments);
        string summary = PeerComparison.Summary(done);
        File.WriteAllText(Path.Combine(folder, "peers.md"), $"# {backend.Status.Summary}\n\nTheir time over ours: above 1 we are faster.\n\n{string.Join('\n', comments.Select(c => "- " + c.TrimStart('#', ' ', '\t').Replace('\t', ' ')))}\n\n{summary}");
        output.Write(summary);
        output.WriteLine($"reports: {file}, peers.md{(stopped ? $"; stopped with {measurements.Count - done.Count} to go, the same command continues" : "")}");
        return stopped ? StopSignals.Interrupted : selection.ExitCodeFor(done.Exists(r => r.Status == "error"));
    }

    private static void Write(string file, List<PeerRow> rows, List<string> comments)
    {
        PeerRow[] copy;
        lock (rows) copy = [.. rows];
        ReportJson.WriteFile(file, s => s.Write(System.Text.Encoding.UTF8.GetBytes(PeerComparison.Table(copy, comments))));
    }

    /// <summary>Rows of an earlier run that was stopped, for the same measurements; errors are tried again.</summary>
    private static Dictionary<PeerMeasurement, PeerRow> Earlier(string file, List<PeerMeasurement> measurements)
    {
        var known = new Dictionary<PeerMeasurement, PeerRow>();
        if (!File.Exists(file)) return known;
        ILookup<(string, string, int, string, string), PeerMeasurement> wanted = measurements.ToLookup(m => (m.Case, m.Direction, m.Batch, m.Mode, m.Layout));
        foreach (string line in File.ReadLines(file))
        {
            string[] f = line.Split('\t');
            if (line.StartsWith('#') || f.Length < 10 || f[5] is not ("ok" or "unsupported") || !int.TryParse(f[2], CultureInfo.InvariantCulture, out int batch) || !double.TryParse(f[6], CultureInfo.InvariantCulture, out double ms)) continue;
            foreach (PeerMeasurement m in wanted[(f[0], f[1], batch, f[3], f[4])]) known[m] = new PeerRow(m, f[5], ms, f[9]);
        }

        return known;
    }

    private static T Read<T>(string path, Func<IEnumerable<string>, T> read)
    {
        try
        {
            return read(File.ReadLines(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"{path}: {e.Message}");
        }
        catch (InvalidDataException e)
        {
            throw new CliException($"{path}, {e.Message}");
        }
    }
}
