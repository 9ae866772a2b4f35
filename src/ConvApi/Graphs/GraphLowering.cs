using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs;

/// <summary>
/// Turns nodes into steps: what follows a convolution alone is fused into it, tensors between steps are channels-last (offsets and masks
/// channels-first, as the engines want them), and layouts change only where they must.
/// </summary>
internal sealed class GraphLowering
{
    private readonly ConvGraph _graph;
    private readonly Layout _outside;
    private readonly bool _separate;
    private readonly List<GraphTensor> _tensors = [];
    private readonly List<GraphStep> _steps = [];
    private readonly Dictionary<(int Node, Layout Layout), int> _known = [];
    private readonly bool[] _fused;

    public GraphLowering(ConvGraph graph, Layout outside, bool separate)
    {
        (_graph, _outside, _separate) = (graph, outside, separate);
        _fused = new bool[graph.Nodes.Count];
        int input = 0;
        foreach (InputNode n in graph.Inputs)
        {
            int given = NewTensor(new GraphTensor(n.Id, n.Shape, outside, TensorPlace.Input, input++));
            if (separate) _steps.Add(new ReorderStep(given, Write(n.Id, Layout.ChannelsLast)));
            else _known[(n.Id, outside)] = given;
        }

        foreach (GraphNode n in graph.Nodes)
        {
            if (!_fused[n.Id]) Lower(n);
        }

        for (int i = 0; i < graph.Outputs.Count; i++)
        {
            int node = graph.Outputs[i];
            if (_tensors.Exists(t => t.Place == TensorPlace.Output && t.Argument == i)) continue;
            int source = _known.TryGetValue((node, outside), out int same) ? same : _known.First(k => k.Key.Node == node).Value;
            _steps.Add(new ReorderStep(source, NewTensor(new GraphTensor(node, graph.Nodes[node].Shape, outside, TensorPlace.Output, i))));
        }
    }

    public IReadOnlyList<GraphTensor> Tensors => _tensors;

    public IReadOnlyList<GraphStep> Steps => _steps;

    private void Lower(GraphNode n)
    {
        switch (n)
        {
            case ConvNode { Problem.Op: ConvOp.ChannelShuffle } c:
                int shuffled = Activated(c.Id, out Activation after);
                _steps.Add(new ShuffleStep(c.Problem.Groups, after, Read(c.Inputs[0], Layout.ChannelsLast), Write(shuffled, Layout.ChannelsLast)));
                return;
            case ConvNode c:
                Convolution(c);
                return;
            case PoolNode p:
                _steps.Add(new PoolStep(p.Window, Read(p.Inputs[0], Layout.ChannelsLast), Write(p.Id, Layout.ChannelsLast)));
                return;
            case ConcatNode c:
                int joined = Activated(c.Id, out Activation then);
                _steps.Add(new ConcatStep([.. c.Inputs.Select(i => Read(i, Layout.ChannelsLast))], then, Write(joined, Layout.ChannelsLast)));
                return;
            case ChannelScaleNode or AddNode or ActivationNode:
                Elements(n);
                return;
        }
    }

    private void Convolution(ConvNode c)
    {
        int last = c.Id, residual = -1;
        if (Only(last) is AddNode add && add.Inputs[0] != add.Inputs[1])
        {
            int other = add.Inputs[0] == c.Id ? add.Inputs[1] : add.Inputs[0];
            // Its value must be there when this convolution runs; else the other one, coming later, takes this one as its residual.
            if (IsThere(other))
            {
                residual = other;
                last = Fuse(add.Id);
            }
        }

        last = Activated(last, out Activation activation);
        Layout output = OutputLayout(last);
        ConvProblem p = c.Problem;
        // The input is read as it lies; a fold reads columns, whose channels-last order is that of the unfolded tensor.
        int input = Any(c.Inputs[0]);
        Layout layout = _tensors[input].Layout;
        var step = new ConvStep(
            c,
            p.With(s => s with { InputLayout = layout, OutputLayout = output, PostOps = new PostOps(residual >= 0, residual >= 0 ? 1 : 0, activation) }),
            input,
            c.Inputs.Count > 1 ? Read(c.Inputs[1], Layout.ChannelsFirst) : -1,
            c.Inputs.Count > 2 ? Read(c.Inputs[2], Layout.ChannelsFirst) : -1,
            residual < 0 ? -1 : Read(residual, output),
            0);
        _steps.Add(step with { Output = Write(last, output) });
    }

