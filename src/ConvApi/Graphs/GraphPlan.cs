using System.Diagnostics;
using ConvNative.Backends;
using ConvNative.Backends.Common;
using ConvNative.Backends.OneDnn;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs;

/// <summary>
/// A graph made ready on one engine, in f32: convolutions planned with what follows them fused, tensors between them channels-last in one
/// block of memory that is reused as soon as its contents are no longer needed. A run on spans allocates nothing. Not thread-safe.
/// </summary>
public sealed unsafe class GraphPlan : IDisposable
{
    private readonly Dictionary<string, ConvPlan> _plans = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unset = new(StringComparer.Ordinal);
    private readonly Runner[] _runners;
    private readonly nint[] _pointers;
    private readonly long[] _offsets;
    private readonly double[] _times;
    private readonly AlignedBuffer? _arena;
    private readonly int _threads;
    private readonly int _inputs;
    private bool _disposed;

    internal GraphPlan(ConvGraph graph, GraphOptions options)
    {
        (Graph, Options, _inputs) = (graph, options, graph.Inputs.Count());
        var lowering = new GraphLowering(graph, options.Layout, options.Separate);
        (Tensors, Steps) = (lowering.Tensors, lowering.Steps);
        _pointers = new nint[Tensors.Count];
        (_times, TimesSteps) = (new double[Steps.Count], options.TimeSteps);
        try
        {
            _runners = [.. Steps.Select(Prepare)];
            // Between two steps oneDNN's threads wait awake. Where our work cannot run on them, ours would only take their processors from them.
            bool beside = _plans.Values.Any(p => p.Threads > 1 && p.Backend == OneDnnBackend.BackendName) && OpenMpTeam.Instance is null;
            _threads = beside ? 1 : options.Plan.MaxThreads > 0 ? options.Plan.MaxThreads : WorkerPool.Shared.MaxThreads;
            (_offsets, ArenaBytes, LeastBytes) = GraphMemory.Place(Tensors, Steps, options.KeepAll, c => _plans[c.Node.Name].AddsInPlace);
            _arena = new AlignedBuffer(ArenaBytes);
        }
        catch
        {
            Dispose();
            throw;
        }

        for (int i = 0; i < _pointers.Length; i++)
            if (Tensors[i].Place == TensorPlace.Arena) _pointers[i] = (nint)_arena.Pointer + (nint)_offsets[i];
    }

    private delegate void Runner(GraphPlan plan);

    /// <summary>The graph.</summary>
    public ConvGraph Graph { get; }

    /// <summary>The options.</summary>
    public GraphOptions Options { get; }

    /// <summary>What is done, in order.</summary>
    public IReadOnlyList<GraphStep> Steps { get; }

    /// <summary>The tensors that steps read and write.</summary>
    public IReadOnlyList<GraphTensor> Tensors { get; }

    /// <summary>Bytes of the block that holds all tensors between the steps.</summary>
    public long ArenaBytes { get; }

    /// <summary>The most bytes of tensors that are alive in one step: no placement needs less.</summary>
    public long LeastBytes { get; }

    /// <summary>With <see cref="GraphOptions.TimeSteps"/>: the milliseconds that each of <see cref="Steps"/> took in the last run; else empty.</summary>
    public ReadOnlySpan<double> StepMilliseconds => TimesSteps ? _times : default;

    /// <summary>Runs are timed step by step: as the options say, but for a trial.</summary>
    internal bool TimesSteps { get; set; }

    /// <summary>
    /// Plans a graph. <c>auto</c> takes for each node the engine that <see cref="ConvPlan.Create"/> would; with <see cref="Tuning.Measure"/> also
    /// all nodes on one of these engines are tried, and the plan that is fastest as a whole is taken and remembered.
    /// </summary>
    /// <exception cref="NotSupportedException">The engine does not support a node; the message names it and has the reason.</exception>
    /// <exception cref="ConvNativeException">The engine is unavailable, or a native call failed.</exception>
    public static GraphPlan Create(ConvGraph graph, GraphOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        options ??= GraphOptions.Default;
        if (options.Layout == Layout.Any) throw new ArgumentException("layout = any: must be channels_first or channels_last", nameof(options));
        return options is { Backend: ConvPlan.Auto, Plan.Tuning: Tuning.Measure, Separate: false } ? GraphTuner.Fastest(graph, options) : new GraphPlan(graph, options);
    }

    /// <summary>The plan of the convolution called <paramref name="node"/>: which engine and kernel.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public ConvPlan PlanOf(string node) => _plans.TryGetValue(node, out ConvPlan? p) ? p : throw new ArgumentException($"node = {node}: {Graph.Name} has no such convolution", nameof(node));

