using ConvNative.Oracle.Bounds;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Oracle.Graphs;

/// <summary>
/// Graphs by naive loops in double, a node at a time, with a bound on an f32 engine's error that is carried from node to node: an error e
/// of a convolution's input becomes at most sum |w|*e, of an activation's at most Lipschitz(f)*e, and each node adds its own roundings.
/// </summary>
public static class NaiveGraph
{
    private static readonly double s_u = Rounding.UnitRoundoff(DataType.F32);
    private static readonly double s_tiny = Rounding.Underflow(DataType.F32);

    /// <summary>The value of every node, from those of the inputs.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="inputs">Tensors of the input nodes, in their order.</param>
    /// <param name="parameters">Weights and bias by node name.</param>
    public static NodeValue[] Compute(ConvGraph graph, IReadOnlyList<double[]> inputs, IReadOnlyDictionary<string, NodeParameters> parameters)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(parameters);
        var values = new NodeValue[graph.Nodes.Count];
        int input = 0;
        foreach (GraphNode n in graph.Nodes)
            values[n.Id] = n is InputNode ? NodeValue.Exact(inputs[input++]) : Compute(graph, n, [.. n.Inputs.Select(i => values[i])], parameters);
        return values;
    }

    /// <summary>The value of one node, from those of the nodes that it reads.</summary>
    public static NodeValue Compute(ConvGraph graph, GraphNode node, IReadOnlyList<NodeValue> inputs, IReadOnlyDictionary<string, NodeParameters> parameters)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(parameters);
        return node switch
        {
            ConvNode c => Convolution(c.Problem, inputs, parameters[c.Name]),
            AddNode => Combine(inputs[0], inputs[1]),
            ConcatNode => Concat(graph, node, inputs),
            ActivationNode a => Activate(a.Activation, inputs[0]),
            PoolNode p => Pool(p.Window, graph.Nodes[p.Inputs[0]].Shape, p.Shape, inputs[0]),
            ChannelScaleNode => Scale(node.Shape, inputs[0], inputs[1]),
            _ => throw new NotSupportedException($"{node.Name} ({node.Description}) has no value of its own"),
        };
    }

    private static NodeValue Convolution(ConvProblem p, IReadOnlyList<NodeValue> inputs, NodeParameters w)
    {
        var t = new OracleTensors
        {
            Input = inputs[0].Values,
            Weights = w.Weights,
            Bias = w.Bias,
            Offset = inputs.Count > 1 ? inputs[1].Values : null,
            Mask = inputs.Count > 2 ? inputs[2].Values : null,
        };
        OracleResult r = NaiveOracle.Compute(p, t);
        var errors = new double[r.Values.Length];
        for (int i = 0; i < errors.Length; i++) errors[i] = ErrorBound.Of(p, FillKind.Random, r, i);
        if (Array.TrueForAll(inputs[0].Errors, e => e == 0) && inputs.Skip(1).All(i => Array.TrueForAll(i.Errors, e => e == 0))) return new NodeValue(r.Values, errors);
        if (inputs.Count > 1)
        {
            // How a sample changes with its position depends on the image; only errors of given offsets are followed.
            Array.Fill(errors, double.PositiveInfinity);
            return new NodeValue(r.Values, errors);
        }

        // |w| on the errors: a convolution too; bias does not matter.
        ConvProblem linear = p.With(s => s with { HasBias = false });
        double[] carried = NaiveOracle.Compute(linear, new OracleTensors { Input = inputs[0].Errors, Weights = w.Weights is null ? null : Array.ConvertAll(w.Weights, Math.Abs) }).Values;
        for (int i = 0; i < errors.Length; i++) errors[i] += carried[i] * (1 + ErrorBound.Factor(r.Roundings[i], s_u));
        return new NodeValue(r.Values, errors);
    }

    private static NodeValue Combine(NodeValue a, NodeValue b)
    {
        var (v, e) = (new double[a.Values.Length], new double[a.Values.Length]);
        for (int i = 0; i < v.Length; i++)
        {
            v[i] = a.Values[i] + b.Values[i];
            e[i] = Round(v[i], a.Errors[i] + b.Errors[i]);
        }

        return new NodeValue(v, e);
    }

    private static NodeValue Concat(ConvGraph graph, GraphNode node, IReadOnlyList<NodeValue> inputs)
    {
        long length = node.Shape.Product, pixels = node.Shape.Slice(2).Product;
        var (v, e) = (new double[length], new double[length]);
        long at = 0;
        for (int s = 0; s < inputs.Count; s++)
        {
            long c = graph.Nodes[node.Inputs[s]].Shape[1] * pixels;
            for (long n = 0; n < node.Shape[0]; n++)
            {
                Array.Copy(inputs[s].Values, n * c, v, (n * node.Shape[1] * pixels) + at, c);
                Array.Copy(inputs[s].Errors, n * c, e, (n * node.Shape[1] * pixels) + at, c);
            }

            at += c;
        }

        return new NodeValue(v, e);
    }

    private static NodeValue Activate(Activation f, NodeValue x)
    {
        var (v, e) = (new double[x.Values.Length], new double[x.Values.Length]);
        double slope = Epilogue.Lipschitz(f);
        for (int i = 0; i < v.Length; i++)
        {
            v[i] = Epilogue.Activate(f, x.Values[i]);
            e[i] = Round(v[i], (slope * x.Errors[i]) + ErrorBound.ActivationError(f, x.Values[i], v[i], s_u));
        }

        return new NodeValue(v, e);
    }

    private static NodeValue Scale(Dims shape, NodeValue x, NodeValue gate)
    {
        long pixels = shape.Slice(2).Product;
        var (v, e) = (new double[x.Values.Length], new double[x.Values.Length]);
        for (int i = 0; i < v.Length; i++)
        {
            double a = x.Values[i], g = gate.Values[i / pixels], ea = x.Errors[i], eg = gate.Errors[i / pixels];
            v[i] = a * g;
            e[i] = Round(v[i], (Math.Abs(g) * ea) + (Math.Abs(a) * eg) + (ea * eg));
        }

        return new NodeValue(v, e);
    }

    private static NodeValue Pool(PoolWindow w, Dims input, Dims output, NodeValue x)
    {
        var (v, e) = (new double[output.Product], new double[output.Product]);
        for (long flat = 0; flat < v.Length; flat++)
        {
            int count = 0;
            double largest = double.NegativeInfinity, sum = 0, magnitude = 0, error = 0, most = 0;
            foreach (long tap in Taps(w, input, output, flat))
            {
                double value = x.Values[tap];
                count++;
                largest = double.IsNaN(value) || double.IsNaN(largest) ? double.NaN : Math.Max(largest, value);
                sum += value;
                magnitude += Math.Abs(value);
                error += x.Errors[tap];
                most = Math.Max(most, x.Errors[tap]);
            }

            // Largest of perturbed elements: off by at most the largest perturbation. Mean: count additions, a division.
            v[flat] = w.Kind == PoolKind.Max ? largest : sum / count;
            e[flat] = w.Kind == PoolKind.Max ? most : Round(v[flat], ((error + (ErrorBound.Factor(count + 1, s_u) * (magnitude + error))) / count) + s_tiny);
        }

        return new NodeValue(v, e);
    }

    /// <summary>Flat indices of the input elements that the window of an output element covers.</summary>
    internal static IEnumerable<long> Taps(PoolWindow w, Dims input, Dims output, long flat)
    {
        int rank = w.Kernel.Count;
        var at = new long[rank];
        long rest = flat;
        for (int a = rank - 1; a >= 0; a--) (rest, at[a]) = Math.DivRem(rest, output[a + 2]);
        long plane = rest * input.Slice(2).Product;
        for (long k = 0; k < w.Kernel.Product; k++)
        {
            long left = k, index = 0, step = 1;
            bool inside = true;
            for (int a = rank - 1; a >= 0; a--)
            {
                (left, long tap) = Math.DivRem(left, w.Kernel[a]);
                long i = (at[a] * w.Strides[a]) - w.PadsBegin[a] + tap;
                inside &= i >= 0 && i < input[a + 2];
                index += i * step;
                step *= input[a + 2];
            }

            if (inside) yield return plane + index;
        }
    }

    // The rounding of a result that is already off by e.
    private static double Round(double value, double e) => e + (s_u * (Math.Abs(value) + e)) + s_tiny;
}
