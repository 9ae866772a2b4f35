using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Threads;
using ConvNative.Graphs.Neighbours;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs;

/// <summary>
/// A graph with its gradients on one engine, in f32: a forward run that keeps the tensor of every node, then a backward run that gives the
/// gradients of inputs, weights and biases. Nothing is fused. Not thread-safe.
/// </summary>
public sealed unsafe class GraphGradients : IDisposable
{
    private readonly GraphPlan _forward;
    private readonly List<ConvPlan> _plans = [];
    private readonly Dictionary<string, Parameters> _parameters = new(StringComparer.Ordinal);
    private readonly List<Action> _steps = [];
    private readonly bool[] _begun;
    private readonly AlignedBuffer? _memory;
    private readonly long[] _offsets;
    private readonly long _scratch;
    private readonly int _threads;
    private bool _hasRun;
    private bool _hasGradients;
    private bool _disposed;

    private GraphGradients(ConvGraph graph, GraphOptions options)
    {
        _forward = GraphPlan.Create(graph, options with { KeepAll = true, Separate = true });
        _threads = options.Plan.MaxThreads > 0 ? ConvThreads.Of(options.Plan.MaxThreads) : WorkerPool.Shared.MaxThreads;
        _begun = new bool[graph.Nodes.Count];
        _offsets = new long[graph.Nodes.Count];
        long at = 0;
        foreach (GraphNode n in graph.Nodes)
        {
            _offsets[n.Id] = at;
            at += Rounded(n.Shape.Product);
        }

        // Two tensors beside: what a node passes on before it is added, and the same in the other layout.
        _scratch = at;
        long largest = graph.Nodes.Max(n => Rounded(n.Shape.Product));
        try
        {
            _memory = new AlignedBuffer(checked((at + (2 * largest)) * sizeof(float)));
            for (int id = graph.Nodes.Count - 1; id >= 0; id--) Prepare(graph.Nodes[id], _scratch + largest);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The graph.</summary>
    public ConvGraph Graph => _forward.Graph;

    /// <summary>Plans a graph and its gradients; of the options, <see cref="GraphOptions.KeepAll"/> is not read.</summary>
    /// <exception cref="NotSupportedException">The engine does not support a direction of a node; the message names it and has the reason.</exception>
    /// <exception cref="ConvNativeException">The engine is unavailable, or a native call failed.</exception>
    public static GraphGradients Create(ConvGraph graph, GraphOptions? options = null) => new(graph, options ?? GraphOptions.Default);

    /// <summary>See <see cref="GraphPlan.SetWeights"/>; before each run in which they changed.</summary>
    /// <exception cref="ArgumentException">No such convolution, or a length is not exactly what its problem says.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public void SetWeights(string node, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _forward.SetWeights(node, weights, bias);
        foreach (ConvPlan p in ParametersOf(node).Readers) p.SetWeights(weights);
    }

    /// <summary>See <see cref="GraphPlan.Run(ReadOnlySpan{ReadOnlyMemory{float}}, ReadOnlySpan{Memory{float}})"/>; keeps what <see cref="Backward"/> needs.</summary>
    /// <exception cref="ArgumentException">There are more or fewer than the graph has, a length is not exactly its shape's, or an output overlaps another tensor.</exception>
    /// <exception cref="InvalidOperationException">A convolution has no weights yet.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public void Forward(ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _hasRun = false;
        _forward.Run(inputs, outputs);
        _hasRun = true;
    }

