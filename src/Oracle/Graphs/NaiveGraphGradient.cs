using ConvNative.Oracle.Bounds;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Oracle.Graphs;

/// <summary>
/// Gradients of graphs by naive loops in double, a node at a time. The errors are those of an f32 engine that computes one step from exact
/// operands.
/// </summary>
public static class NaiveGraphGradient
{
    private static readonly double s_u = Rounding.UnitRoundoff(DataType.F32);
    private static readonly double s_tiny = Rounding.Underflow(DataType.F32);

    /// <summary>The gradient of every node's value, from those of the outputs; a node that no output depends on has zeros.</summary>
    public static NodeValue[] Compute(ConvGraph graph, IReadOnlyList<double[]> values, IReadOnlyList<double[]> outputGradients, IReadOnlyDictionary<string, NodeParameters> parameters)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(values);
        var gradients = new NodeValue[graph.Nodes.Count];
        for (int id = gradients.Length - 1; id >= 0; id--) gradients[id] = Of(graph, id, values, g => gradients[g].Values, outputGradients, parameters);
        return gradients;
    }

    /// <summary>The gradient of one node's value: what the outputs say of it, and what every node that reads it passes on.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="node">The node.</param>
    /// <param name="values">The value of every node.</param>
    /// <param name="gradient">The gradient of a node that reads it.</param>
    /// <param name="outputGradients">Those of the graph's outputs, in their order.</param>
    /// <param name="parameters">Weights and bias by node name.</param>
    public static NodeValue Of(
        ConvGraph graph, int node, IReadOnlyList<double[]> values, Func<int, double[]> gradient, IReadOnlyList<double[]> outputGradients, IReadOnlyDictionary<string, NodeParameters> parameters)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(gradient);
        ArgumentNullException.ThrowIfNull(outputGradients);
        ArgumentNullException.ThrowIfNull(parameters);
        var (sum, error) = (new double[graph.Nodes[node].Shape.Product], new double[graph.Nodes[node].Shape.Product]);
        int terms = 0;
        for (int o = 0; o < graph.Outputs.Count; o++)
            if (graph.Outputs[o] == node) Add(NodeValue.Exact(outputGradients[o]));
        foreach (GraphNode reader in graph.Nodes)
            for (int slot = 0; slot < reader.Inputs.Count; slot++)
                if (reader.Inputs[slot] == node) Add(Passed(graph, reader, slot, values, gradient(reader.Id), parameters));
        return new NodeValue(sum, error);

        void Add(NodeValue part)
        {
            terms++;
            for (int i = 0; i < sum.Length; i++)
            {
                sum[i] += part.Values[i];
                error[i] += part.Errors[i];
                // The partial sums of an engine may be larger than ours by the errors so far.
                if (terms > 1) error[i] += (s_u * (Math.Abs(sum[i]) + error[i])) + s_tiny;
            }
        }
    }

    /// <summary>The gradient of a convolution's weights (<paramref name="direction"/> backward weights) or bias.</summary>
    public static NodeValue OfParameters(ConvNode node, Direction direction, double[] input, double[]? offset, double[]? mask, double[] gradient)
    {
        ArgumentNullException.ThrowIfNull(node);
        return Convolution(node.Problem, direction, new OracleTensors { Input = input, Offset = offset, Mask = mask, OutputGrad = gradient });
    }

    private static NodeValue Passed(ConvGraph graph, GraphNode reader, int slot, IReadOnlyList<double[]> values, double[] dy, IReadOnlyDictionary<string, NodeParameters> parameters)
    {
        switch (reader)
        {
            case ConvNode c:
                var t = new OracleTensors
                {
                    Input = values[c.Inputs[0]],
                    Weights = parameters[c.Name].Weights,
                    Offset = c.Inputs.Count > 1 ? values[c.Inputs[1]] : null,
                    Mask = c.Inputs.Count > 2 ? values[c.Inputs[2]] : null,
                    OutputGrad = dy,
                };
                return Convolution(c.Problem, slot switch { 0 => Direction.BackwardData, 1 => Direction.BackwardOffset, _ => Direction.BackwardMask }, t);
            case AddNode:
                return NodeValue.Exact(dy);
            case ConcatNode:
                return Slice(graph, reader, slot, dy);
            case ActivationNode a:
                return Product(dy, values[a.Inputs[0]], x => Derivative(a.Activation, x));
            case PoolNode p:
                return Pool(p.Window, graph.Nodes[p.Inputs[0]].Shape, p.Shape, values[p.Inputs[0]], dy);
            default:
                return Scale(reader.Shape, values[reader.Inputs[0]], values[reader.Inputs[1]], dy, slot);
        }
    }

    private static NodeValue Convolution(ConvProblem forward, Direction direction, OracleTensors t)
    {
        ConvProblem p = forward.With(s => s with { Direction = direction, HasBias = s.HasBias && direction == Direction.BackwardBias });
        OracleResult r = NaiveOracle.Compute(p, t);
        var errors = new double[r.Values.Length];
        for (int i = 0; i < errors.Length; i++) errors[i] = ErrorBound.Of(p, FillKind.Random, r, i);
        return new NodeValue(r.Values, errors);
    }

    private static NodeValue Slice(ConvGraph graph, GraphNode concat, int slot, double[] dy)
    {
        Dims shape = graph.Nodes[concat.Inputs[slot]].Shape;
        long pixels = shape.Slice(2).Product, before = 0;
        for (int s = 0; s < slot; s++) before += graph.Nodes[concat.Inputs[s]].Shape[1] * pixels;
        var v = new double[shape.Product];
        for (long n = 0; n < shape[0]; n++) Array.Copy(dy, (n * concat.Shape[1] * pixels) + before, v, n * shape[1] * pixels, shape[1] * pixels);
        return NodeValue.Exact(v);
    }

    private static NodeValue Product(double[] dy, double[] x, Func<double, double> factor)
    {
        var (v, e) = (new double[dy.Length], new double[dy.Length]);
        for (int i = 0; i < v.Length; i++)
        {
            v[i] = dy[i] * factor(x[i]);
            // The factor may be a difference that cancels: its own error is some roundings of 1, in f32.
            e[i] = (4 * s_u * (Math.Abs(v[i]) + Math.Abs(dy[i]))) + s_tiny;
        }

        return new NodeValue(v, e);
    }

    private static NodeValue Pool(PoolWindow w, Dims input, Dims output, double[] x, double[] dy)
    {
        var (v, e, terms) = (new double[input.Product], new double[input.Product], new int[input.Product]);
        for (long flat = 0; flat < dy.Length; flat++)
        {
            long[] taps = [.. NaiveGraph.Taps(w, input, output, flat)];
            if (w.Kind == PoolKind.Max)
            {
                // The first of the largest; a NaN is larger than anything, the last one the largest.
                long top = taps[0];
                foreach (long tap in taps)
                    if (x[tap] > x[top] || double.IsNaN(x[tap])) top = tap;
                taps = [top];
            }

            foreach (long tap in taps)
            {
                v[tap] += dy[flat] / taps.Length;
                e[tap] += Math.Abs(dy[flat]) / taps.Length;
                terms[tap]++;
            }
        }

        for (int i = 0; i < e.Length; i++) e[i] = (ErrorBound.Factor(terms[i] + 1, s_u) * e[i]) + s_tiny;
        return new NodeValue(v, e);
    }

    private static NodeValue Scale(Dims shape, double[] x, double[] gate, double[] dy, int slot)
    {
        long pixels = shape.Slice(2).Product;
        var (v, e) = (new double[slot == 0 ? x.Length : gate.Length], new double[slot == 0 ? x.Length : gate.Length]);
        for (int i = 0; i < x.Length; i++)
        {
            long at = slot == 0 ? i : i / pixels;
            double term = dy[i] * (slot == 0 ? gate[i / pixels] : x[i]);
            v[at] += term;
            e[at] += Math.Abs(term);
        }

        double factor = ErrorBound.Factor(slot == 0 ? 1 : checked((int)pixels), s_u);
        for (int i = 0; i < e.Length; i++) e[i] = (factor * e[i]) + s_tiny;
        return new NodeValue(v, e);
    }

    /// <summary>The slope of an activation; where it has a corner, that of the flat side, as PyTorch.</summary>
    public static double Derivative(Activation a, double x)
    {
        switch (a.Kind)
        {
            case ActivationKind.Relu: return x > 0 ? 1 : 0;
            case ActivationKind.LeakyRelu: return x > 0 ? 1 : a.Alpha;
            case ActivationKind.Clip: return x > a.Alpha && x < a.Beta ? 1 : 0;
            case ActivationKind.Sigmoid: return Logistic(x) * Logistic(-x);
            case ActivationKind.Tanh: return 4 * Logistic(2 * x) * Logistic(-2 * x);
            case ActivationKind.GeluErf: return (0.5 * ErrorFunction.Erfc(-x / Math.Sqrt(2))) + (x * Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI));
            case ActivationKind.GeluTanh:
                // x*sigmoid(2u), u = sqrt(2/pi)*(x + 0.044715 x^3).
                double c = 2 * Math.Sqrt(2 / Math.PI), s = Logistic(c * (x + (0.044715 * x * x * x)));
                return s + (x * s * (1 - s) * c * (1 + (3 * 0.044715 * x * x)));
            case ActivationKind.Silu:
                double g = Logistic(a.Alpha * x);
                return g + (a.Alpha * x * g * (1 - g));
            case ActivationKind.HardSwish:
                double h = (a.Alpha * x) + a.Beta;
                return h <= 0 ? 0 : h >= 1 ? 1 : (2 * a.Alpha * x) + a.Beta;
            default: return 1;
        }
    }

    private static double Logistic(double x) => 1 / (1 + Math.Exp(-x));
}
