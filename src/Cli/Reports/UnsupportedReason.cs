using ConvNative.Cli.Checking;

namespace ConvNative.Cli.Reports;

/// <summary>Why an engine does not compute some problems.</summary>
/// <param name="Backend">Engine.</param>
/// <param name="Reason">Its own words.</param>
/// <param name="Problems">Number of distinct problems.</param>
/// <param name="Example">The first of them.</param>
public sealed record UnsupportedReason(string Backend, string Reason, int Problems, string Example)
{
    /// <summary>The distinct reasons, the most frequent first.</summary>
    public static IReadOnlyList<UnsupportedReason> Of(IReadOnlyList<CellResult> cells) =>
    [
        .. cells.Where(c => c.Status == CellStatus.Unsupported).DistinctBy(c => (c.Problem, c.Backend))
            .GroupBy(c => (c.Backend, Message: c.Message ?? "no reason given"))
            .Select(g => new UnsupportedReason(g.Key.Backend, g.Key.Message, g.Count(), g.First().Problem))
            .OrderByDescending(r => r.Problems),
    ];
}
