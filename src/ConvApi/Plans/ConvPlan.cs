using ConvNative.Backends.Choices;
using ConvNative.Backends.Common.Threads;
using ConvNative.Bindings;
using ConvNative.Problems;

namespace ConvNative.Plans;

/// <summary>
/// One problem made ready on one engine: kernels chosen and built, weights packed once, workspace allocated. Runs without managed allocation once
/// warm. Any number of threads may run, set weights and dispose at once: weights and kernels are shared, each run has a workspace of its own
/// (another one of <see cref="WorkspaceBytes"/> is made when that many runs meet for the first time, and kept; at most as many as there are processors,
/// and as <see cref="PlanOptions.MaxWorkspaceBytes"/> has room for; further runs wait), and the bits are those of one thread. An engine with one queue,
/// as a GPU's, takes the runs one after the other. A run on oneDNN sets the calling thread's OpenMP thread count and leaves it so.
/// </summary>
public abstract unsafe partial class ConvPlan : IDisposable
{
    // Made anew each time it is asked for; a run must not allocate.
    private readonly Dims _offsetShape;
    private readonly Dims _maskShape;
    private readonly Dims _biasShape;
    private readonly Dims _resultShape;
    private readonly bool _isSimple;
    private LaneGate<ConvPlan> _gate;
    private bool _weightsSet;

    /// <summary>Records what the plan computes and by whom.</summary>
    protected ConvPlan(ConvProblem problem, string backend)
    {
        Problem = problem;
        Backend = backend;
        _gate = NewGate();
        InputBytes = checked(problem.InputShape.Product * problem.InputType.SizeOf());
        OutputBytes = checked(problem.OutputShape.Product * problem.OutputType.SizeOf());
        WeightBytes = problem.WeightCount * problem.WeightType.SizeOf();
        (_offsetShape, _maskShape, _biasShape, _resultShape) = (problem.OffsetShape, problem.MaskShape, problem.BiasShape, problem.ResultShape);
        BiasBytes = problem.HasBias ? problem.OutputChannels * problem.BiasType.SizeOf() : 0;
        _isSimple = problem is { Direction: Direction.Forward, InputType: DataType.F32, OutputType: DataType.F32, Op: not ConvOp.Deformable, PostOps.Residual: false };
        NeedsWeights = problem.HasWeights && problem.Direction is not (Direction.BackwardWeights or Direction.BackwardBias);
    }

    /// <summary>What <c>auto</c> remembers of its choice; null where the engine was named.</summary>
    internal string? Choice { get; set; }

    /// <summary><see cref="Backends.Common.Stores.TuningStore.Generation"/> at which the choice was last known to be the right one.</summary>
    internal int ChoiceGeneration { get; set; } = -1;

    /// <summary>The name that leaves the choice of the engine to us.</summary>
    public const string Auto = "auto";

    /// <summary>
    /// Makes a plan on the engine called <paramref name="backend"/> in any case; <c>auto</c> takes the fastest of past measurements, of this machine or of machines
    /// like it, and looks for itself where these say too little (<see cref="Tuning"/>). The caller disposes it.
    /// </summary>
    /// <exception cref="NotSupportedException">No engine supports the problem; the message has each one's reason.</exception>
    /// <exception cref="ConvNativeException">The engine is unavailable, or a native call failed.</exception>
    public static ConvPlan Create(ConvProblem problem, PlanOptions? options = null, string backend = Auto)
    {
        PlanResult r = TryCreate(problem, options, backend);
        return r.Plan ?? throw new NotSupportedException($"{problem}: {r.Reason}");
    }

