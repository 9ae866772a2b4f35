using System.Diagnostics;

namespace ConvNative.Plans;

/// <summary>A plan with random operands, so that it can be timed.</summary>
internal sealed class TrialRun
{
    private readonly ConvPlan _plan;
    private readonly TrialOperands _operands;

    /// <summary>Gives the plan random weights.</summary>
    /// <param name="plan">The plan; the caller's.</param>
    /// <param name="operands">Operands that other plans of the problem have, too; null for its own.</param>
    public TrialRun(ConvPlan plan, TrialOperands? operands = null)
    {
        (_plan, _operands) = (plan, operands ?? new TrialOperands([plan]));
        _operands.SetWeights(plan);
    }

    /// <summary>What the last run computed.</summary>
    public ReadOnlySpan<byte> Result => _operands.Result;

    public void Run() => _operands.Run(_plan);

    /// <summary>The least time of the runs of one turn, in milliseconds: runs go on for <paramref name="milliseconds"/>, and there is at least one.</summary>
    public double Turn(double milliseconds)
    {
        double best = double.MaxValue;
        long start = Stopwatch.GetTimestamp();
        do
        {
            long t = Stopwatch.GetTimestamp();
            Run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(t).TotalMilliseconds);
        }
        while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < milliseconds);
        return best;
    }
}
