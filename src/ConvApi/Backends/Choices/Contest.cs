using System.Diagnostics;
using ConvNative.Plans;

namespace ConvNative.Backends.Choices;

/// <summary>How long plans of one problem may be timed.</summary>
/// <param name="Rounds">Turns that each plan gets after its first, untimed run.</param>
/// <param name="TurnMilliseconds">Runs of one turn go on as long, and there is at least one.</param>
internal readonly record struct ContestBudget(int Rounds, double TurnMilliseconds)
{
    /// <summary>Enough to tell an engine that is right from one that is several times slower, in a few milliseconds.</summary>
    public static ContestBudget Look { get; } = new(3, 0.5);

    /// <summary>Enough to tell engines that are close, on a machine that does other things too.</summary>
    public static ContestBudget Measure { get; } = new(5, 4);
}

/// <summary>What came of timing plans in turns.</summary>
/// <param name="Winner">Index of the fastest.</param>
/// <param name="Margin">Time of the second over the fastest; infinite without a second.</param>
/// <param name="Spread">(slowest - fastest) / fastest turn of the winner.</param>
internal readonly record struct ContestResult(int Winner, double Margin, double Spread);

/// <summary>Plans of one problem against each other, on random operands that they share.</summary>
internal static class Contest
{
    private const double Hopeless = 2;
    private const double Broke = double.PositiveInfinity;

    /// <summary>All operands of a trial together: a choice is not worth more memory.</summary>
    public const double MostBytes = 1L << 30;

    // One contest at a time: two would measure each other.
    private static readonly Lock s_turn = new();

    /// <summary>
    /// The fastest of plans of one problem, timed in turns, so that a disturbance does not fall on one of them; the least time of each counts. One that
    /// breaks is out. The plans have random weights afterwards (<see cref="ConvPlan.ForgetWeights"/>).
    /// </summary>
    /// <returns>Null where there is no room for the operands.</returns>
    /// <exception cref="ConvNativeException">Every plan broke; the first failure is inside.</exception>
    public static ContestResult? Time(IReadOnlyList<ConvPlan> plans, ContestBudget budget)
    {
        if (TrialOperands.BytesFor(plans) > MostBytes) return null;
        lock (s_turn)
        {
            try
            {
                return TimeInTurns(plans, budget);
            }
            catch (OutOfMemoryException)
            {
                return null;
            }
        }
    }

    private static ContestResult TimeInTurns(IReadOnlyList<ConvPlan> plans, ContestBudget budget)
    {
        var operands = new TrialOperands(plans);
        var trials = new TrialRun?[plans.Count];
        double[] best = new double[plans.Count], slowest = new double[plans.Count];
        Array.Fill(best, double.MaxValue);
        Exception? broken = null;
        for (int round = 0; round < budget.Rounds; round++)
            for (int i = 0; i < plans.Count; i++)
            {
                // A slow plan has shown what it can by its first turn.
                if (best[i] == Broke || (round > 0 && best[i] > Hopeless * best.Min())) continue;
                try
                {
                    if (trials[i] is null)
                    {
                        trials[i] = new TrialRun(plans[i], operands);
                        trials[i]!.Run();
                    }

                    double turn = trials[i]!.Turn(budget.TurnMilliseconds);
                    (best[i], slowest[i]) = (Math.Min(best[i], turn), Math.Max(slowest[i], turn));
                }
                catch (Exception e) when (e is ConvNativeException or DeviceMemoryException)
                {
                    best[i] = Broke;
                    broken ??= e;
                }
            }

        int winner = Array.IndexOf(best, best.Min());
        if (best[winner] == Broke) throw new ConvNativeException(ConvPlan.Auto, "every engine broke while it was timed", problem: plans[winner].Problem, inner: broken);
        double second = double.PositiveInfinity;
        for (int i = 0; i < best.Length; i++)
            if (i != winner) second = Math.Min(second, best[i]);

        // A clock's tick at least: an engine that has nothing to do takes none.
        double least = Math.Max(best[winner], 1000.0 / Stopwatch.Frequency);
        return new ContestResult(winner, second / least, Math.Max(0, slowest[winner] - least) / least);
    }
}
