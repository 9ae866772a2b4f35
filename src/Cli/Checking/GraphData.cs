using ConvNative.Graphs;
using ConvNative.Oracle.Graphs;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Cli.Checking;

/// <summary>Inputs and parameters of a graph, the same for every engine: images of variance 1, weights that keep it (He et al. 2015), in logical order.</summary>
public sealed class GraphData
{
    private readonly float[][] _inputs;

    private GraphData(float[][] inputs, Dictionary<string, NodeParameters> parameters)
    {
        _inputs = inputs;
        Inputs = [.. inputs.Select(Wide)];
        Parameters = parameters;
    }

    /// <summary>Tensors of the input nodes.</summary>
    public IReadOnlyList<double[]> Inputs { get; }

    /// <summary>Weights and bias by node name.</summary>
    public IReadOnlyDictionary<string, NodeParameters> Parameters { get; }

    /// <summary>Fills everything from <paramref name="seed"/>.</summary>
    public static GraphData Create(ConvGraph graph, ulong seed)
    {
        var random = new Random(checked((int)seed));
        float[][] inputs = [.. graph.Inputs.Select(n => Normal(random, n.Shape.Product, 1))];
        var parameters = new Dictionary<string, NodeParameters>();
        foreach (ConvNode n in graph.Convolutions)
        {
            ConvProblem p = n.Problem;
            // A transposed convolution with stride s sums over kernel/s^rank taps for each output.
            double terms = p.HasWeights ? (double)p.MultiplyAdds / Math.Max(1, p.OutputShape.Product) : 1;
            parameters[n.Name] = new NodeParameters(
                p.HasWeights ? Wide(Normal(random, p.WeightCount, Math.Sqrt(2 / Math.Max(1, terms)))) : null,
                p.HasBias ? Wide(Normal(random, p.OutputChannels, 0.1)) : null);
        }

        return new GraphData(inputs, parameters);
    }

    /// <summary>The inputs as a run takes them.</summary>
    public IReadOnlyList<float[]> Images => _inputs;

    /// <summary>Gradients of the outputs, of variance 1.</summary>
    public static float[][] OutputGradients(ConvGraph graph, ulong seed)
    {
        var random = new Random(checked((int)seed + 1));
        return [.. graph.Outputs.Select(o => Normal(random, graph.Nodes[o].Shape.Product, 1))];
    }

    /// <summary>A plan with the weights set.</summary>
    public GraphPlan Plan(ConvGraph graph, GraphOptions options)
    {
        GraphPlan plan = GraphPlan.Create(graph, options);
        foreach ((string node, NodeParameters p) in Parameters)
            if (p.Weights is not null) plan.SetWeights(node, Narrow(p.Weights), p.Bias is null ? [] : Narrow(p.Bias));
        return plan;
    }

    /// <summary>As <see cref="Plan"/>, with gradients.</summary>
    public GraphGradients Gradients(ConvGraph graph, GraphOptions options)
    {
        GraphGradients plan = GraphGradients.Create(graph, options);
        foreach ((string node, NodeParameters p) in Parameters)
            if (p.Weights is not null) plan.SetWeights(node, Narrow(p.Weights), p.Bias is null ? [] : Narrow(p.Bias));
        return plan;
    }

    /// <summary>Runs on the inputs; the outputs in the plan's layout.</summary>
    public float[][] Run(GraphPlan plan) => Run(plan, _inputs);

    /// <summary>A run on the inputs that allocates nothing of its own.</summary>
    public Action Call(GraphPlan plan, out float[][] outputs)
    {
        outputs = Outputs(plan);
        ReadOnlyMemory<float>[] from = [.. _inputs.Select(x => new ReadOnlyMemory<float>(x))];
        Memory<float>[] to = [.. outputs.Select(y => y.AsMemory())];
        return () => plan.Run(from, to);
    }

    /// <summary>Runs on NaN, so that every tensor that an input reaches is NaN afterwards.</summary>
    public void Poison(GraphPlan plan) => Run(plan, [.. _inputs.Select(x => Enumerable.Repeat(float.NaN, x.Length).ToArray())]);

    /// <summary>A tensor of the last run, wherever it lies, in logical order.</summary>
    public double[] Read(GraphPlan plan, float[][] outputs, int tensor)
    {
        GraphTensor t = plan.Tensors[tensor];
        ReadOnlySpan<float> x = t.Place switch
        {
            TensorPlace.Input => _inputs[t.Argument],
            TensorPlace.Output => outputs[t.Argument],
            _ => plan.Tensor(tensor),
        };
        return TensorBytes.Read(System.Runtime.InteropServices.MemoryMarshal.AsBytes(x), DataType.F32, t.Shape, t.Layout);
    }

    private static float[][] Run(GraphPlan plan, float[][] inputs)
    {
        float[][] outputs = Outputs(plan);
        ReadOnlyMemory<float>[] from = [.. inputs.Select(x => new ReadOnlyMemory<float>(x))];
        Memory<float>[] to = [.. outputs.Select(y => y.AsMemory())];
        plan.Run(from, to);
        return outputs;
    }

    private static float[][] Outputs(GraphPlan plan) => [.. plan.Graph.Outputs.Select(o => new float[plan.Graph.Nodes[o].Shape.Product])];

    private static float[] Normal(Random random, long count, double deviation)
    {
        var v = new float[count];
        for (int i = 0; i < v.Length; i++) v[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return v;
    }

    private static double[] Wide(float[] v) => Array.ConvertAll(v, x => (double)x);

    private static float[] Narrow(double[] v) => Array.ConvertAll(v, x => (float)x);
}