    /// <summary>
    /// From the gradients of the outputs those of the inputs (both dense, in the layout and order of the forward run) and of all weights and
    /// biases, at the point of the last forward run.
    /// </summary>
    /// <exception cref="ArgumentException">There are more or fewer than the graph has, a length is not exactly its shape's, or two input gradients overlap.</exception>
    /// <exception cref="InvalidOperationException">There was no forward run, or the last one failed.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public void Backward(ReadOnlySpan<ReadOnlyMemory<float>> outputGradients, ReadOnlySpan<Memory<float>> inputGradients)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        InputNode[] inputs = [.. Graph.Inputs];
        if (outputGradients.Length != Graph.Outputs.Count) throw new ArgumentException($"output gradients = {outputGradients.Length}: {Graph.Name} has {Graph.Outputs.Count} outputs");
        if (inputGradients.Length != inputs.Length) throw new ArgumentException($"input gradients = {inputGradients.Length}: {Graph.Name} has {inputs.Length} inputs");
        for (int i = 0; i < inputs.Length; i++) Check("input gradient", i, inputGradients[i].Length, inputs[i]);
        for (int o = 0; o < outputGradients.Length; o++) Check("output gradient", o, outputGradients[o].Length, Graph.Nodes[Graph.Outputs[o]]);
        for (int i = 0; i < inputGradients.Length; i++)
            for (int j = 0; j < i; j++)
                if (inputGradients[i].Span.Overlaps(inputGradients[j].Span)) throw new ArgumentException($"input gradient {i} overlaps input gradient {j}: a result must not share memory with another tensor ({Graph.Name})");
        if (!_hasRun) throw new InvalidOperationException($"Forward must run before Backward ({Graph.Name}): the gradients are taken at its values");
        Array.Clear(_begun);
        for (int o = 0; o < outputGradients.Length; o++)
        {
            int node = Graph.Outputs[o];
            using System.Buffers.MemoryHandle pin = outputGradients[o].Pin();
            Give(node, to => Reorder(Graph.Nodes[node].Shape, (float*)pin.Pointer, _forward.Options.Layout, to, Layout.ChannelsLast));
        }

        foreach (Action step in _steps) step();
        for (int i = 0; i < inputs.Length; i++)
        {
            using System.Buffers.MemoryHandle pin = inputGradients[i].Pin();
            Reorder(inputs[i].Shape, At(inputs[i].Id), Layout.ChannelsLast, (float*)pin.Pointer, _forward.Options.Layout);
        }

