using System.Globalization;

namespace ConvNative.Cli.Benchmarks;

/// <summary>A benchmark on the screen: a line a layer and engine.</summary>
public static class BenchScreen
{
    /// <summary>The lines of one layer.</summary>
    public static void Layer(IReadOnlyList<BenchRow> rows, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(output);
        foreach (BenchRow r in rows)
        {
            string what = r.Status != "ok"
                ? $"{r.Status}: {r.Message}"
                : string.Create(CultureInfo.InvariantCulture, $"{r.Ms,10:F4} ms {r.Gflops,8:F1} GFLOP/s {100 * r.PeakShare,4:F0}%  first {r.FirstMs:G3}, create {r.CreateMs:G3} ms  {r.Implementation}")
                    + (r.Ratio is { } q ? string.Create(CultureInfo.InvariantCulture, $"  x{q:F3}") : "")
                    + (r.Message is null ? "" : $"  ({r.Message})");
            output.WriteLine($"{r.Name ?? r.Problem,-40} {r.Backend,-8} {what}");
        }

        output.Flush();
    }

    /// <summary>Whole networks.</summary>
    public static void Totals(BenchReport report, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(output);
        foreach (IGrouping<(string?, string), BenchRow> g in report.Rows.GroupBy(r => (r.Suite, r.Backend)))
            if (BenchWriters.NetworkMilliseconds(g) is { } ms)
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{g.Key.Item1} on {g.Key.Item2}: {g.Sum(r => r.Count)} convolutions in {ms:G4} ms, {2e-6 * g.Sum(r => (double)r.MultiplyAdds * r.Count) / ms:F1} GFLOP/s"));
        if (BenchWriters.DefaultAgainstBest(report.Rows) is { } text) output.WriteLine(text);
    }
}
