using System.Diagnostics;
using ConvNative.Backends.Common;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends;

/// <summary><c>auto</c>: the engine that was measured fastest, else the first of the static order that supports the problem.</summary>
internal static class EngineSelector
{
    public static PlanResult Create(ConvProblem problem, PlanOptions options, string backend)
    {
        if (backend != ConvPlan.Auto)
        {
            ConvBackend engine = Engines.Find(backend)
                ?? throw new ArgumentException($"backend = {backend}: must be auto or one of {string.Join(", ", Engines.All.Select(e => e.Name))}, with a device as in opencl:0 where wanted", nameof(backend));
            return engine.CreatePlan(problem, options);
        }

        string key = $"{problem.Key} threads={options.MaxThreads} math={options.Math}";
        if (TuningStore.Auto.TryGet(key, out string? known) && Engines.Find(known!) is { Status.Available: true } remembered
            && remembered.CreatePlan(problem, options) is { Plan: not null } result)
            return result;
        var reasons = new List<string>();
        var plans = new List<ConvPlan>();
        foreach (ConvBackend engine in Engines.All)
        {
            if (!engine.Status.Available)
            {
                reasons.Add($"{engine.Name}: unavailable: {engine.Status.Summary}");
                continue;
            }

            PlanResult r;
            try
            {
                r = engine.CreatePlan(problem, options);
            }
            catch (DeviceMemoryException e)
            {
                r = PlanResult.Unsupported(e.Message);
            }

            if (r.Plan is null) reasons.Add($"{engine.Name}: {r.Reason}");
            else if (options.Tuning == Tuning.Rank) return r;
            else plans.Add(r.Plan);
        }

        if (plans.Count == 0) return PlanResult.Unsupported(string.Join("; ", reasons));
        return PlanResult.Supported(plans.Count == 1 ? plans[0] : Fastest(plans, key));
    }

    private static ConvPlan Fastest(List<ConvPlan> plans, string key)
    {
        var best = new double[plans.Count];
        Array.Fill(best, double.MaxValue);
        try
        {
            Time(plans, best);
        }
        catch
        {
            foreach (ConvPlan plan in plans) plan.Dispose();
            throw;
        }

        int winner = Array.IndexOf(best, best.Min());
        for (int i = 0; i < plans.Count; i++)
            if (i != winner) plans[i].Dispose();
        TuningStore.Auto.Put(key, plans[winner].Backend);
        plans[winner].ForgetWeights();
        return plans[winner];
    }

    private static void Time(List<ConvPlan> plans, double[] best)
    {
        for (int i = 0; i < plans.Count; i++)
        {
            var trial = new TrialRun(plans[i]);
            for (int round = 0; round < 3; round++)
            {
                long start = Stopwatch.GetTimestamp();
                do
                {
                    long t = Stopwatch.GetTimestamp();
                    trial.Run();
                    best[i] = Math.Min(best[i], Stopwatch.GetElapsedTime(t).TotalMilliseconds);
                }
                while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < 4);
            }
        }
    }
}