    /// <summary>As <see cref="Create"/>, with the reason as data where the problem is not supported.</summary>
    /// <exception cref="ConvNativeException">The engine is unavailable, or a native call failed.</exception>
    public static PlanResult TryCreate(ConvProblem problem, PlanOptions? options = null, string backend = Auto)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(backend);
        options ??= PlanOptions.Default;
        PlanResult r = EngineSelector.Create(problem, options, backend);
        r.Plan?.Hold(options);
        return r;
    }

    /// <summary>The problem.</summary>
    public ConvProblem Problem { get; }

    /// <summary>The engine's name: managed, onednn, opencl, cudnn.</summary>
    public string Backend { get; }

    /// <summary>The implementation that the engine chose, for example <c>brg_conv_fwd:avx512_core</c>.</summary>
    public abstract string Implementation { get; }

    /// <summary>Steps around the kernel and why this one was chosen, a sentence each.</summary>
    public virtual IReadOnlyList<string> Notes => [];

    /// <summary>Threads that a run uses.</summary>
    public virtual int Threads => 1;

    /// <summary>Bytes that a run needs beside packed weights; the plan holds them once for each run that has been in progress at the same time.</summary>
    public virtual long WorkspaceBytes => 0;

    /// <summary>Bytes that the plan holds until it is disposed: workspace, packed weights, and an estimate of code and tables made for it. Operands are the caller's.</summary>
    public long HeldBytes => WorkspaceBytes + WeightBytes + OverheadBytes;

    /// <summary>An estimate of what a plan holds beside workspace and weights.</summary>
    internal virtual long OverheadBytes => 16 << 10;

    /// <summary>How sums are formed.</summary>
    public virtual AlgorithmClass Algorithm => AlgorithmClass.Direct;

    /// <summary>Largest relative error with which operands enter the products: 0 where they enter as they are, 2^-10 for TF32.</summary>
    public virtual double OperandRoundoff => 0;

    /// <summary>True when runs on the same data give the same bits; always with <see cref="PlanOptions.Deterministic"/>.</summary>
    public virtual bool IsDeterministic => true;

    /// <summary>True when the direction reads weights, so that <see cref="SetWeights(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/> must come first.</summary>
    public bool NeedsWeights { get; }

    /// <summary>Bytes of the input buffer (and its gradient); differs from the dense size only for <see cref="Layout.Any"/>.</summary>
    public long InputBytes { get; protected init; }

    /// <summary>Bytes of the output buffer (and its gradient).</summary>
    public long OutputBytes { get; protected init; }

    /// <summary>Bytes of the caller's weights.</summary>
    public long WeightBytes { get; }

    /// <summary>Bytes of the caller's bias.</summary>
    public long BiasBytes { get; }

    /// <summary>Bytes of what the direction computes.</summary>
    public long ResultBytes => Problem.Direction switch
    {
        Direction.Forward => OutputBytes,
        Direction.BackwardData => InputBytes,
        Direction.BackwardWeights => WeightBytes,
        _ => checked(_resultShape.Product * Problem.ResultType.SizeOf()),
    };

    /// <summary>
    /// Packs weights (in the problem's weight layout) and bias into the plan's own memory; the caller's may go afterwards. Waits for runs in progress,
    /// and runs that come meanwhile wait for it: each sees the old weights or the new ones, never a mixture. Workspaces of further runs are made anew.
    /// </summary>
    /// <exception cref="ArgumentException">A length is not exactly what the problem says.</exception>
    /// <exception cref="ObjectDisposedException">The plan is disposed.</exception>
    /// <exception cref="UnsupportedOperandsException">The engine does not take these weights (infinities or NaNs where taps are missing); what was set before stays.</exception>
    public void SetWeights(ReadOnlySpan<byte> weights, ReadOnlySpan<byte> bias)
    {
        fixed (byte* w = weights, b = bias) Set(w, weights.Length, b, bias.Length, 1);
    }

    /// <summary>As the other overload, for f32.</summary>
    /// <exception cref="ArgumentException">A length or the type is not what the problem says.</exception>
    /// <exception cref="UnsupportedOperandsException">The engine does not take these weights.</exception>
    public void SetWeights(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias = default)
    {
        if (Problem.WeightType != DataType.F32) throw new ArgumentException($"weights = f32: the problem's weights are {Problem.WeightType.Name()} ({Problem})");
        fixed (float* w = weights, b = bias) Set(w, weights.Length * 4L, b, bias.Length * 4L, 4);
    }

    // The unit is the bytes of one element of the caller's spans, in which a wrong length is told.
    private void Set(void* weights, long weightBytes, void* bias, long biasBytes, int unit)
    {
        ThrowIfDisposed();
        Check("weights", weightBytes, WeightBytes, Problem.WeightShape, unit);
        Check("bias", biasBytes, BiasBytes, Problem.HasBias ? Problem.BiasShape : default, unit);
        if (!Problem.HasBias) bias = null;
        if (Host is { } host) host(HostedCall.Set(this, weights, bias));
        else SetInside(weights, bias);
        GC.KeepAlive(this);
    }

    /// <summary>Sets weights, in the thread that may.</summary>
    internal void SetInside(void* weights, void* bias)
    {
        _gate.Close();
        try
        {
            // Half of them are no weights to run with, should this fail.
            _weightsSet = false;
            SetWeightsCore(weights, bias);
            _weightsSet = true;
        }
        catch (NativeCallException e)
        {
            throw Translate(e);
        }
        finally
        {
            _gate.Open();
        }
    }

    /// <summary>Forward f32 without further operands: reads <paramref name="input"/>, writes <paramref name="output"/>, which must not overlap.</summary>
    /// <exception cref="ArgumentException">A length is not exactly what the problem says, the two overlap, or the problem is not this simple.</exception>
    /// <exception cref="InvalidOperationException">Weights have not been set.</exception>
    /// <exception cref="ObjectDisposedException">The plan is disposed.</exception>
    /// <exception cref="ConvNativeException">A native call failed.</exception>
    public void Run(ReadOnlySpan<float> input, Span<float> output)
    {
        if (input.Length * 4L != InputBytes || output.Length * 4L != OutputBytes || !_isSimple) ThrowRun(input.Length, output.Length);
        if (input.Overlaps(output)) ThrowOverlap("output", "input");
        fixed (float* x = input, y = output) Run(new ConvPointers { Input = x, Result = y }, isSimple: true);

        // Native calls know raw handles only: without this a plan that nobody disposes could be finalised during its last run.
        GC.KeepAlive(this);
    }

    /// <summary>Runs any direction on tensors given as bytes.</summary>
    /// <exception cref="ArgumentException">A tensor is missing, superfluous, or of the wrong length, or a result overlaps another tensor.</exception>
    /// <exception cref="InvalidOperationException">Weights are needed and have not been set.</exception>
    /// <exception cref="ObjectDisposedException">The plan is disposed.</exception>
    /// <exception cref="UnsupportedOperandsException">A gradient of the weights: the engine does not take these operands.</exception>
    /// <exception cref="ConvNativeException">A native call failed.</exception>
    public void Execute(in ConvArguments a)
    {
        CheckApart(a);
        ExecuteChecked(a);
    }

    /// <summary>True where the residual may lie in the result's own memory, which <see cref="ExecuteChecked"/> does not refuse.</summary>
    internal virtual bool AddsInPlace => false;

    /// <summary>As <see cref="Execute"/>, for a caller who knows that no two tensors overlap but as the plan allows.</summary>
    internal void ExecuteChecked(in ConvArguments a)
    {
        CheckTensors(a.Input.Length, a.Residual.Length, a.Offset.Length, a.Mask.Length, a.OutputGradient.Length, a.Result.Length, a.BiasResult.Length);
        fixed (byte* x = a.Input, r = a.Residual, o = a.Offset, m = a.Mask, g = a.OutputGradient, y = a.Result, b = a.BiasResult)
        {
            var q = new ConvPointers { Input = x, Residual = r, Offset = o, Mask = m, OutputGradient = g, Result = y, BiasResult = b };
            Run(q, isSimple: false);
        }

        GC.KeepAlive(this);
    }

    /// <summary>Where the plan's calls are made, one after the other; null for the caller's thread.</summary>
    internal Action<IHosted>? Host { get; private protected set; }

    private void Run(in ConvPointers q, bool isSimple)
    {
        if (Host is { } host) host(HostedCall.Run(this, q, isSimple));
        else RunInside(q, isSimple);
    }

    /// <summary>Runs, in the thread that may.</summary>
    internal void RunInside(in ConvPointers q, bool isSimple)
    {
        int lane = _gate.Take();
        try
        {
            if (NeedsWeights && !_weightsSet) ThrowState();
            if (isSimple) _gate[lane].RunCore(q.Input, q.Result);
            else _gate[lane].ExecuteCore(q);
        }
        catch (NativeCallException e)
        {
            throw Translate(e);
        }
        finally
        {
            _gate.Return(lane);
        }
    }

    /// <summary>
    /// For <see cref="Layout.Any"/>: converts a plain channels-first tensor of the input's shape to the plan's own layout
    /// (<see cref="InputBytes"/> long). Else a plain copy.
    /// </summary>
    public virtual void PackInput(ReadOnlySpan<byte> plain, Span<byte> packed) => plain.CopyTo(packed);

    /// <summary>The inverse of <see cref="PackInput"/>, for an input gradient.</summary>
    public virtual void UnpackInput(ReadOnlySpan<byte> packed, Span<byte> plain) => packed.CopyTo(plain);

    /// <summary>For <see cref="Layout.Any"/>: converts a plain channels-first tensor of the output's shape (a gradient, a residual) to the plan's own layout.</summary>
    public virtual void PackOutput(ReadOnlySpan<byte> plain, Span<byte> packed) => plain.CopyTo(packed);

    /// <summary>The inverse of <see cref="PackOutput"/>.</summary>
    public virtual void UnpackOutput(ReadOnlySpan<byte> packed, Span<byte> plain) => packed.CopyTo(plain);

    /// <summary>Refuses runs from now on and frees native memory: at once, or when the last run in progress is done. May be called again.</summary>
    public void Dispose()
    {
        _gate.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what the engine holds; of what <see cref="Fork"/> gave, its own memory only.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>
    /// For a run beside others: a plan that shares weights and kernels with this one and has memory of its own for a run. It is asked for
    /// <see cref="ExecuteCore"/> alone, is disposed before this one, and before weights are set. Null where the engine takes one run at a time.
    /// </summary>
    protected virtual ConvPlan? Fork() => null;

    /// <summary>For <see cref="Fork"/>: a copy of the plan's fields that has lives of its own.</summary>
    private protected ConvPlan CopyFields()
    {
        var copy = (ConvPlan)MemberwiseClone();
        copy._gate = copy.NewGate();
        return copy;
    }

    private LaneGate<ConvPlan> NewGate() => new(this, nameof(ConvPlan), Fork, static lane => lane.Dispose(true));

    /// <summary>As many runs at once as their workspaces have room.</summary>
    internal void Hold(PlanOptions options)
    {
        if (WorkspaceBytes > 0) _gate.Most = (int)Math.Min(_gate.Most, options.MaxWorkspaceBytes / WorkspaceBytes);
    }

    /// <summary>Packs weights; <paramref name="bias"/> is null without one.</summary>
    protected abstract void SetWeightsCore(void* weights, void* bias);

    /// <summary>Runs the forward direction with no operands beside input and output.</summary>
    protected virtual void RunCore(void* input, void* output) => ExecuteCore(new ConvPointers { Input = input, Result = output });

    /// <summary>Runs; pointers that the direction does not need are null, lengths have been checked.</summary>
    protected abstract void ExecuteCore(in ConvPointers pointers);

    private void CheckTensors(long input, long residual, long offset, long mask, long outputGradient, long result, long biasResult)
    {
        ConvProblem p = Problem;
        Direction d = p.Direction;
        bool forward = d == Direction.Forward;
        bool reads = forward || d is Direction.BackwardWeights or Direction.BackwardOffset or Direction.BackwardMask;
        bool sampled = p.Op == ConvOp.Deformable && d != Direction.BackwardBias;
        Check("input", input, reads ? InputBytes : 0, p.InputShape);
        Check("residual", residual, forward && p.PostOps.Residual ? OutputBytes : 0, p.OutputShape);
        Check("offset", offset, sampled ? _offsetShape.Product * p.InputType.SizeOf() : 0, _offsetShape);
        Check("mask", mask, sampled && p.HasMask ? _maskShape.Product * p.InputType.SizeOf() : 0, _maskShape);
        Check("output_grad", outputGradient, forward ? 0 : OutputBytes, p.OutputShape);
        Check("result", result, ResultBytes, _resultShape);
        if (biasResult != 0) Check("bias result", biasResult, d == Direction.BackwardWeights ? BiasBytes : 0, _biasShape);
    }

    // Kernels read operands again after parts of the result are there (tiles that overlap, several threads).
    private void CheckApart(in ConvArguments a)
    {
        Apart("result", a.Result, a);
        Apart("bias result", a.BiasResult, a);
        if (a.BiasResult.Overlaps(a.Result)) ThrowOverlap("bias result", "result");
    }

    private void Apart(string name, ReadOnlySpan<byte> result, in ConvArguments a)
    {
        if (result.Overlaps(a.Input)) ThrowOverlap(name, "input");
        if (result.Overlaps(a.Residual)) ThrowOverlap(name, "residual");
        if (result.Overlaps(a.Offset)) ThrowOverlap(name, "offset");
        if (result.Overlaps(a.Mask)) ThrowOverlap(name, "mask");
        if (result.Overlaps(a.OutputGradient)) ThrowOverlap(name, "output_grad");
    }

    private void ThrowOverlap(string result, string other) => throw new ArgumentException($"{result} overlaps {other}: a result must not share memory with another tensor ({Problem})");

    private void Check(string name, long got, long want, Dims shape, int unit = 1)
    {
        if (got == want) return;
        string units = unit == 1 ? "bytes" : "elements";
        throw new ArgumentException(want == 0 ? $"{name} = {got / unit} {units}: the problem takes none ({Problem})" : $"{name} = {got / unit} {units}: must be exactly {want / unit} {units}, shape {shape} ({Problem})");
    }

    private void ThrowRun(long input, long output)
    {
        if (!_isSimple) throw new ArgumentException($"Run(input, output) is for the forward direction in f32 without residual and offsets; use Execute ({Problem})");
        Check("input", input * 4, InputBytes, Problem.InputShape, 4);
        Check("output", output * 4, OutputBytes, Problem.OutputShape, 4);
    }

    /// <summary>After a trial on random weights: a run must not use them.</summary>
    internal void ForgetWeights() => _weightsSet = false;

    private ConvNativeException Translate(NativeCallException e) => new(Backend, e.Message, e.Function, e.StatusName, Problem, e);

    private void ThrowIfDisposed()
    {
        if (_gate.IsGone) throw new ObjectDisposedException(nameof(ConvPlan));
    }

    private void ThrowState() => throw new InvalidOperationException($"SetWeights must be called before a run ({Problem})");
}
