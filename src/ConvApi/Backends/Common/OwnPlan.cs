using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Threads;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Common;

/// <summary>What plans share that are our own code on the processor: threads, memory, and the pointers of the run in progress.</summary>
internal abstract unsafe class OwnPlan : ConvPlan, IParallelWork
{
    /// <summary>Below this many multiply-adds (or moved elements) waking a second thread costs more than it brings.</summary>
    private const long OneThreadWork = 50_000;

    private readonly List<AlignedBuffer> _workspaces = [];
    private List<IDisposable> _owned = [];
    private long _workspace;

    /// <param name="problem">The problem.</param>
    /// <param name="engine">Name of the engine.</param>
    /// <param name="threads">Most threads of a run; 0 for as many as there are processors.</param>
    /// <param name="work">Multiply-adds, or elements that move.</param>
    protected OwnPlan(ConvProblem problem, string engine, int threads, long work)
        : base(problem, engine)
    {
        int most = WorkerPool.Shared.MaxThreads;
        Threads = work < OneThreadWork ? 1 : threads > 0 ? Math.Min(threads, most) : most;
    }

    public override int Threads { get; }

    public override long WorkspaceBytes => _workspace;

    /// <summary>Pointers of the run in progress.</summary>
    protected ConvPointers Now { get; private set; }

    public abstract void DoParts(long from, long to, int worker);

    /// <summary>For a plan inside another: its weights.</summary>
    public void Set(void* weights, void* bias) => SetWeightsCore(weights, bias);

    /// <summary>For a plan inside another: one run.</summary>
    public void Run(in ConvPointers pointers) => ExecuteCore(pointers);

    /// <summary>Keeps <paramref name="resource"/> until the plan goes.</summary>
    protected TResource Keep<TResource>(TResource resource)
        where TResource : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }

    /// <summary>Memory for packed weights, which lives as long as the plan.</summary>
    protected void* AllocateWeights(long bytes) => Keep(new AlignedBuffer(bytes)).Pointer;

    /// <summary>Memory for intermediate values, zeroed; counted in <see cref="WorkspaceBytes"/>.</summary>
    protected void* AllocateWorkspace(long bytes)
    {
        CountWorkspace(bytes);
        AlignedBuffer buffer = Keep(new AlignedBuffer(bytes));
        _workspaces.Add(buffer);
        return buffer.Pointer;
    }

    protected sealed override ConvPlan Fork()
    {
        var lane = (OwnPlan)CopyFields();
        lane._owned = [];
        try
        {
            lane.Renew();
            return lane;
        }
        catch
        {
            lane.FreeOwned();
            throw;
        }
    }

    /// <summary>
    /// Gives a lane, which begins as a copy of its plan's fields, memory of its own: for every <see cref="AllocateWorkspace"/> and whatever else a run
    /// writes. Weights and tables are shared.
    /// </summary>
    protected virtual void Renew()
    {
    }

    /// <summary>In <see cref="Renew"/>: as much zeroed memory as <paramref name="workspace"/> has, which came from <see cref="AllocateWorkspace"/>; null for null.</summary>
    protected T* Another<T>(T* workspace)
        where T : unmanaged
    {
        if (workspace == null) return null;
        AlignedBuffer like = _workspaces.Find(b => b.Pointer == workspace) ?? throw new InvalidOperationException($"{GetType().Name}: not a workspace");
        return (T*)Keep(new AlignedBuffer(like.Bytes)).Pointer;
    }

    /// <summary>In <see cref="Renew"/>: a lane of a plan inside.</summary>
    protected TPlan Another<TPlan>(TPlan inner)
        where TPlan : OwnPlan => Keep((TPlan)inner.Fork());

    /// <summary>Counts what an inner plan or a primitive holds.</summary>
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

    /// <summary>Runs the steps, in the caller's thread.</summary>
    protected abstract void Execute();

    /// <summary>Spreads parts over this plan's threads.</summary>
    protected void Spread(long parts) => WorkerPool.Shared.Run(this, parts, Threads);

    protected override void Dispose(bool disposing)
    {
        if (disposing) FreeOwned();
    }

    private void FreeOwned()
    {
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
    }
}