        _hasGradients = true;
        GC.KeepAlive(this);
    }

    /// <summary>The gradient of a convolution's weights after <see cref="Backward"/>, in the order of its weights.</summary>
    /// <exception cref="ArgumentException">There is no such convolution.</exception>
    /// <exception cref="InvalidOperationException">There was no backward run.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public ReadOnlySpan<float> WeightGradient(string node) => Of(node).Weights;

    /// <summary>The gradient of a convolution's bias after <see cref="Backward"/>; empty without one.</summary>
    /// <exception cref="ArgumentException">There is no such convolution.</exception>
    /// <exception cref="InvalidOperationException">There was no backward run.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public ReadOnlySpan<float> BiasGradient(string node) => Of(node).Bias;

    /// <summary>The value of a node in the last forward run, channels-last.</summary>
    /// <exception cref="InvalidOperationException">There was no forward run, or the last one failed.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public ReadOnlySpan<float> Value(int node)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _hasRun ? ValueOf(node) : throw new InvalidOperationException($"Forward must run before its values are read ({Graph.Name})");
    }

    private ReadOnlySpan<float> ValueOf(int node) => _forward.Tensor(_forward.TensorOf(node, Layout.ChannelsLast));

    /// <summary>The gradient of a node's value after <see cref="Backward"/>, channels-last.</summary>
    /// <exception cref="InvalidOperationException">There was no backward run.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public ReadOnlySpan<float> Gradient(int node)
    {
        ThrowUnlessThere();
        return new ReadOnlySpan<float>(At(node), checked((int)Graph.Nodes[node].Shape.Product));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (ConvPlan p in _plans) p.Dispose();
        _forward.Dispose();
        _memory?.Dispose();
    }

    private static long Rounded(long length) => (length + 15) / 16 * 16;

    private void Prepare(GraphNode node, long second)
    {
        switch (node)
        {
            case ConvNode c:
                Convolution(c, second);
                return;
            case AddNode:
                foreach (int i in node.Inputs) Step(node, i, to => Span(node.Id).CopyTo(new Span<float>(to, checked((int)node.Shape.Product))));
                return;
            case ConcatNode:
                int before = 0;
                foreach (int i in node.Inputs)
                {
                    (int from, int own, int all) = (before, checked((int)Graph.Nodes[i].Shape[1]), checked((int)node.Shape[1]));
                    long pixels = node.Shape[0] * node.Shape.Slice(2).Product;
                    Step(node, i, to =>
                    {
                        for (long p = 0; p < pixels; p++) new ReadOnlySpan<float>(At(node.Id) + (p * all) + from, own).CopyTo(new Span<float>(to + (p * own), own));
                    });
                    before += own;
                }

                return;
            case ActivationNode a:
                int source = a.Inputs[0];
                Step(node, source, to => ActivationGradient.Run(a.Activation, ValueOf(source), Span(node.Id), new Span<float>(to, checked((int)node.Shape.Product))));
                return;
            case PoolNode p:
                var pool = new PoolGradient(p.Window, Graph.Nodes[p.Inputs[0]].Shape, p.Shape);
                Step(node, p.Inputs[0], to =>
                {
                    fixed (float* x = ValueOf(p.Inputs[0])) pool.Run(x, At(node.Id), to, _threads);
                });
                return;
            case ChannelScaleNode:
                Scale(node);
                return;
        }
    }

    private void Scale(GraphNode node)
    {
        (int x, int gate) = (node.Inputs[0], node.Inputs[1]);
        (int channels, long pixels) = (checked((int)node.Shape[1]), node.Shape.Slice(2).Product);
        Step(node, x, to =>
        {
            for (long p = 0; p < node.Shape[0] * pixels; p++)
                TensorPrimitives.Multiply(Row(Span(node.Id), p), Row(ValueOf(gate), p / pixels), new Span<float>(to + (p * channels), channels));
        });
        Step(node, gate, to =>
        {
            var sums = new Span<float>(to, checked((int)(node.Shape[0] * channels)));
            sums.Clear();
            for (long p = 0; p < node.Shape[0] * pixels; p++)
            {
                Span<float> sum = sums.Slice((int)(p / pixels) * channels, channels);
                TensorPrimitives.MultiplyAdd(Row(Span(node.Id), p), Row(ValueOf(x), p), sum, sum);
            }
        });

        ReadOnlySpan<float> Row(ReadOnlySpan<float> of, long at) => of.Slice(checked((int)(at * channels)), channels);
    }

    private void Convolution(ConvNode c, long second)
    {
        var own = new Parameters();
        _parameters.Add(c.Name, own);
        int offset = c.Inputs.Count > 1 ? _forward.TensorOf(c.Inputs[1], Layout.ChannelsFirst) : -1, mask = c.Inputs.Count > 2 ? _forward.TensorOf(c.Inputs[2], Layout.ChannelsFirst) : -1;
        ConvPlan data = Plan(c, Direction.BackwardData);
        if (data.NeedsWeights) own.Readers.Add(data);
        Step(c, c.Inputs[0], to => data.Execute(new ConvArguments
        {
            Offset = Bytes(offset),
            Mask = Bytes(mask),
            OutputGradient = Bytes(c.Id, At(c.Id)),
            Result = Bytes(c.Inputs[0], to),
        }));
        if (offset >= 0) Sampling(c, Direction.BackwardOffset, c.Inputs[1], own, offset, mask, second);
        if (mask >= 0) Sampling(c, Direction.BackwardMask, c.Inputs[2], own, offset, mask, second);
        if (!c.Problem.HasWeights) return;
        ConvPlan weights = Plan(c, Direction.BackwardWeights);
        own.Weights = new float[c.Problem.WeightCount];
        own.Bias = new float[c.Problem.HasBias ? c.Problem.OutputChannels : 0];
        _steps.Add(() =>
        {
            if (!_begun[c.Id])
            {
                Array.Clear(own.Weights);
                Array.Clear(own.Bias);
                return;
            }

            weights.Execute(new ConvArguments
            {
                Input = MemoryMarshal.AsBytes(ValueOf(c.Inputs[0])),
                Offset = Bytes(offset),
                Mask = Bytes(mask),
                OutputGradient = Bytes(c.Id, At(c.Id)),
                Result = MemoryMarshal.AsBytes(own.Weights.AsSpan()),
                BiasResult = MemoryMarshal.AsBytes(own.Bias.AsSpan()),
            });
        });
    }

    private void Sampling(ConvNode c, Direction direction, int input, Parameters own, int offset, int mask, long second)
    {
        ConvPlan plan = Plan(c, direction);
        own.Readers.Add(plan);
        Step(c, input, to =>
        {
            // Offsets and masks are channels-first for the engines.
            float* first = (float*)_memory!.Pointer + second;
            plan.Execute(new ConvArguments
            {
                Input = MemoryMarshal.AsBytes(ValueOf(c.Inputs[0])),
                Offset = Bytes(offset),
                Mask = Bytes(mask),
                OutputGradient = Bytes(c.Id, At(c.Id)),
                Result = Bytes(input, first),
            });
            Reorder(Graph.Nodes[input].Shape, first, Layout.ChannelsFirst, to, Layout.ChannelsLast);
        });
    }

    private ConvPlan Plan(ConvNode c, Direction direction)
    {
        ConvProblem p = c.Problem.With(s => s with
        {
            Direction = direction,
            InputLayout = Layout.ChannelsLast,
            OutputLayout = Layout.ChannelsLast,
            HasBias = s.HasBias && direction == Direction.BackwardWeights,
        });
        PlanResult made = ConvPlan.TryCreate(p, _forward.Options.Plan, _forward.Options.Backend);
        ConvPlan plan = made.Plan ?? throw new NotSupportedException($"{Graph.Name}, node {c.Name} ({p}): {made.Reason}");
        _plans.Add(plan);
        return plan;
    }

    /// <summary>A step that passes the gradient of <paramref name="node"/> on to <paramref name="input"/>, where it has any.</summary>
    private void Step(GraphNode node, int input, Writer write) => _steps.Add(() =>
    {
        if (_begun[node.Id]) Give(input, write);
        else Begin(input);
    });

    private void Give(int node, Writer write)
    {
        if (!_begun[node])
        {
            write(At(node));
            _begun[node] = true;
            return;
        }

        float* part = (float*)_memory!.Pointer + _scratch;
        write(part);
        var sum = new Span<float>(At(node), checked((int)Graph.Nodes[node].Shape.Product));
        TensorPrimitives.Add(sum, new ReadOnlySpan<float>(part, sum.Length), sum);
    }

    // No output depends on it so far: zeros, over which the first that does depend writes.
    private void Begin(int node)
    {
        if (!_begun[node]) new Span<float>(At(node), checked((int)Graph.Nodes[node].Shape.Product)).Clear();
    }

    private void Reorder(Dims shape, float* from, Layout layout, float* to, Layout other) =>
        new ReorderNeighbour(shape, layout, other) { Source = from, Target = to }.Run(_threads);

    private void ThrowUnlessThere()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_hasGradients) throw new InvalidOperationException($"Backward must run before its gradients are read ({Graph.Name})");
    }

    private Parameters Of(string node)
    {
        ThrowUnlessThere();
        return ParametersOf(node);
    }

    private Parameters ParametersOf(string node) => _parameters.TryGetValue(node, out Parameters? p) ? p : throw new ArgumentException($"node = {node}: {Graph.Name} has no such convolution", nameof(node));

    private static void Check(string what, int index, int length, GraphNode node)
    {
        if (length != node.Shape.Product) throw new ArgumentException($"{what} {index} = {length} elements: must be exactly {node.Shape.Product}, shape {node.Shape} of {node.Name}");
    }

    private float* At(int node) => (float*)_memory!.Pointer + _offsets[node];

    private ReadOnlySpan<float> Span(int node) => new(At(node), checked((int)Graph.Nodes[node].Shape.Product));

    private Span<byte> Bytes(int node, float* at) => new(at, checked((int)(Graph.Nodes[node].Shape.Product * sizeof(float))));

    private ReadOnlySpan<byte> Bytes(int tensor) => tensor < 0 ? default : MemoryMarshal.AsBytes(_forward.Tensor(tensor));

    private delegate void Writer(float* to);

    private sealed class Parameters
    {
        public float[] Weights { get; set; } = [];

        public float[] Bias { get; set; } = [];

        /// <summary>Those of its plans that read the weights.</summary>
        public List<ConvPlan> Readers { get; } = [];
    }
}
