using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ConvNative.Backends;
using ConvNative.Backends.Common.Stores;
using ConvNative.Plans;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs;

/// <summary>
/// <c>auto</c> with <see cref="Tuning.Measure"/> for a whole graph: each node on the engine that is fastest by itself, or all on one of these
/// engines, whichever is faster as a whole. What engines cost each other (caches, threads) shows in place only. A plan that
/// breaks is out as long as another one is left.
/// </summary>
internal static class GraphTuner
{
    private const double BudgetMilliseconds = 1200;

    public static GraphPlan Fastest(ConvGraph graph, GraphOptions options)
    {
        string key = Key(graph, options);
        if (TuningStore.Auto.Find(key) is { } known && TuningStore.Auto.IsGood(key, known) && TryPlan(graph, options with { Backend = known.Choice }) is { } remembered) return remembered;
        var plans = new List<GraphPlan> { new(graph, options) };
        try
        {
            string[] engines = [.. plans[0].Plans.Select(p => p.Backend).Distinct()];
            if (engines.Length > 1)
                foreach (string engine in engines)
                    if (TryPlan(graph, options with { Backend = engine }) is { } alone) plans.Add(alone);
            GraphPlan winner = plans[0];
            if (plans.Count > 1)
            {
                (int best, double margin) = Race(graph, plans);
                winner = plans[best];
                TuningStore.Auto.Put(key, new Tuned(winner.Options.Backend, margin));
            }

            plans.Remove(winner);
            return winner;
        }
        finally
        {
            foreach (GraphPlan p in plans) p.Dispose();
        }
    }

    private static GraphPlan? TryPlan(ConvGraph graph, GraphOptions options)
    {
        try
        {
            return new GraphPlan(graph, options);
        }
        catch (Exception e) when (e is NotSupportedException or ConvNativeException or DeviceMemoryException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>
    /// The fastest of plans of one graph, tried on random weights: turns of one run each, so that a disturbance does not fall on one of them. The least
    /// time of each step counts: a whole run of many milliseconds may never be undisturbed, each of its steps is at some time.
    /// </summary>
    /// <exception cref="ConvNativeException">Every plan broke; the first failure is inside.</exception>
    internal static int Time(ConvGraph graph, IReadOnlyList<GraphPlan> plans) => Race(graph, plans).Winner;

    /// <summary>As <see cref="Time"/>, with the time of the second over the fastest.</summary>
    private static (int Winner, double Margin) Race(ConvGraph graph, IReadOnlyList<GraphPlan> plans)
    {
        var random = new Random(1);
        double[][] best = [.. plans.Select(p => Enumerable.Repeat(double.MaxValue, p.Steps.Count).ToArray())];
        var isOut = new bool[plans.Count];
        foreach (GraphPlan p in plans) p.TimesSteps = true;
        Exception? broken = null;
        float[][] inputs = [.. graph.Inputs.Select(n => Numbers(random, n.Shape.Product, 1))], outputs = [.. graph.Outputs.Select(o => new float[graph.Nodes[o].Shape.Product])];
        ReadOnlyMemory<float>[] from = [.. inputs.Select(x => new ReadOnlyMemory<float>(x))];
        Memory<float>[] to = [.. outputs.Select(y => y.AsMemory())];
        foreach (ConvNode n in graph.Convolutions.Where(n => n.Problem.HasWeights))
        {
            // He's deviation: numbers neither vanish nor grow from layer to layer.
            double terms = Math.Max(1, (double)n.Problem.MultiplyAdds / Math.Max(1, n.Problem.OutputShape.Product));
            float[] weights = Numbers(random, n.Problem.WeightCount, Math.Sqrt(6 / terms)), bias = Numbers(random, n.Problem.HasBias ? n.Problem.OutputChannels : 0, 0.1);
            for (int i = 0; i < plans.Count; i++) Try(i, p => p.SetWeights(n.Name, weights, bias));
        }

        long begin = Stopwatch.GetTimestamp();
        for (int round = 0; round < 5 || (round < 1000 && Stopwatch.GetElapsedTime(begin).TotalMilliseconds < BudgetMilliseconds * plans.Count); round++)
            for (int i = 0; i < plans.Count; i++)
                Try(i, p =>
                {
                    // The second of two finds the caches as a run in a row of runs does, not as another plan left them.
                    p.Run(from, to);
                    p.Run(from, to);
                    for (int s = 0; s < best[i].Length; s++) best[i][s] = Math.Min(best[i][s], p.StepMilliseconds[s]);
                });

        foreach (GraphPlan p in plans)
        {
            p.TimesSteps = p.Options.TimeSteps;
            p.ForgetWeights();
        }

        double[] sums = [.. best.Select((b, i) => isOut[i] ? double.PositiveInfinity : b.Sum())];
        int winner = Array.IndexOf(sums, sums.Min());
        double second = sums.Where((_, i) => i != winner).DefaultIfEmpty(double.PositiveInfinity).Min();
        return !isOut[winner] ? (winner, second / sums[winner]) : throw new ConvNativeException(ConvPlan.Auto, $"every plan of {graph.Name} broke while it was timed", inner: broken);

        void Try(int i, Action<GraphPlan> turn)
        {
            if (isOut[i]) return;
            try
            {
                turn(plans[i]);
            }
            catch (Exception e) when (e is ConvNativeException or DeviceMemoryException)
            {
                isOut[i] = true;
                broken ??= e;
            }
        }
    }

    private static float[] Numbers(Random random, long count, double most)
    {
        var v = new float[count];
        for (int i = 0; i < v.Length; i++) v[i] = (float)(most * ((2 * random.NextDouble()) - 1));
        return v;
    }

    private static string Key(ConvGraph graph, GraphOptions options)
    {
        var text = new StringBuilder();
        foreach (GraphNode n in graph.Nodes) text.Append(CultureInfo.InvariantCulture, $"{(n is ConvNode c ? c.Problem.Key : n.Description)} {n.Shape} {string.Join(',', n.Inputs)};");
        text.AppendJoin(',', graph.Outputs);
        string hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 12));
        return $"graph {hash} by steps layout={options.Layout} {options.Plan.ChoiceKey}";
    }
}
