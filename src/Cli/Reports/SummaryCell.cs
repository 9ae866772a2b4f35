using System.Globalization;

namespace ConvNative.Cli.Reports;

/// <summary>What became of the problems of one row on one engine.</summary>
/// <param name="Parts">Verdicts, a type each.</param>
public sealed record SummaryCell(IReadOnlyList<SummaryCell.Part> Parts)
{
    /// <summary>Largest error of all types, in units of the bound.</summary>
    public double Worst => Parts.Count == 0 ? 0 : Parts.Max(p => p.Worst);

    /// <summary>True where something is wrong.</summary>
    public bool IsBad() => Parts.Any(p => p.Totals.IsBad());

    /// <summary>
    /// Passes with the largest error in units of the bound, then whatever else there is, with the types that it befell where others
    /// fared better: <c>12 pass (0.71), 3 unsupported: f64</c>.
    /// </summary>
    public override string ToString()
    {
        var texts = new List<string>();
        Add("pass", t => t.Pass, good: true);
        Add("FAIL", t => t.Fail);
        Add("ERROR", t => t.Error);
        Add("MISTRUSTED", t => t.Mistrusted);
        Add("unsupported", t => t.Unsupported);
        Add("unavailable", t => t.Unavailable);
        return texts.Count == 0 ? "-" : string.Join(", ", texts);

        void Add(string word, Func<Totals, int> count, bool good = false)
        {
            int n = Parts.Sum(p => count(p.Totals));
            if (n == 0) return;
            List<Part> with = [.. Parts.Where(p => count(p.Totals) > 0)];
            bool some = !good && Parts.Any(p => count(p.Totals) == 0);
            string detail = good ? string.Create(CultureInfo.InvariantCulture, $" ({Worst:G2})") : some ? $": {SummaryTable.Join(with.Select(p => p.Type))}" : "";
            texts.Add($"{n} {word}{detail}");
        }
    }

    /// <summary>The verdicts on problems of one type.</summary>
    /// <param name="Type">One name, or input:weights:output.</param>
    /// <param name="Totals">Counts.</param>
    /// <param name="Worst">Largest error in units of the bound.</param>
    public sealed record Part(string Type, Totals Totals, double Worst);
}
