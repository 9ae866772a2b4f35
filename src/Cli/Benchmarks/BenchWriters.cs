using System.Globalization;
using System.Text;
using ConvNative.Cli.Reports;

namespace ConvNative.Cli.Benchmarks;

/// <summary>A benchmark as CSV and as Markdown.</summary>
public static class BenchWriters
{
    private const string Header = "suite,name,count,problem,backend,layout,threads,status,implementation,multiply_adds,ms,min_ms,spread,samples,gflops,peak_share,create_ms,first_ms,checksum,ratio,message";

    /// <summary>Comma-separated, a line a row, RFC 4180 quoting, invariant numbers.</summary>
    public static string Csv(BenchReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var b = new StringBuilder(Header).Append('\n');
        foreach (BenchRow r in report.Rows)
        {
            string[] fields =
            [
                r.Suite ?? "", r.Name ?? "", Number(r.Count), r.Problem, r.Backend, r.Layout, Number(r.Threads), r.Status, r.Implementation ?? "",
                Number(r.MultiplyAdds), Number(r.Ms), Number(r.MinMs), Number(r.Spread), Number(r.Samples), Number(r.Gflops), Number(r.PeakShare),
                Number(r.CreateMs), Number(r.FirstMs), Number(r.Checksum), r.Ratio is { } ratio ? Number(ratio) : "", r.Message ?? "",
            ];
            b.AppendJoin(',', fields.Select(Quote)).Append('\n');
        }

        return b.ToString();
    }

    /// <summary>Machine, a table of layers, and a total a network.</summary>
    public static string Markdown(BenchReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var b = new StringBuilder("# Benchmark\n\n");
        foreach (MachineInfo m in report.Machines) MarkdownWriter.Machine(b, m);
        MarkdownWriter.Backends(b, report.Backends);
        b.Append(CultureInfo.InvariantCulture, $"- FMA peak measured in this run: {report.Peak1Gflops:F0} GFLOP/s with 1 thread, {report.PeakGflops:F0} with {report.Threads}\n");
        if (!report.Complete) b.Append("\n**Stopped before the end.**\n");
        bool ratios = report.Rows.Any(r => r.Ratio is not null);
        b.Append("\nMedians of interleaved repetitions, random data; ms is the steady state, weights packed and plan made before.\n");
        foreach (IGrouping<string, BenchRow> suite in report.Rows.GroupBy(r => r.Suite ?? ""))
        {
            b.Append(CultureInfo.InvariantCulture, $"\n## {suite.Key}\n\n| layer | backend | ms | GFLOP/s | of peak | spread | first ms | create ms | implementation |{(ratios ? " baseline/now |" : "")}\n");
            b.Append("|---|---|---:|---:|---:|---:|---:|---:|---|").Append(ratios ? "---:|\n" : "\n");
            foreach (BenchRow r in suite) b.Append(Row(r, ratios)).Append('\n');
            Total(b, [.. suite]);
        }

        if (DefaultAgainstBest(report.Rows) is { } text) b.Append(CultureInfo.InvariantCulture, $"\n{text}\n");
        return b.ToString();
    }

    /// <summary>How the default choice does beside the best engine's measured plan, by the fastest runs; null where one of the two is missing.</summary>
    public static string? DefaultAgainstBest(IReadOnlyList<BenchRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var ratios = new List<(double Ratio, string Layer)>();
        foreach (IGrouping<(string?, string, string), BenchRow> layer in rows.Where(r => r.Status == "ok").GroupBy(r => (r.Suite, r.Problem, r.Layout)))
        {
            BenchRow? chosen = layer.FirstOrDefault(r => r.Backend == DefaultEngine.EngineName);
            if (chosen is null || layer.Count() < 2) continue;
            ratios.Add((chosen.MinMs / layer.Where(r => r != chosen).Min(r => r.MinMs), chosen.Name ?? chosen.Problem));
        }

        if (ratios.Count == 0) return null;
        (double worst, string name) = ratios.MaxBy(r => r.Ratio);
        return string.Create(CultureInfo.InvariantCulture, $"default over the best measured engine, fastest runs of {ratios.Count} layers: geometric mean {Math.Exp(ratios.Average(r => Math.Log(r.Ratio))):F3}, worst {worst:F2} ({name})");
    }

    /// <summary>Sets <see cref="BenchRow.Ratio"/> where the baseline has the same problem, engine, layout and thread limit.</summary>
    public static IReadOnlyList<BenchRow> WithRatios(IReadOnlyList<BenchRow> rows, int threads, BenchReport baseline)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(baseline);
        var old = new Dictionary<(string, string, string), double>();
        if (baseline.Threads == threads)
            foreach (BenchRow r in baseline.Rows)
                if (r is { Status: "ok", Ms: > 0 }) old[(r.Problem, r.Backend, r.Layout)] = r.Ms;
        return [.. rows.Select(r => r is { Status: "ok", Ms: > 0 } && old.TryGetValue((r.Problem, r.Backend, r.Layout), out double ms) ? r with { Ratio = ms / r.Ms } : r)];
    }

    /// <summary>Time of a whole network: every layer as often as it occurs; null when a layer is missing.</summary>
    public static double? NetworkMilliseconds(IEnumerable<BenchRow> rows)
    {
        double sum = 0;
        foreach (BenchRow r in rows)
        {
            if (r.Status != "ok") return null;
            sum += r.Ms * r.Count;
        }

        return sum;
    }

    private static string Row(BenchRow r, bool ratios)
    {
        string layer = $"`{MarkdownWriter.Cell(r.Name ?? r.Problem)}`";
        string ratio = ratios ? r.Ratio is { } q ? string.Create(CultureInfo.InvariantCulture, $" {q:F3} |") : " - |" : "";
        return r.Status != "ok"
            ? $"| {layer} | {r.Backend} | {r.Status} | | | | | | {MarkdownWriter.Cell(r.Message)} |{ratio}"
            : string.Create(CultureInfo.InvariantCulture, $"| {layer} | {r.Backend} | {r.Ms:G4} | {r.Gflops:F1} | {r.PeakShare:P0} | {r.Spread:P0} | {r.FirstMs:G4} | {r.CreateMs:G4} | {MarkdownWriter.Cell(r.Implementation)} |{ratio}");
    }

    private static void Total(StringBuilder b, List<BenchRow> rows)
    {
        b.Append('\n');
        foreach (IGrouping<string, BenchRow> g in rows.GroupBy(r => r.Backend))
        {
            if (NetworkMilliseconds(g) is not { } ms) continue;
            double gflops = 2e-6 * g.Sum(r => (double)r.MultiplyAdds * r.Count) / ms;
            b.Append(CultureInfo.InvariantCulture, $"All {g.Sum(r => r.Count)} convolutions on {g.Key}: {ms:G4} ms, {gflops:F1} GFLOP/s.\n");
        }
    }

    private static string Number(double v) => v.ToString("R", CultureInfo.InvariantCulture);

    private static string Number(long v) => v.ToString(CultureInfo.InvariantCulture);

    private static string Quote(string field) => field.AsSpan().ContainsAny(",\"\r\n") ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field;
}