    private void Elements(GraphNode n)
    {
        (int input, int gate, int addend, int last) = (n.Inputs[0], -1, -1, n.Id);
        Activation activation = n is ActivationNode a ? a.Activation : Activation.None;
        if (n is ChannelScaleNode)
        {
            gate = n.Inputs[1];
            if (Only(last) is AddNode add && add.Inputs[0] != add.Inputs[1] && IsThere(add.Inputs[0] == last ? add.Inputs[1] : add.Inputs[0]))
            {
                addend = add.Inputs[0] == last ? add.Inputs[1] : add.Inputs[0];
                last = Fuse(add.Id);
            }
        }

        if (n is AddNode) addend = n.Inputs[1];
        if (n is not ActivationNode) last = Activated(last, out activation);
        _steps.Add(new ElementStep(
            Read(input, Layout.ChannelsLast), gate < 0 ? -1 : Read(gate, Layout.ChannelsLast), addend < 0 ? -1 : Read(addend, Layout.ChannelsLast), activation, Write(last, Layout.ChannelsLast)));
    }

    /// <summary>The one node that reads <paramref name="id"/>, or null where there are several or the caller wants the value too.</summary>
    private GraphNode? Only(int id)
    {
        if (_separate || _graph.Outputs.Contains(id)) return null;
        GraphNode[] readers = [.. _graph.Readers(id)];
        return readers.Length == 1 ? readers[0] : null;
    }

    /// <summary>The activation that alone reads <paramref name="id"/>, fused, and its node; else <paramref name="id"/> and none.</summary>
    private int Activated(int id, out Activation activation)
    {
        activation = Only(id) is ActivationNode a ? a.Activation : Activation.None;
        return Only(id) is ActivationNode act ? Fuse(act.Id) : id;
    }

    private int Fuse(int id)
    {
        _fused[id] = true;
        return id;
    }

    private bool IsThere(int node) => _known.Keys.Any(k => k.Node == node);

    private Layout OutputLayout(int node)
    {
        if (_separate) return Layout.ChannelsLast;
        GraphNode[] readers = [.. _graph.Readers(node)];
        if (readers.Length == 0) return _outside;
        // A convolution's second and third inputs are offsets and mask.
        return readers.All(r => r is ConvNode && r.Inputs[0] != node) ? Layout.ChannelsFirst : Layout.ChannelsLast;
    }

    private int Write(int node, Layout layout)
    {
        Dims shape = _graph.Nodes[node].Shape;
        int argument = -1;
        if (!_separate && (layout == _outside || Same(shape)))
            for (int i = 0; i < _graph.Outputs.Count && argument < 0; i++)
                if (_graph.Outputs[i] == node) argument = i;
        int index = NewTensor(new GraphTensor(node, shape, layout, argument < 0 ? TensorPlace.Arena : TensorPlace.Output, argument));
        _known[(node, layout)] = index;
        return index;
    }

    private int Any(int node) => _known.TryGetValue((node, Layout.ChannelsLast), out int last) ? last : _known[(node, Layout.ChannelsFirst)];

    private int Read(int node, Layout layout)
    {
        if (_known.TryGetValue((node, layout), out int known)) return known;
        int source = Any(node);
        if (Same(_tensors[source].Shape)) return source;
        int index = NewTensor(_tensors[source] with { Layout = layout, Place = TensorPlace.Arena, Argument = -1 });
        _steps.Add(new ReorderStep(source, index));
        _known[(node, layout)] = index;
        return index;
    }

    // One channel or one position: both layouts are the same memory.
    private static bool Same(Dims shape) => shape[1] == 1 || shape.Slice(2).Product == 1;

    private int NewTensor(GraphTensor tensor)
    {
        _tensors.Add(tensor);
        return _tensors.Count - 1;
    }
}