    /// <summary>The plans of all convolutions.</summary>
    internal IReadOnlyCollection<ConvPlan> Plans => _plans.Values;

    /// <summary>Packs the weights and bias of a convolution (shapes as its problem says, channels-first); the caller's may go afterwards.</summary>
    /// <exception cref="ArgumentException">No such convolution, or a length is not exactly what its problem says.</exception>
    public void SetWeights(string node, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        PlanOf(node).SetWeights(weights, bias);
        _unset.Remove(node);
    }

    /// <summary>Runs a graph with one input and one output; both in <see cref="GraphOptions.Layout"/>, dense.</summary>
    /// <exception cref="ArgumentException">The graph has several, or a length is not exactly its shape's.</exception>
    /// <exception cref="InvalidOperationException">A convolution has no weights yet.</exception>
    public void Run(ReadOnlySpan<float> input, Span<float> output)
    {
        if (_inputs != 1 || Graph.Outputs.Count != 1) throw new ArgumentException($"{Graph.Name} has {_inputs} inputs and {Graph.Outputs.Count} outputs: give a list of each");
        fixed (float* x = input, y = output)
        {
            nint from = (nint)x, to = (nint)y;
            Run(new ReadOnlySpan<nint>(in from), [input.Length], new ReadOnlySpan<nint>(in to), [output.Length]);
        }
    }

    /// <summary>Runs a graph on tensors in <see cref="GraphOptions.Layout"/>, dense, inputs in the order of <see cref="ConvGraph.Inputs"/>.</summary>
    /// <exception cref="ArgumentException">There are more or fewer than the graph has, or a length is not exactly its shape's.</exception>
    /// <exception cref="InvalidOperationException">A convolution has no weights yet.</exception>
    public void Run(ReadOnlySpan<ReadOnlyMemory<float>> inputs, ReadOnlySpan<Memory<float>> outputs)
    {
        if (inputs.Length != _inputs || outputs.Length != Graph.Outputs.Count)
            throw new ArgumentException($"{inputs.Length} inputs and {outputs.Length} outputs: {Graph.Name} has {_inputs} and {Graph.Outputs.Count}");
        var pins = new System.Buffers.MemoryHandle[inputs.Length + outputs.Length];
        try
        {
            var pointers = new nint[pins.Length];
            var lengths = new int[pins.Length];
            for (int i = 0; i < pins.Length; i++)
            {
                ReadOnlyMemory<float> m = i < inputs.Length ? inputs[i] : outputs[i - inputs.Length];
                pins[i] = m.Pin();
                (pointers[i], lengths[i]) = ((nint)pins[i].Pointer, m.Length);
            }

            Run(pointers.AsSpan(0, inputs.Length), lengths.AsSpan(0, inputs.Length), pointers.AsSpan(inputs.Length), lengths.AsSpan(inputs.Length));
        }
        finally
        {
            foreach (System.Buffers.MemoryHandle pin in pins) pin.Dispose();
        }
    }

