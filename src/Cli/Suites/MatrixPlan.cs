using System.Globalization;
using ConvNative.Cli.Checking;
using ConvNative.Problems;

namespace ConvNative.Cli.Suites;

/// <summary>
/// Suites with every distinct problem once: what networks share is computed once and reported in each. A shard takes every n-th
/// distinct problem, so that the shards of one matrix are equally mixed.
/// </summary>
public sealed class MatrixPlan
{
    /// <summary>Plans <paramref name="suites"/>.</summary>
    public MatrixPlan(IReadOnlyList<ProblemSuite> suites, Shard? shard = null)
    {
        ArgumentNullException.ThrowIfNull(suites);
        Shard = shard;
        var seen = new HashSet<ConvProblem>();
        var distinct = new List<ConvProblem>();
        foreach (ProblemSuite s in suites)
            foreach (ConvProblem p in s.Problems)
                if (seen.Add(p)) distinct.Add(p);
        Distinct = shard is null ? distinct : [.. distinct.Where((_, i) => i % shard.Of == shard.Index - 1)];
        string[] blocks = [.. suites.SelectMany(s => s.Blocks).Distinct()];
        Blocks = shard is null ? blocks : [.. blocks.Where((_, i) => i % shard.Of == shard.Index - 1)];
        var mine = new HashSet<ConvProblem>(Distinct);
        Suites = [.. suites.Select(s => s with
        {
            Problems = [.. s.Problems.Where(mine.Contains)],
            Blocks = [.. s.Blocks.Where(Blocks.Contains)],
            Unsupported = shard is null or { Index: 1 } ? s.Unsupported : [],
        })];
    }

    /// <summary>The shard, or null for the whole.</summary>
    public Shard? Shard { get; }

    /// <summary>The suites, restricted to the shard.</summary>
    public IReadOnlyList<ProblemSuite> Suites { get; }

    /// <summary>Problems to compute, in order of first appearance.</summary>
    public IReadOnlyList<ConvProblem> Distinct { get; }

    /// <summary>Blocks and trunks to compute.</summary>
    public IReadOnlyList<string> Blocks { get; }

    /// <summary>All of it, in order.</summary>
    public IEnumerable<MatrixSubject> Subjects => Distinct.Select(MatrixSubject.Of).Concat(Blocks.Select(MatrixSubject.Of));

    /// <summary>The rows of the report: a problem's cells in every suite that has it, under its name there.</summary>
    public IReadOnlyList<CellResult> Expand(IEnumerable<CellResult> computed, IReadOnlyList<string> backends)
    {
        ArgumentNullException.ThrowIfNull(backends);
        ILookup<string, CellResult> byProblem = computed.ToLookup(c => c.Problem);
        var rows = new List<CellResult>();
        foreach (ProblemSuite s in Suites)
        {
            // A list may name the same layer twice; the table of a suite counts it twice then, as its author did.
            foreach (MatrixSubject p in s.Subjects)
                foreach (CellResult c in byProblem[p.Key]) rows.Add(c with { Suite = s.Name, Name = p.Name });
            foreach (UnsupportedProblem u in s.Unsupported)
                foreach (string b in backends)
                    rows.Add(new CellResult { Suite = s.Name, Problem = u.Text, Backend = b, Status = CellStatus.Unsupported, Message = u.Reason });
        }

        return rows;
    }
}

/// <summary>Part <paramref name="Index"/> (from 1) of <paramref name="Of"/>.</summary>
public sealed record Shard(int Index, int Of)
{
    /// <summary>Reads <c>i/n</c>.</summary>
    /// <exception cref="CliException">Not of that form, or not 1 &lt;= i &lt;= n.</exception>
    public static Shard Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('/');
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int i)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int n)
            && i >= 1 && i <= n
            ? new Shard(i, n)
            : throw new CliException($"--shard = {text}: must be i/n with 1 <= i <= n");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Index}/{Of}";
}
