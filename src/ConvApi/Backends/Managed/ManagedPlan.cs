using ConvNative.Backends.Common;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>What all plans of the managed engine share: threads, memory, and the pointers of the run in progress.</summary>
internal abstract unsafe class ManagedPlan : ConvPlan, IParallelWork
{
    /// <summary>Below this many multiply-adds (or moved elements) waking a second thread costs more than it brings.</summary>
    private const long OneThreadWork = 50_000;

    private readonly List<AlignedBuffer> _buffers = [];
    private long _workspace;

    protected ManagedPlan(ConvProblem problem, PlanOptions options, string implementation, long work)
        : base(problem, ManagedBackend.EngineName)
    {
        Implementation = implementation;
        int most = options.MaxThreads > 0 ? Math.Min(options.MaxThreads, WorkerPool.Shared.MaxThreads) : WorkerPool.Shared.MaxThreads;
        Threads = work < OneThreadWork ? 1 : most;
    }

    public override string Implementation { get; }

    public override int Threads { get; }

    public override long WorkspaceBytes => _workspace;

    /// <summary>Pointers of the run in progress.</summary>
    protected ConvPointers Now { get; private set; }

    public abstract void DoParts(long from, long to, int worker);

    /// <summary>Memory for packed weights, which lives as long as the plan.</summary>
    protected void* AllocateWeights(long bytes)
    {
        var b = new AlignedBuffer(bytes);
        _buffers.Add(b);
        return b.Pointer;
    }

    /// <summary>Memory for intermediate values; counted in <see cref="WorkspaceBytes"/>.</summary>
    protected void* AllocateWorkspace(long bytes)
    {
        _workspace += bytes;
        return AllocateWeights(bytes);
    }

    protected override void SetWeightsCore(void* weights, void* bias)
    {
    }

    protected override void ExecuteCore(in ConvPointers pointers)
    {
        Now = pointers;
        Execute();
        Now = default;
    }

    /// <summary>For a plan inside another: its weights.</summary>
    public void Set(void* weights, void* bias) => SetWeightsCore(weights, bias);

    /// <summary>For a plan inside another: one run.</summary>
    public void Run(in ConvPointers pointers) => ExecuteCore(pointers);

    /// <summary>Runs the steps, in the caller's thread.</summary>
    protected abstract void Execute();

    /// <summary>Spreads parts over this plan's threads.</summary>
    protected void Spread(long parts) => WorkerPool.Shared.Run(this, parts, Threads);

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (AlignedBuffer b in _buffers) b.Dispose();
        _buffers.Clear();
    }
}
