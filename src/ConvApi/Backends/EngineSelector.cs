using System.Diagnostics;
using ConvNative.Backends.Common;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends;

/// <summary>
/// <c>auto</c>: the engine that was measured fastest, else the first of the static order that supports the problem. An engine that breaks
/// is passed over as long as another one is left.
/// </summary>
internal static class EngineSelector
{
    private const int Rounds = 3;
    private const double TurnMilliseconds = 4;
    private const double Broke = double.PositiveInfinity;

    // Every engine has operands of its own while they are timed.
    private const long MostTrialBytes = 1L << 30;

    public static PlanResult Create(ConvProblem problem, PlanOptions options, string backend) => Create(problem, options, backend, Engines.All);

    /// <summary>As the other overload, among these engines.</summary>
    /// <exception cref="ConvNativeException">No engine made a plan, and at least one of them broke: the first failure is inside, every engine's answer in the message.</exception>
    internal static PlanResult Create(ConvProblem problem, PlanOptions options, string backend, IReadOnlyList<ConvBackend> engines)
    {
        if (!Engines.IsAuto(backend))
        {
            ConvBackend engine = Engines.Find(backend, engines)
                ?? throw new ArgumentException($"backend = {backend}: must be auto or one of {string.Join(", ", engines.Select(e => e.Name))}, with a device as in opencl:0 where wanted", nameof(backend));
            return engine.CreatePlan(problem, options);
        }

        string key = $"{problem.Key} threads={options.MaxThreads} math={options.Math}";
        ConvNativeException? broken = null;
        if (TuningStore.Auto.TryGet(key, out string? known) && Engines.Find(known!, engines) is { Status.Available: true } remembered
            && Try(remembered, problem, options, ref broken) is { Plan: not null } result)
            return result;
        broken = null;
        var reasons = new List<string>();
        var plans = new List<ConvPlan>();
        foreach (ConvBackend engine in engines)
        {
            if (!engine.Status.Available)
            {
                reasons.Add($"{engine.Name}: unavailable: {engine.Status.Summary}");
                continue;
            }

            PlanResult r = Try(engine, problem, options, ref broken);
            if (r.Plan is null) reasons.Add($"{engine.Name}: {r.Reason}");
            else if (options.Tuning == Tuning.Rank) return r;
            else plans.Add(r.Plan);
        }

        if (plans.Count == 0 && broken is not null) throw new ConvNativeException(ConvPlan.Auto, string.Join("; ", reasons), problem: problem, inner: broken);
        if (plans.Count == 0) return PlanResult.Unsupported(string.Join("; ", reasons));
        return PlanResult.Supported(plans.Count == 1 ? plans[0] : Measured(plans, key));
    }

    /// <summary>The fastest of the plans; the first of the static order where timing them takes too much memory.</summary>
    private static ConvPlan Measured(List<ConvPlan> plans, string key)
    {
        ConvPlan? winner = null;
        try
        {
            ConvPlan first = plans[0];
            return winner = first.InputBytes + first.OutputBytes + first.WeightBytes > MostTrialBytes ? first : Fastest(plans, key);
        }
        finally
        {
            foreach (ConvPlan plan in plans)
                if (plan != winner) plan.Dispose();
        }
    }

    /// <summary>The engine's answer; a failure is one, too.</summary>
    private static PlanResult Try(ConvBackend engine, ConvProblem problem, PlanOptions options, ref ConvNativeException? broken)
    {
        try
        {
            return engine.CreatePlan(problem, options);
        }
        catch (DeviceMemoryException e)
        {
            return PlanResult.Unsupported(e.Message);
        }
        catch (ConvNativeException e)
        {
            broken ??= e;
            return PlanResult.Unsupported($"broke: {e.Message}");
        }
    }

    /// <summary>The fastest of the plans, timed in turns; one that breaks is out.</summary>
    private static ConvPlan Fastest(List<ConvPlan> plans, string key)
    {
        var trials = new TrialRun?[plans.Count];
        var best = new double[plans.Count];
        Array.Fill(best, double.MaxValue);
        Exception? broken = null;
        for (int round = 0; round < Rounds; round++)
            for (int i = 0; i < plans.Count; i++)
            {
                if (best[i] == Broke) continue;
                try
                {
                    best[i] = Math.Min(best[i], Turn(trials[i] ??= new TrialRun(plans[i])));
                }
                catch (Exception e) when (e is ConvNativeException or DeviceMemoryException)
                {
                    best[i] = Broke;
                    broken ??= e;
                }
            }

        int winner = Array.IndexOf(best, best.Min());
        if (best[winner] == Broke) throw new ConvNativeException(ConvPlan.Auto, "every engine broke while it was timed", problem: plans[winner].Problem, inner: broken);
        TuningStore.Auto.Put(key, plans[winner].Backend);
        plans[winner].ForgetWeights();
        return plans[winner];
    }

    private static double Turn(TrialRun trial)
    {
        double best = double.MaxValue;
        long start = Stopwatch.GetTimestamp();
        do
        {
            long t = Stopwatch.GetTimestamp();
            trial.Run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(t).TotalMilliseconds);
        }
        while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < TurnMilliseconds);
        return best;
    }
}
