using ConvNative.Backends;
using ConvNative.Backends.Choices;
using ConvNative.Backends.Common.Threads;
using ConvNative.Backends.OneDnn;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs;

/// <summary>
/// A graph made ready on one engine, in f32: convolutions planned with what follows them fused, tensors between them channels-last in one
/// block of memory that is reused as soon as its contents are no longer needed. A run on spans allocates nothing once warm. Any number of threads may
/// run, set weights and dispose at once, as of a <see cref="ConvPlan"/>: each run has a block of <see cref="ArenaBytes"/> of its own, at most as many
/// as there are processors. A plan that keeps its tensors takes runs one after the other.
/// </summary>
public sealed unsafe class GraphPlan : IDisposable
{
    private readonly Dictionary<string, ConvPlan> _plans = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unset = new(StringComparer.Ordinal);
    private readonly LaneGate<GraphLane> _gate;
    private readonly Action<IHosted>? _host;
    private readonly long[] _offsets;
    private readonly double[] _times;
    private readonly int _inputs;
    private volatile int _lacking;

    internal GraphPlan(ConvGraph graph, GraphOptions options)
    {
        (Graph, Options, _inputs) = (graph, options, graph.Inputs.Count());
        var lowering = new GraphLowering(graph, options.Layout, options.Separate);
        (Tensors, Steps) = (lowering.Tensors, lowering.Steps);
        (_times, TimesSteps) = (new double[Steps.Count], options.TimeSteps);
        try
        {
            foreach (ConvStep c in Steps.OfType<ConvStep>()) Plan(c);
            _lacking = _unset.Count;
            _host = _plans.Values.Select(p => p.Host).FirstOrDefault(h => h is not null);

            // Between two steps oneDNN's threads wait awake. Where our work cannot run on them, ours would only take their processors from them.
            bool beside = _plans.Values.Any(p => p.Threads > 1 && p.Backend == OneDnnBackend.BackendName) && OpenMpTeam.Instance is null;
            Threads = beside ? 1 : options.Plan.MaxThreads > 0 ? ConvThreads.Of(options.Plan.MaxThreads) : WorkerPool.Shared.MaxThreads;
            (_offsets, ArenaBytes, LeastBytes) = GraphMemory.Place(Tensors, Steps, options.KeepAll, c => _plans[c.Node.Name].AddsInPlace);
            _gate = new LaneGate<GraphLane>(new GraphLane(this), nameof(GraphPlan), () => options.KeepAll ? null : new GraphLane(this), Free);
        }
        catch
        {
            foreach (ConvPlan p in _plans.Values) p.Dispose();
            throw;
        }
    }

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

