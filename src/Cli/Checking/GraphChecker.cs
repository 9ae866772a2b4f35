using System.Diagnostics;
using System.Globalization;
using ConvNative.Backends;
using ConvNative.Cli.Reports;
using ConvNative.Graphs;
using ConvNative.Graphs.Catalog;
using ConvNative.Oracle.Graphs;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Verdicts;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Cli.Checking;

/// <summary>
/// Checks a block or a trunk on engines against the oracle's naive graph: each step from the engine's own tensors, so that the bounds stay
/// tight however deep the graph is; the whole result with the bound that is carried through; a plan that reuses its memory against one
/// that does not, bit for bit; then all gradients, each from the engine's own tensors.
/// </summary>
public sealed class GraphChecker(PlanOptions options)
{
    private const ulong Seed = 1;

    /// <summary>One cell an engine, as for problems.</summary>
    public IReadOnlyList<CellResult> Check(string block, IReadOnlyList<ConvBackend> backends, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(backends);
        bool trunk = TrunkCatalog.Find(block) is not null;
        ConvGraph graph = BlockCatalog.Reduced(block) ?? TrunkCatalog.Find(block)?.Reduced() ?? throw new ArgumentException($"block = {block}: no such block", nameof(block));
        GraphData data = GraphData.Create(graph, Seed);
        Lazy<NodeValue[]> whole = new(() => NaiveGraph.Compute(graph, data.Inputs, data.Parameters));
        var cells = new List<CellResult>();
        foreach (ConvBackend b in backends)
        {
            if (stop.IsCancellationRequested) return cells;
            cells.Add(Check(graph, data, whole, b, new CellResult
            {
                Name = block,
                Problem = $"--block={block}",
                Backend = b.Label,
                Op = "graph",
                Direction = "forward and gradients",
                DataType = DataType.F32.Name(),
                Variants = [trunk ? Variants.Network : Variants.Block],
                Status = CellStatus.Pass,
            }));
        }

        return cells;
    }

    private CellResult Check(ConvGraph graph, GraphData data, Lazy<NodeValue[]> whole, ConvBackend backend, CellResult cell)
    {
        BackendStatus status = backend.Status;
        cell = cell with { BackendVersion = status.Summary };
        if (!status.Available) return cell with { Status = CellStatus.Unavailable, Message = EngineHelp.Line(backend) };
        long begin = Stopwatch.GetTimestamp();
        try
        {
            GraphOptions how = new() { Backend = backend.Name, Plan = options };
            using GraphPlan keeping = data.Plan(graph, how with { KeepAll = true }), reusing = data.Plan(graph, how);
            float[][] kept = data.Run(keeping);
            // What a reused block holds before is NaN: a step that reads what it should not shows it.
            data.Poison(reusing);
            float[][] reused = data.Run(reusing);
            cell = cell with { Implementation = string.Join(", ", keeping.Steps.OfType<ConvStep>().Select(s => keeping.PlanOf(s.Node.Name).Implementation).Distinct()), Seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds };
            for (int o = 0; o < kept.Length; o++)
                if (!kept[o].AsSpan().SequenceEqual(reused[o])) return cell with { Status = CellStatus.Fail, Message = $"output {o} differs between a plan that keeps its tensors and one that reuses their memory" };
            cell = Judge(graph, data, keeping, kept, whole.Value, cell);
            return cell.Status == CellStatus.Pass ? new GradientCheck(graph, data).Judge(how, cell) : cell;
        }
        catch (NotSupportedException e)
        {
            return cell with { Status = CellStatus.Unsupported, Message = e.Message };
        }
#pragma warning disable CA1031 // An engine may throw anything; a matrix reports it and goes on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return cell with { Status = CellStatus.Error, Message = e is ConvNativeException ? e.Message : $"{e.GetType().Name}: {e.Message}" };
        }
    }

    private static CellResult Judge(ConvGraph graph, GraphData data, GraphPlan plan, float[][] outputs, NodeValue[] whole, CellResult cell)
    {
        double worst = 0;
        long compared = 0;
        string? wrong = null;
        foreach (GraphStep step in plan.Steps)
        {
            NodeValue expected = FromEngine(graph, data, plan, outputs, step);
            GraphTensor t = plan.Tensors[step.Output];
            (double ratio, string? message) = Compare($"{graph.Nodes[t.Node].Name} ({graph.Nodes[t.Node].Description}), from the engine's own inputs", t.Shape, expected, data.Read(plan, outputs, step.Output));
            worst = Math.Max(worst, ratio);
            compared += t.Length;
            wrong ??= message;
        }

        long telling = 0, all = 0;
        for (int o = 0; o < outputs.Length; o++)
        {
            NodeValue expected = whole[graph.Outputs[o]];
            Dims shape = graph.Nodes[graph.Outputs[o]].Shape;
            (_, string? message) = Compare($"output {o} of the whole graph", shape, expected, Array.ConvertAll(outputs[o], v => (double)v));
            wrong ??= message;
            all += expected.Values.Count(v => v != 0);
            for (int i = 0; i < expected.Values.Length; i++)
                if (Math.Abs(expected.Values[i]) > expected.Errors[i]) telling++;
        }

        var fill = new FillResult("random", wrong is null ? CellStatus.Pass : CellStatus.Fail, worst, compared, compared, wrong);
        return cell with
        {
            Status = fill.Status,
            Message = wrong,
            WorstError = worst,
            Fills = [fill],
            Sampled = null,
            Implementation = cell.Implementation + string.Create(CultureInfo.InvariantCulture, $"; {plan.Steps.Count} steps, {100.0 * telling / Math.Max(1, all):F0}% of what is not zero exceeds the bound carried through the whole"),
        };
    }

    /// <summary>The value that a step should give, from what the engine gave it.</summary>
    private static NodeValue FromEngine(ConvGraph graph, GraphData data, GraphPlan plan, float[][] outputs, GraphStep step)
    {
        var known = new Dictionary<int, NodeValue>();
        foreach (int r in step.Reads)
            if (r >= 0) known[plan.Tensors[r].Node] = NodeValue.Exact(data.Read(plan, outputs, r));
        return Value(plan.Tensors[step.Output].Node);

        NodeValue Value(int node)
        {
            if (known.TryGetValue(node, out NodeValue? value)) return value;
            GraphNode n = graph.Nodes[node];
            return known[node] = NaiveGraph.Compute(graph, n, [.. n.Inputs.Select(Value)], data.Parameters);
        }
    }

    /// <summary>The largest error in units of its bound, and what is wrong where it exceeds 1.</summary>
    internal static (double Worst, string? Message) Compare(string what, Dims shape, NodeValue expected, double[] actual)
    {
        double worst = 0;
        int at = -1;
        for (int i = 0; i < actual.Length; i++)
        {
            double ratio = Verdict.Ratio(DataType.F32, expected.Values[i], actual[i], expected.Errors[i]);
            if (ratio > worst || double.IsNaN(ratio)) (worst, at) = (double.IsNaN(ratio) ? double.PositiveInfinity : ratio, i);
        }

        return (worst, worst <= 1 ? null : string.Create(CultureInfo.InvariantCulture, $"{what}: element {at} of {shape}: expected {expected.Values[at]:R}, got {actual[at]:R}, bound {expected.Errors[at]:0.###e+0}"));
    }
}