    /// <summary>With <see cref="GraphOptions.KeepAll"/>: a tensor of the last run that lies in the plan's own memory, in its own layout.</summary>
    /// <exception cref="InvalidOperationException">The plan does not keep its tensors, or this one is the caller's.</exception>
    public ReadOnlySpan<float> Tensor(int index)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!Options.KeepAll || Tensors[index].Place != TensorPlace.Arena) throw new InvalidOperationException($"tensor {index} of {Graph.Name} is not kept: plan with KeepAll, and ask for tensors in the arena");
        return new ReadOnlySpan<float>((void*)_pointers[index], checked((int)Tensors[index].Length));
    }

    /// <summary>After a trial on random weights: a run must not use them.</summary>
    internal void ForgetWeights()
    {
        foreach ((string node, ConvPlan plan) in _plans)
            if (plan.NeedsWeights)
            {
                plan.ForgetWeights();
                _unset.Add(node);
            }
    }

    /// <summary>Where a tensor lies in the arena, in bytes.</summary>
    internal long OffsetOf(int tensor) => _offsets[tensor];

    /// <summary>The tensor of a node in a layout, for a plan whose nodes are separate.</summary>
    internal int TensorOf(int node, Layout layout)
    {
        for (int i = 0; i < Tensors.Count; i++)
            if (Tensors[i].Node == node && Tensors[i].Place == TensorPlace.Arena && Tensors[i].Layout == layout) return i;
        return TensorOf(node, Layout.ChannelsLast);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (ConvPlan p in _plans.Values) p.Dispose();
        _arena?.Dispose();
    }

    private void Run(ReadOnlySpan<nint> inputs, ReadOnlySpan<int> inputLengths, ReadOnlySpan<nint> outputs, ReadOnlySpan<int> outputLengths)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_unset.Count > 0) throw new InvalidOperationException($"SetWeights must be called for {string.Join(", ", _unset.Order(StringComparer.Ordinal))} before {Graph.Name} runs");
        for (int i = 0; i < Tensors.Count; i++)
        {
            GraphTensor t = Tensors[i];
            if (t.Place == TensorPlace.Arena) continue;
            bool input = t.Place == TensorPlace.Input;
            ReadOnlySpan<int> lengths = input ? inputLengths : outputLengths;
            if (t.Argument >= lengths.Length || lengths[t.Argument] != t.Length)
                throw new ArgumentException($"{(input ? "input" : "output")} {t.Argument} = {(t.Argument < lengths.Length ? lengths[t.Argument] : 0)} elements: must be exactly {t.Length}, shape {t.Shape} of {Graph.Nodes[t.Node].Name}");
            _pointers[i] = (input ? inputs : outputs)[t.Argument];
        }

        if (TimesSteps) RunTimed();
        else foreach (Runner run in _runners) run(this);
        GC.KeepAlive(this);
    }

    private void RunTimed()
    {
        long at = Stopwatch.GetTimestamp();
        for (int i = 0; i < _runners.Length; i++)
        {
            _runners[i](this);
            long now = Stopwatch.GetTimestamp();
            _times[i] = Stopwatch.GetElapsedTime(at, now).TotalMilliseconds;
            at = now;
        }
    }

    private Runner Prepare(GraphStep step)
    {
        Dims shape = Tensors[step.Output].Shape;
        int output = step.Output;
        switch (step)
        {
            case ConvStep c:
                return Convolution(c);
            case PoolStep p:
                var pool = new PoolNeighbour(p.Window, Tensors[p.Input].Shape, shape);
                return g =>
                {
                    pool.Source = g.At(p.Input);
                    pool.Target = g.At(output);
                    pool.Run(g._threads);
                };
            case ShuffleStep s:
                var shuffle = new ShuffleNeighbour(shape, s.Groups, s.Activation);
                return g =>
                {
                    shuffle.Source = g.At(s.Input);
                    shuffle.Target = g.At(output);
                    shuffle.Run(g._threads);
                };
            case ConcatStep c:
                var concat = new ConcatNeighbour([.. c.Inputs.Select(i => checked((int)Tensors[i].Shape[1]))], shape[0] * shape.Slice(2).Product, c.Activation);
                return g =>
                {
                    for (int i = 0; i < c.Inputs.Count; i++) concat.Sources[i] = g._pointers[c.Inputs[i]];
                    concat.Target = g.At(output);
                    concat.Run(g._threads);
                };
            case ElementStep e:
                var elements = new ElementNeighbour(e.Activation, shape, e.Gate >= 0);
                return g =>
                {
                    elements.Source = g.At(e.Input);
                    elements.Gate = g.At(e.Gate);
                    elements.Addend = g.At(e.Addend);
                    elements.Target = g.At(output);
                    elements.Run(g._threads);
                };
            default:
                int input = step.Reads[0];
                var reorder = new ReorderNeighbour(shape, Tensors[input].Layout, Tensors[output].Layout);
                return g =>
                {
                    reorder.Source = g.At(input);
                    reorder.Target = g.At(output);
                    reorder.Run(g._threads);
                };
        }
    }

    private Runner Convolution(ConvStep c)
    {
        string name = c.Node.Name;
        PlanResult made = EngineSelector.Create(c.Problem, Options.Plan, Options.Backend, Options.Engines);
        ConvPlan plan = made.Plan ?? throw new NotSupportedException($"{Graph.Name}, node {name} ({c.Problem}): {made.Reason}");
        _plans.Add(name, plan);
        if (plan.NeedsWeights) _unset.Add(name);
        return g => plan.ExecuteChecked(new ConvArguments
        {
            Input = g.Bytes(c.Input),
            Offset = g.Bytes(c.Offset),
            Mask = g.Bytes(c.Mask),
            Residual = g.Bytes(c.Residual),
            Result = g.Bytes(c.Output),
        });
    }

    private float* At(int tensor) => tensor < 0 ? null : (float*)_pointers[tensor];

    private Span<byte> Bytes(int tensor) => tensor < 0 ? default : new Span<byte>((void*)_pointers[tensor], checked((int)(Tensors[tensor].Length * sizeof(float))));
}
