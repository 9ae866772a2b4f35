using System.Runtime.InteropServices;
using ConvNative.Backends.CuDnn.Device;
using ConvNative.Backends.CuDnn.Graph;
using ConvNative.Bindings;
using ConvNative.Bindings.Cuda;
using ConvNative.Bindings.CuDnn;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>
/// What a plan does, as it is put together: operands, memory, and steps in the stream's order, those that prepare the weights apart. It
/// owns all of it. Whoever changes or runs it holds the device.
/// </summary>
internal sealed unsafe class CudaProgram(CudaDevice device, ConvProblem problem, PlanOptions options) : IDisposable
{
    private readonly List<ICudaStep> _steps = [];
    private readonly List<ICudaStep> _weightSteps = [];
    private readonly List<CudaMemoryHandle> _memory = [];
    private readonly List<string> _notes = [];
    private readonly List<string> _names = [];
    private readonly List<(Operand Operand, long Bytes)> _pending = [];
    private readonly List<(Operand Operand, byte[] Data)> _constants = [];
    private readonly List<CompiledGraph> _graphs = [];
    private Operand? _workspace;
    private long _workspaceBytes;

    public CudaDevice Device { get; } = device;

    public ConvProblem Problem { get; } = problem;

    public PlanOptions Options { get; } = options;

    public Operand Input { get; } = new("input");

    public Operand Residual { get; } = new("residual");

    public Operand Offset { get; } = new("offset");

    public Operand Mask { get; } = new("mask");

    public Operand Gradient { get; } = new("output_grad");

    public Operand Result { get; } = new("result");

    public Operand BiasResult { get; } = new("bias result");

    public Operand Weights { get; } = new("weights");

    public Operand Bias { get; } = new("bias");

    public IReadOnlyList<ICudaStep> Steps => _steps;

    public IReadOnlyList<ICudaStep> WeightSteps => _weightSteps;

    public IReadOnlyList<string> Notes => _notes;

    public string Implementation => _names.Count == 0 ? "empty" : string.Join('+', _names);

    public AlgorithmClass Algorithm { get; private set; }

    public bool IsTensorCore { get; private set; }

    /// <summary>False once a step adds in an order that the device picks.</summary>
    public bool IsDeterministic { get; set; } = true;

    /// <summary>Bytes of intermediate tensors and cuDNN's workspace so far; prepared weights don't count.</summary>
    public long ScratchBytes { get; private set; }

    /// <summary>Bytes of workspace that an engine may still take.</summary>
    public long WorkspaceLeft => Math.Max(0, Options.MaxWorkspaceBytes - ScratchBytes + _workspaceBytes);

    /// <summary>An intermediate tensor; memory is taken when the program is complete.</summary>
    public Operand Scratch(string name, long bytes, bool counts = true)
    {
        var operand = new Operand(name);
        _pending.Add((operand, bytes));
        if (counts) ScratchBytes += bytes;
        return operand;
    }

    /// <summary>Numbers that a kernel reads; they are on the device once the program is complete.</summary>
    public Operand Constant<T>(string name, T[] values)
        where T : unmanaged
    {
        var operand = new Operand(name);
        _constants.Add((operand, MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));
        return operand;
    }

    public void Note(string sentence) => _notes.Add(sentence);

    /// <summary>Names a part of the implementation, in the order of the work.</summary>
    public void Name(string part)
    {
        if (!_names.Contains(part)) _names.Add(part);
    }

    public void Add(ICudaStep step, bool toWeights = false) => (toWeights ? _weightSteps : _steps).Add(step);

    /// <summary>A kernel over <paramref name="items"/>; its arguments follow.</summary>
    public KernelCall Kernel(string file, string kernel, long items, DataType x, DataType? y = null, DataType? b = null, int? bytes = null, bool toWeights = false)
    {
        var call = new KernelCall(Device.Kernels.Get(file, kernel, x, y, b, bytes), kernel, items, Device.Kernels.Parameters(file, kernel));
        Add(call, toWeights);
        return call;
    }

