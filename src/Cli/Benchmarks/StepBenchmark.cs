using System.Diagnostics;
using System.Globalization;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Commands;
using ConvNative.Graphs;
using ConvNative.Plans;
using ConvNative.Problems.Graphs;

namespace ConvNative.Cli.Benchmarks;

/// <summary>Where the time of a network goes: each step of its plan, by the median over whole runs, beside the time of an untimed run.</summary>
internal static class StepBenchmark
{
    /// <summary>Times <paramref name="name"/> on an engine (or <c>auto</c>) for so many milliseconds and prints a line a step.</summary>
    public static void Run(string name, GraphOptions options, double budget, TextWriter output)
    {
        ConvGraph graph = BlockReport.Find(name).Graph;
        GraphData data = GraphData.Create(graph, 1);
        using GraphPlan whole = data.Plan(graph, options), timed = data.Plan(graph, options with { TimeSteps = true });
        Action untimed = data.Call(whole, out _), call = data.Call(timed, out _);
        TimeLoop.WarmUp(untimed, 200);
        TimeLoop.WarmUp(call, 200);
        Timing together = new TimeLoop().Run(untimed, budget);
        var samples = new List<double[]>();
        for (long begin = Stopwatch.GetTimestamp(); samples.Count < 5 || Stopwatch.GetElapsedTime(begin).TotalMilliseconds < budget;)
        {
            call();
            samples.Add(timed.StepMilliseconds.ToArray());
        }

        (double medians, double bests) = (0, 0);
        output.WriteLine($"{"",-14} {"median",9}    {"best",9}");
        for (int s = 0; s < timed.Steps.Count; s++)
        {
            double[] times = [.. samples.Select(v => v[s]).Order()];
            (double median, double best) = (times[times.Length / 2], times[0]);
            (medians, bests) = (medians + median, bests + best);
            output.WriteLine(Line(timed, timed.Steps[s], median, best));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {timed.Steps.Count} steps, {medians:F4} ms (best {bests:F4}); whole runs {together.Median:F4} ms (best {together.Min:F4}), {2e-6 * graph.MultiplyAdds / together.Median:F1} GFLOP/s"));
    }

    private static string Line(GraphPlan plan, GraphStep step, double ms, double best)
    {
        GraphNode node = plan.Graph.Nodes[plan.Tensors[step.Output].Node];
        string what = step.GetType().Name.Replace("Step", "", StringComparison.Ordinal).ToLowerInvariant();
        if (step is not ConvStep c) return string.Create(CultureInfo.InvariantCulture, $"{node.Name,-14} {ms,9:F4} ms {best,9:F4} {"",14}  {what} {node.Shape}");
        ConvPlan p = plan.PlanOf(c.Node.Name);
        return string.Create(CultureInfo.InvariantCulture, $"{c.Node.Name,-14} {ms,9:F4} ms {best,9:F4} {2e-6 * c.Problem.MultiplyAdds / best,6:F1} GFLOP/s  {c.Problem.Key}  {p.Backend} {p.Implementation}, {p.Threads} threads");
    }
}
