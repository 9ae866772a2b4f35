using ConvNative.Backends;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Execution;

/// <summary>What an engine says to a problem.</summary>
/// <param name="Name">The engine.</param>
/// <param name="Supported">It made a plan.</param>
/// <param name="Implementation">What the plan chose; null without one.</param>
/// <param name="Reason">Why there is none; null with one.</param>
public sealed record BackendAnswer(string Name, bool Supported, string? Implementation, string? Reason);

/// <summary>What follows from a problem beside what it states.</summary>
public static class Explanation
{
    /// <summary>
    /// Input positions along each spatial axis that one output depends on: the extent of the dilated kernel; for a transposed
    /// convolution the most input positions that reach one output.
    /// </summary>
    public static Dims ReceptiveField(ConvProblem p)
    {
        ArgumentNullException.ThrowIfNull(p);
        var field = new long[p.Rank];
        for (int i = 0; i < field.Length; i++)
        {
            long extent = ConvGeometry.Extent(p.Kernel[i], p.Dilations[i]);
            field[i] = p.Op is ConvOp.Transposed or ConvOp.Col2im ? (extent + p.Strides[i] - 1) / p.Strides[i] : extent;
        }

        return Dims.Create(field);
    }

    /// <summary>
    /// Fewest and most kernel taps that reach an output position of a transposed convolution, per axis and away from the borders:
    /// where they differ, the output shows a checkerboard.
    /// </summary>
    public static (Dims Min, Dims Max) Overlap(ConvProblem p)
    {
        ArgumentNullException.ThrowIfNull(p);
        long[] min = new long[p.Rank], max = new long[p.Rank];
        for (int i = 0; i < p.Rank; i++)
        {
            // Output positions repeat with the stride; tap k reaches those congruent to k*d.
            var taps = new Dictionary<long, long>();
            for (long k = 0; k < p.Kernel[i]; k++)
            {
                long residue = k * p.Dilations[i] % p.Strides[i];
                taps[residue] = taps.GetValueOrDefault(residue) + 1;
            }

            max[i] = taps.Values.Max();
            min[i] = taps.Count < p.Strides[i] ? 0 : taps.Values.Min();
        }

        return (Dims.Create(min), Dims.Create(max));
    }

    /// <summary>Asks every engine of this build for a plan.</summary>
    public static IReadOnlyList<BackendAnswer> Ask(ConvProblem p)
    {
        var answers = new List<BackendAnswer>();
        foreach (ConvBackend engine in Engines.All)
        {
            if (Executor.Missing(engine.Name) is { } missing)
            {
                answers.Add(new BackendAnswer(engine.Name, false, null, $"unavailable: {missing}"));
                continue;
            }

            try
            {
                PlanResult result = engine.CreatePlan(p, PlanOptions.Default);
                answers.Add(new BackendAnswer(engine.Name, result.Plan is not null, result.Plan?.Implementation, result.Reason));
                result.Plan?.Dispose();
            }
            catch (Exception e) when (e is ConvNativeException or OverflowException or OutOfMemoryException or ArgumentException)
            {
                answers.Add(new BackendAnswer(engine.Name, false, null, $"error: {e.Message}"));
            }
        }

        return answers;
    }
}
