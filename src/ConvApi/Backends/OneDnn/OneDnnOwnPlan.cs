using ConvNative.Backends.Common;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn;

/// <summary>What plans share that are mostly our own code around oneDNN's primitives: threads, memory, the pointers of the run in progress.</summary>
internal abstract unsafe class OneDnnOwnPlan : ConvPlan, IParallelWork
{
    /// <summary>Below this many multiply-adds (or moved elements) waking a second thread costs more than it brings.</summary>
    private const long OneThreadWork = 50_000;

    private readonly List<IDisposable> _owned = [];
    private long _workspace;

    protected OneDnnOwnPlan(ConvProblem problem, int threads, long work)
        : base(problem, OneDnnBackend.BackendName) =>
        Threads = work < OneThreadWork ? 1 : Math.Min(threads, WorkerPool.Shared.MaxThreads);

    public override int Threads { get; }

    public override long WorkspaceBytes => _workspace;

    /// <summary>Pointers of the run in progress.</summary>
    protected ConvPointers Now { get; private set; }

    public abstract void DoParts(long from, long to, int worker);

    /// <summary>Keeps <paramref name="resource"/> until the plan goes.</summary>
    protected T Keep<T>(T resource)
        where T : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }

    /// <summary>Memory for packed weights.</summary>
    protected float* AllocateWeights(long floats) => (float*)Keep(new AlignedBuffer(checked(floats * sizeof(float)))).Pointer;

    /// <summary>Memory for intermediate values, zeroed; counted in <see cref="WorkspaceBytes"/>.</summary>
    protected void* Allocate(long bytes)
    {
        _workspace += bytes;
        return Keep(new AlignedBuffer(bytes)).Pointer;
    }

    /// <summary>Counts what a primitive holds.</summary>
    protected void CountWorkspace(long bytes) => _workspace += bytes;

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
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
    }
}
