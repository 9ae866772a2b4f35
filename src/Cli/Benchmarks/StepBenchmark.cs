using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Commands;
using ConvNative.Graphs;
using ConvNative.Plans;
using ConvNative.Problems.Graphs;

namespace ConvNative.Cli.Benchmarks;

/// <summary>Where the time of a network goes: each step of its plan, by the median over whole runs, beside the time of an untimed run.</summary>
internal static class StepBenchmark
{
    /// <summary>Times <paramref name="name"/> on an engine (or <c>auto</c>) for so many milliseconds and prints a line a step, or all as one line of JSON.</summary>
    /// <exception cref="CliException">The engine does not support a node, or does not know its device.</exception>
    public static void Run(string name, GraphOptions options, double budget, bool json, TextWriter output)
    {
        ConvGraph graph = BlockReport.Find(name, "--steps").Graph;
        GraphData data = GraphData.Create(graph, 1);
        using GraphPlan whole = Plan(data, graph, options), timed = Plan(data, graph, options with { TimeSteps = true });
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

        Timing[] steps = [.. timed.Steps.Select((_, s) => Of([.. samples.Select(v => v[s]).Order()]))];
        double medians = steps.Sum(t => t.Median), bests = steps.Sum(t => t.Min), gflops = 2e-6 * graph.MultiplyAdds / together.Median;
        if (json)
        {
            output.WriteLine(JsonText.Object(w =>
            {
                w.WriteString("name", name);
                w.WriteString("backend", options.Backend);
                w.WriteNumber("multiply_adds", graph.MultiplyAdds);
                Write(w, together);
                w.WriteNumber("gflops", gflops);
                w.WriteNumber("steps_ms", medians);
                w.WriteNumber("steps_min_ms", bests);
                w.WriteStartArray("steps");
                for (int s = 0; s < steps.Length; s++)
                {
                    w.WriteStartObject();
                    Write(w, timed, timed.Steps[s], steps[s]);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
            }));
            return;
        }

        output.WriteLine($"{"",-14} {"median",9}    {"best",9}");
        for (int s = 0; s < steps.Length; s++) output.WriteLine(Line(timed, timed.Steps[s], steps[s]));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {steps.Length} steps, {medians:F4} ms (best {bests:F4}); whole runs {together.Median:F4} ms (best {together.Min:F4}), {gflops:F1} GFLOP/s"));
    }

    private static GraphPlan Plan(GraphData data, ConvGraph graph, GraphOptions options)
    {
        try
        {
            return data.Plan(graph, options);
        }
        catch (Exception e) when (e is NotSupportedException or ArgumentException)
        {
            throw new CliException($"--backend = {options.Backend}: {e.Message}");
        }
    }

    private static Timing Of(double[] sorted) => new(sorted[sorted.Length / 2], sorted[0], sorted.Length);

    private static void Write(Utf8JsonWriter w, Timing t)
    {
        w.WriteNumber("ms", t.Median);
        w.WriteNumber("min_ms", t.Min);
        w.WriteNumber("samples", t.Samples);
    }

    private static void Write(Utf8JsonWriter w, GraphPlan plan, GraphStep step, Timing time)
    {
        GraphNode node = NodeOf(plan, step);
        w.WriteString("name", step is ConvStep named ? named.Node.Name : node.Name);
        w.WriteString("what", What(step));
        JsonText.Integers(w, "output_shape", node.Shape);
        Write(w, time);
        if (step is not ConvStep c) return;
        ConvPlan p = plan.PlanOf(c.Node.Name);
        w.WriteNumber("multiply_adds", c.Problem.MultiplyAdds);
        w.WriteString("problem", c.Problem.ToString());
        w.WriteString("backend", p.Backend);
        w.WriteString("implementation", p.Implementation);
        w.WriteNumber("threads", p.Threads);
    }

    private static string Line(GraphPlan plan, GraphStep step, Timing time)
    {
        (double ms, double best, _) = time;
        GraphNode node = NodeOf(plan, step);
        if (step is not ConvStep c) return string.Create(CultureInfo.InvariantCulture, $"{node.Name,-14} {ms,9:F4} ms {best,9:F4} {"",14}  {What(step)} {node.Shape}");
        ConvPlan p = plan.PlanOf(c.Node.Name);
        return string.Create(CultureInfo.InvariantCulture, $"{c.Node.Name,-14} {ms,9:F4} ms {best,9:F4} {2e-6 * c.Problem.MultiplyAdds / best,6:F1} GFLOP/s  {c.Problem.Key}  {p.Backend} {p.Implementation}, {p.Threads} threads");
    }

    private static GraphNode NodeOf(GraphPlan plan, GraphStep step) => plan.Graph.Nodes[plan.Tensors[step.Output].Node];

    private static string What(GraphStep step) => step.GetType().Name.Replace("Step", "", StringComparison.Ordinal).ToLowerInvariant();
}