    /// <summary>With <see cref="GraphOptions.TimeSteps"/>: the milliseconds that each of <see cref="Steps"/> took in the last run (of several at once, in one of them); else empty.</summary>
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
        return Engines.IsAuto(options.Backend) && options is { Plan.Tuning: Tuning.Measure, Separate: false } ? GraphTuner.Fastest(graph, options) : new GraphPlan(graph, options);
    }

    /// <summary>The plan of the convolution called <paramref name="node"/>: which engine and kernel.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public ConvPlan PlanOf(string node) => _plans.TryGetValue(node, out ConvPlan? p) ? p : throw new ArgumentException($"node = {node}: {Graph.Name} has no such convolution", nameof(node));

    /// <summary>Most threads of the steps between the convolutions.</summary>
    internal int Threads { get; }

    /// <summary>The plans of all convolutions.</summary>
    internal IReadOnlyCollection<ConvPlan> Plans => _plans.Values;

    /// <summary>
    /// Packs the weights and bias of a convolution (shapes as its problem says, channels-first); the caller's may go afterwards. Waits for runs in
    /// progress, and runs that come meanwhile wait for it.
    /// </summary>
    /// <exception cref="ArgumentException">No such convolution, or a length is not exactly what its problem says.</exception>
    /// <exception cref="ObjectDisposedException">The plan is disposed.</exception>
    public void SetWeights(string node, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        ConvPlan plan = PlanOf(node);
        _gate.Close(keepsLanes: true);
        try
        {
            plan.SetWeights(weights, bias);
            _unset.Remove(node);
            _lacking = _unset.Count;
        }
        finally
        {
            _gate.Open();
        }
    }

    /// <summary>Runs a graph with one input and one output; both in <see cref="GraphOptions.Layout"/>, dense.</summary>
    /// <exception cref="ArgumentException">The graph has several, a length is not exactly its shape's, or the two overlap.</exception>
    /// <exception cref="InvalidOperationException">A convolution has no weights yet.</exception>
    /// <exception cref="ObjectDisposedException">The plan is disposed.</exception>
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
    /// <exception cref="ArgumentException">There are more or fewer than the graph has, a length is not exactly its shape's, or an output overlaps another tensor.</exception>
    /// <exception cref="InvalidOperationException">A convolution has no weights yet.</exception>
    /// <exception cref="ObjectDisposedException">The plan is disposed.</exception>
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
        ObjectDisposedException.ThrowIf(_gate.IsGone, this);
        if (!Options.KeepAll || Tensors[index].Place != TensorPlace.Arena) throw new InvalidOperationException($"tensor {index} of {Graph.Name} is not kept: plan with KeepAll, and ask for tensors in the arena");
        return new ReadOnlySpan<float>(_gate[0].At(index), checked((int)Tensors[index].Length));
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

        _lacking = _unset.Count;
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

    /// <summary>Refuses runs from now on and frees native memory: at once, or when the last run in progress is done. May be called again.</summary>
    public void Dispose() => _gate.Dispose();

    private void Free(GraphLane lane)
    {
        lane.Dispose();
        if (ReferenceEquals(lane, _gate[0]))
            foreach (ConvPlan p in _plans.Values) p.Dispose();
    }

    private void Run(ReadOnlySpan<nint> inputs, ReadOnlySpan<int> inputLengths, ReadOnlySpan<nint> outputs, ReadOnlySpan<int> outputLengths)
    {
        for (int i = 0; i < Tensors.Count; i++)
        {
            GraphTensor t = Tensors[i];
            if (t.Place == TensorPlace.Arena) continue;
            bool input = t.Place == TensorPlace.Input;
            ReadOnlySpan<int> lengths = input ? inputLengths : outputLengths;
            if (t.Argument >= lengths.Length || lengths[t.Argument] != t.Length)
                throw new ArgumentException($"{(input ? "input" : "output")} {t.Argument} = {(t.Argument < lengths.Length ? lengths[t.Argument] : 0)} elements: must be exactly {t.Length}, shape {t.Shape} of {Graph.Nodes[t.Node].Name}");
        }

        // Steps read inputs again after outputs are there.
        for (int o = 0; o < outputs.Length; o++)
        {
            for (int i = 0; i < inputs.Length; i++)
                if (Overlap(outputs[o], outputLengths[o], inputs[i], inputLengths[i])) ThrowOverlap(o, $"input {i}");
            for (int i = 0; i < o; i++)
                if (Overlap(outputs[o], outputLengths[o], outputs[i], outputLengths[i])) ThrowOverlap(o, $"output {i}");
        }

        int taken = _gate.Take();
        try
        {
            if (_lacking > 0) ThrowLacking();
            GraphLane lane = _gate[taken];
            lane.Bind(inputs, outputs);
            if (_host is { } host) host(lane);
            else lane.Invoke();
            if (TimesSteps)
                lock (_times) lane.Times.CopyTo(_times, 0);
        }
        finally
        {
            _gate.Return(taken);
        }

        GC.KeepAlive(this);
    }

    private static bool Overlap(nint a, long aLength, nint b, long bLength) => aLength > 0 && bLength > 0 && a < b + (bLength * sizeof(float)) && b < a + (aLength * sizeof(float));

    private void ThrowOverlap(int output, string other) => throw new ArgumentException($"output {output} overlaps {other}: a result must not share memory with another tensor ({Graph.Name})");

    private void ThrowLacking()
    {
        // Nobody changes them while a lane is taken.
        throw new InvalidOperationException($"SetWeights must be called for {string.Join(", ", _unset.Order(StringComparer.Ordinal))} before {Graph.Name} runs");
    }

    private void Plan(ConvStep c)
    {
        string name = c.Node.Name;
        PlanResult made = EngineSelector.Create(c.Problem, Options.Plan, Options.Backend, Options.Engines);
        ConvPlan plan = made.Plan ?? throw new NotSupportedException($"{Graph.Name}, node {name} ({c.Problem}): {made.Reason}");
        plan.Hold(Options.Plan);
        _plans.Add(name, plan);
        if (plan.NeedsWeights) _unset.Add(name);
    }
}
