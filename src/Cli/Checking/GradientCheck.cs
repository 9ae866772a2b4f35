using System.Runtime.InteropServices;
using ConvNative.Graphs;
using ConvNative.Oracle.Graphs;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Cli.Checking;

/// <summary>Judges the gradients of a graph: of every node's value, of every weight and bias, each from the engine's own tensors.</summary>
internal sealed class GradientCheck(ConvGraph graph, GraphData data)
{
    private double _worst;
    private long _compared;
    private string? _wrong;

    /// <summary>The cell with the verdict on the gradients added.</summary>
    /// <exception cref="NotSupportedException">The engine lacks a direction of a node.</exception>
    public CellResult Judge(GraphOptions options, CellResult cell)
    {
        float[][] given = GraphData.OutputGradients(graph, 1);
        using GraphGradients plan = data.Gradients(graph, options);
        float[][] inputs = [.. graph.Inputs.Select(n => new float[n.Shape.Product])];
        // Twice, the first time on other numbers: what is not written anew shows.
        Run(plan, [.. given.Select(g => Enumerable.Repeat(float.NaN, g.Length).ToArray())], inputs);
        Run(plan, given, inputs);
        double[][] values = [.. graph.Nodes.Select(n => Logical(plan.Value(n.Id), n.Shape))], gradients = [.. graph.Nodes.Select(n => Logical(plan.Gradient(n.Id), n.Shape))];
        double[][] outputs = [.. given.Select(g => Array.ConvertAll(g, v => (double)v))];
        foreach (GraphNode n in graph.Nodes)
            Add($"gradient of {n.Name} ({n.Description})", n.Shape, NaiveGraphGradient.Of(graph, n.Id, values, g => gradients[g], outputs, data.Parameters), gradients[n.Id]);
        int input = 0;
        foreach (InputNode n in graph.Inputs)
            Add($"gradient of {n.Name}, as the caller gets it", n.Shape, NodeValue.Exact(gradients[n.Id]), Array.ConvertAll(inputs[input++], v => (double)v));
        foreach (ConvNode c in graph.Convolutions.Where(c => c.Problem.HasWeights))
        {
            NodeValue Expected(Direction d) => NaiveGraphGradient.OfParameters(
                c, d, values[c.Inputs[0]], c.Inputs.Count > 1 ? values[c.Inputs[1]] : null, c.Inputs.Count > 2 ? values[c.Inputs[2]] : null, gradients[c.Id]);
            Add($"gradient of {c.Name}'s weights", c.Problem.WeightShape, Expected(Direction.BackwardWeights), Wide(plan.WeightGradient(c.Name)));
            if (c.Problem.HasBias) Add($"gradient of {c.Name}'s bias", c.Problem.BiasShape, Expected(Direction.BackwardBias), Wide(plan.BiasGradient(c.Name)));
        }

        CellStatus status = _wrong is null ? CellStatus.Pass : CellStatus.Fail;
        return cell with
        {
            Status = status,
            Message = _wrong,
            WorstError = Math.Max(cell.WorstError ?? 0, _worst),
            Fills = [.. cell.Fills, new FillResult("gradients", status, _worst, _compared, _compared, _wrong)],
        };
    }

    private void Run(GraphGradients plan, float[][] given, float[][] inputs)
    {
        float[][] outputs = [.. graph.Outputs.Select(o => new float[graph.Nodes[o].Shape.Product])];
        plan.Forward([.. data.Images.Select(x => new ReadOnlyMemory<float>(x))], [.. outputs.Select(y => y.AsMemory())]);
        plan.Backward([.. given.Select(g => new ReadOnlyMemory<float>(g))], [.. inputs.Select(x => x.AsMemory())]);
    }

    private void Add(string what, Dims shape, NodeValue expected, double[] actual)
    {
        (double worst, string? message) = GraphChecker.Compare(what, shape, expected, actual);
        _worst = Math.Max(_worst, worst);
        _compared += actual.Length;
        _wrong ??= message;
    }

    private static double[] Logical(ReadOnlySpan<float> channelsLast, Dims shape) => TensorBytes.Read(MemoryMarshal.AsBytes(channelsLast), DataType.F32, shape, Layout.ChannelsLast);

    private static double[] Wide(ReadOnlySpan<float> v) => Array.ConvertAll(v.ToArray(), x => (double)x);
}