    /// <summary>A plan for a graph within what is left of the workspace, held by the program; or why there is none.</summary>
    /// <param name="spec">The graph.</param>
    /// <param name="operands">Type of the operands.</param>
    /// <param name="broken">
    /// Gets the first error that is no lack of support: it says nothing of the other ways to compute the problem (a run-time
    /// compilation that fails, an attribute that this version does not take), so it is thrown only where none of them works.
    /// </param>
    public (CompiledGraph? Plan, string Reason) Find(GraphSpec spec, DataType operands, ref NativeCallException? broken)
    {
        try
        {
            (CompiledGraph? plan, string reason) = Device.Graphs.Get(spec, EngineFilter.Of(Options, operands, WorkspaceLeft), Options.Tuning);
            if (plan is not null) _graphs.Add(plan);
            return (plan, reason);
        }
        catch (NativeCallException e) when (e.Library == "cuDNN")
        {
            broken ??= e;
            return (null, $"{e.Function}: {e.StatusName}");
        }
    }

    /// <summary>Runs a graph that the program found; one workspace serves all, since they run one after the other.</summary>
    public void Add(CompiledGraph graph, GraphSpec spec, IReadOnlyList<(long Id, Operand Operand)> tensors)
    {
        if (graph.WorkspaceBytes > 0)
        {
            _workspace ??= new Operand("workspace");
            ScratchBytes += Math.Max(0, graph.WorkspaceBytes - _workspaceBytes);
            _workspaceBytes = Math.Max(_workspaceBytes, graph.WorkspaceBytes);
        }

        Add(new GraphStep(graph, tensors, graph.WorkspaceBytes > 0 ? _workspace : null));
        Name($"graph_{Lower(spec.Kind)}{(spec.IsFused ? "_fused" : "")}:{graph.Name}");
        Note($"{graph.Name}: {graph.Why}");
        if (graph.Algorithm != AlgorithmClass.Direct) Algorithm = graph.Algorithm;

        IsDeterministic &= graph.IsDeterministic;

        // Only f32 operands lose anything: the others are as narrow already.
        if (graph.IsTensorCore && spec.Image.Type == cudnnDataType_t.CUDNN_DATA_FLOAT)
        {
            IsTensorCore = true;
            Note("f32 operands are rounded to TF32 (fast math)");
        }
    }

    /// <summary>Takes all memory; the program can run after it.</summary>
    /// <exception cref="DeviceMemoryException">There is no room.</exception>
    public void Complete()
    {
        foreach (KernelCall call in _steps.Concat(_weightSteps).OfType<KernelCall>()) call.CheckComplete();
        foreach ((Operand operand, long bytes) in _pending) operand.Pointer = Take(bytes);
        _pending.Clear();
        foreach ((Operand operand, byte[] data) in _constants)
        {
            operand.Pointer = Take(data.Length);
            fixed (byte* from = data) Device.Staging.Upload(from, operand.Pointer, data.Length);
        }

        _constants.Clear();
        if (_workspace is not null) _workspace.Pointer = Take(_workspaceBytes);
    }

    /// <summary>Memory that lives as long as the program.</summary>
    public void* Take(long bytes)
    {
        CudaMemoryHandle taken = Device.AllocateMemory(bytes);
        _memory.Add(taken);
        return taken.Raw;
    }

    public void Run(bool weights)
    {
        foreach (ICudaStep step in weights ? _weightSteps : _steps) step.Run(Device);
    }

    public void Dispose()
    {
        foreach (ICudaStep step in _steps.Concat(_weightSteps).Reverse()) step.Dispose();
        _steps.Clear();
        _weightSteps.Clear();
        foreach (CompiledGraph graph in _graphs) graph.Dispose();
        _graphs.Clear();
        foreach (CudaMemoryHandle memory in _memory) memory.Dispose();
        _memory.Clear();
    }

    private static string Lower(GraphKind kind) => kind switch { GraphKind.Forward => "forward", GraphKind.BackwardData => "backward_data", _ => "backward_filter" };
}
