using ConvNative.Backends;
using ConvNative.Cli.Reports;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Checking;

/// <summary>Checks one problem on several engines against the oracle, whose answers they share.</summary>
public sealed class Checker
{
    // Any number will do, as long as it stays: a failure must repeat itself.
    private const ulong Seed = 1;
    private static readonly FillKind[] s_fills = [FillKind.Random, FillKind.ExactInteger, FillKind.FullRange, FillKind.NotFinite];

    // Engines leave the missing taps of weights that are not finite out one by one, which takes a large problem minutes and tells no more.
    private const long MostNotFinite = 1L << 24;
    private readonly PlanOptions _options;

    /// <summary>Plans are made with <paramref name="options"/>.</summary>
    public Checker(PlanOptions? options = null) => _options = options ?? PlanOptions.Default;

    /// <summary>What plans are made with.</summary>
    public PlanOptions Options => _options;

    /// <summary>How plans are chosen; part of what a result depends on.</summary>
    public Tuning Tuning => _options.Tuning;

    /// <summary>Which rounding plans may trade for speed; part of what a result depends on.</summary>
    public MathMode Math => _options.Math;

    /// <summary>
    /// One cell an engine: a plan, made once, runs on three fills, twice on each, and on a fourth (infinities and NaNs) where the types hold them and the problem is not large. Exceptions become cells. When
    /// <paramref name="stop"/> is cancelled, only cells that are decided come back.
    /// </summary>
    public IReadOnlyList<CellResult> Check(ConvProblem problem, IReadOnlyList<ConvBackend> backends, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(backends);
        var contestants = new List<Contestant>();
        try
        {
            foreach (ConvBackend b in backends) contestants.Add(new Contestant(b, Describe(problem, b), problem, _options));
            Judge(problem, contestants, stop);
            return [.. contestants.Where(c => !c.IsLive).Select(c => c.Cell)];
        }
        finally
        {
            foreach (Contestant c in contestants) c.Dispose();
        }
    }

    private static void Judge(ConvProblem problem, List<Contestant> contestants, CancellationToken stop)
    {
        if (!contestants.Exists(c => c.IsLive)) return;
        try
        {
            Sampling sampling = Sampling.Choose(problem, Seed);
            foreach (FillKind fill in s_fills)
            {
                if (stop.IsCancellationRequested) return;
                if (fill == FillKind.NotFinite && (!Fills.Applies(problem, fill) || problem.MultiplyAdds > MostNotFinite)) continue;
                var reference = new Reference(problem, fill, sampling, Seed);
                foreach (Contestant c in contestants)
                {
                    if (stop.IsCancellationRequested) return;
                    c.Run(reference);
                }
            }

            foreach (Contestant c in contestants) c.Finish(sampling.Indices is null ? null : sampling.Description);
        }
        catch (NotSupportedException e)
        {
            // Without a reference nothing is proved; that must not look like a pass, nor like the engine's fault.
            foreach (Contestant c in contestants) c.Mistrust($"no reference: the oracle does not compute {e.Message}");
        }
        catch (Exception e) when (e is OutOfMemoryException or OverflowException)
        {
            foreach (Contestant c in contestants) c.Mistrust($"no reference: {e.Message}");
        }
    }

    private static CellResult Describe(ConvProblem p, ConvBackend backend) => new()
    {
        Name = p.Name,
        Problem = p.Key,
        Backend = backend.Label,
        Op = Names.Of(p.Op),
        Direction = Names.Of(p.Direction),
        DataType = Variants.Types(p),
        Variants = Variants.Of(p),
        Status = CellStatus.Pass,
    };
}
