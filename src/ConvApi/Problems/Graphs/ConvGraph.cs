namespace ConvNative.Problems.Graphs;

/// <summary>
/// A small acyclic graph of convolutions and their neighbours, complete and valid; made by <see cref="GraphBuilder"/>. Immutable. It
/// says what is computed; weights are given to what computes it.
/// </summary>
public sealed class ConvGraph
{
    internal ConvGraph(string name, IReadOnlyList<GraphNode> nodes, IReadOnlyList<int> outputs) => (Name, Nodes, Outputs) = (name, nodes, outputs);

    /// <summary>For reports.</summary>
    public string Name { get; }

    /// <summary>All nodes, each after those that it reads.</summary>
    public IReadOnlyList<GraphNode> Nodes { get; }

    /// <summary>The nodes whose tensors the caller wants.</summary>
    public IReadOnlyList<int> Outputs { get; }

    /// <summary>The tensors that the caller gives.</summary>
    public IEnumerable<InputNode> Inputs => Nodes.OfType<InputNode>();

    /// <summary>The convolutions.</summary>
    public IEnumerable<ConvNode> Convolutions => Nodes.OfType<ConvNode>();

    /// <summary>Weights and biases of all convolutions.</summary>
    public long Parameters => Nodes.Sum(n => n.Parameters);

    /// <summary>Weights of all convolutions: what the literature counts.</summary>
    public long Weights => Convolutions.Sum(n => n.Problem.WeightCount);

    /// <summary>Multiply-adds of all convolutions.</summary>
    public long MultiplyAdds => Nodes.Sum(n => n.MultiplyAdds);

    /// <summary>The node called <paramref name="name"/>.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public GraphNode this[string name] => Nodes.FirstOrDefault(n => n.Name == name) ?? throw new ArgumentException($"name = {name}: {Name} has no such node", nameof(name));

    /// <summary>The nodes that read <paramref name="id"/>, in order, twice where they read it twice.</summary>
    public IEnumerable<GraphNode> Readers(int id) => Nodes.SelectMany(n => n.Inputs.Where(i => i == id).Select(_ => n));

    /// <summary>
    /// Input positions along each spatial axis that one element of <paramref name="node"/> depends on, the widest path from any input. With
    /// j the product of the strides before it, a window of extent e adds (e-1)*j (Araujo, Norris and Sim, Computing Receptive Fields of
    /// Convolutional Neural Networks, Distill 2019).
    /// </summary>
    /// <exception cref="NotSupportedException">A transposed or deformable convolution or a fold lies on the way: its field is no box of one size.</exception>
    public Dims ReceptiveField(int node)
    {
        int rank = Nodes[node].Shape.Count - 2;
        var field = new long[Nodes.Count][];
        var jump = new long[Nodes.Count][];
        for (int id = 0; id <= node; id++)
        {
            GraphNode n = Nodes[id];
            field[id] = [.. Dims.Repeat(1, rank)];
            jump[id] = [.. Dims.Repeat(1, rank)];
            foreach (int source in n.Inputs)
                for (int a = 0; a < rank; a++)
                {
                    (long extent, long stride) = Window(n, a);
                    field[id][a] = Math.Max(field[id][a], checked(field[source][a] + ((extent - 1) * jump[source][a])));
                    jump[id][a] = Math.Max(jump[id][a], checked(jump[source][a] * stride));
                }
        }

        return Dims.Create(field[node]);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Nodes.Count} nodes, {Parameters:N0} parameters, {MultiplyAdds:N0} multiply-adds";

    private static (long Extent, long Stride) Window(GraphNode node, int axis) => node switch
    {
        ConvNode { Problem.Op: ConvOp.Correlation or ConvOp.Convolution } c => (ConvGeometry.Extent(c.Problem.Kernel[axis], c.Problem.Dilations[axis]), c.Problem.Strides[axis]),
        ConvNode { Problem.Op: ConvOp.ChannelShuffle } => (1, 1),
        ConvNode c => throw new NotSupportedException($"{c.Name} ({c.Description}) has no receptive field of one size"),
        PoolNode p => (p.Window.Kernel[axis], p.Window.Strides[axis]),
        _ => (1, 1),
    };
}
