using ConvNative.Backends.Common;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Bindings.OpenCl;
using Silk.NET.OpenCL;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>
/// What all plans of the engine share: weights on the device, memory that goes with the plan, and the ways in which tensors come. A
/// routine queues its kernels in <see cref="Enqueue"/> and, where it wants weights in another order, packs them in <see cref="PackWeights"/>.
/// </summary>
internal abstract unsafe class ClPlan : ConvPlan
{
    // Plans whose constructors may still fail: nobody else could dispose what they own already.
    [ThreadStatic]
    private static List<ClPlan>? t_unfinished;

    private readonly List<IDisposable> _owned = [];
    private readonly ClHostTensors _host;
    private readonly ClDevice _device;
    private long _workspace;

    protected ClPlan(ClRequest request, string implementation)
        : base(request.Problem, OpenClBackend.EngineName)
    {
        t_unfinished?.Add(this);
        (Request, Implementation, _device) = (request, implementation, request.Device);
        _host = Own(new ClHostTensors(_device));
        if (!NeedsWeights) return;
        Weights = Allocate(WeightBytes);
        if (request.Problem is { HasBias: true, Direction: Direction.Forward }) Bias = Allocate(BiasBytes);
    }

    public override string Implementation { get; }

    public override ConvDevice Device => _device;

    public override int Threads => _device.Properties.ComputeUnits;

    public override long WorkspaceBytes => _workspace;

    protected ClRequest Request { get; }

    /// <summary>The caller's weights on the device, as the problem lays them out; null where the direction reads none.</summary>
    protected ClMemHandle? Weights { get; }

    /// <summary>The bias on the device, or null.</summary>
    protected ClMemHandle? Bias { get; }

    /// <summary>A plan of <paramref name="routine"/>; where it fails, what was built of it (and of plans inside it) is disposed.</summary>
    /// <exception cref="DeviceMemoryException">The device has no room for it.</exception>
    /// <exception cref="MemoryBudgetException">It would hold more than a plan may.</exception>
    /// <exception cref="OverflowException">Its numbers do not fit what the routine counts with.</exception>
    public static ClPlan Make(ClRoutine routine, ClRequest request)
    {
        List<ClPlan>? outer = t_unfinished;
        List<ClPlan> made = t_unfinished = [];
        using var budget = new MemoryBudget(MemoryBudget.Of(request.Problem));
        try
        {
            return routine.Create(request);
        }
        catch
        {
            foreach (ClPlan plan in made) plan.Dispose();
            throw;
        }
        finally
        {
            t_unfinished = outer;
        }
    }

    /// <summary>Queues the kernels of one run.</summary>
    public abstract void Enqueue(in ClTensors tensors);

    /// <summary>For a plan inside another: weights and bias that lie on the device.</summary>
    public void SetWeights(ClMem weights, ClMem bias)
    {
        if (Weights is not null) _device.Copy(weights, 0, Weights.Raw, 0, WeightBytes);
        if (Bias is not null) _device.Copy(bias, 0, Bias.Raw, 0, BiasBytes);
        if (Weights is not null) PackWeights();
    }

    /// <summary>Queues what brings <see cref="Weights"/> (and <see cref="Bias"/>), which are new, into the routine's own order.</summary>
    protected virtual void PackWeights()
    {
    }

    /// <summary>Memory that lives as long as the plan: weights, tables.</summary>
    protected ClMemHandle Allocate(long bytes)
    {
        MemoryBudget.Take(bytes);
        return Own(_device.AllocateMemory(bytes));
    }

    /// <summary>As <see cref="Allocate(long)"/>, with contents.</summary>
    protected ClMemHandle Allocate<T>(ReadOnlySpan<T> contents)
        where T : unmanaged
    {
        MemoryBudget.Take((Int128)contents.Length * sizeof(T));
        return Own(_device.AllocateMemory(contents));
    }

    /// <summary>Memory for intermediate values; counted in <see cref="WorkspaceBytes"/>.</summary>
    protected ClMemHandle AllocateWorkspace(long bytes)
    {
        _workspace += bytes;
        return Allocate(bytes);
    }

    /// <summary>Disposes <paramref name="item"/> with the plan.</summary>
    protected T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }

    /// <summary>A plan inside this one; its workspace counts.</summary>
    protected ClPlan OwnPlan(ClPlan plan)
    {
        _workspace += plan.WorkspaceBytes;
        return Own(plan);
    }

    /// <summary>A kernel of <c>native/opencl/ROUTINE.cl</c> for this plan.</summary>
    protected ClKernel Kernel(string routine, string name, string options) => Own(new ClKernel(_device, _device.Programs.Get(routine, options), name));

    /// <summary>The numbers of <paramref name="geometry"/> on the device: kernels' <c>g</c>.</summary>
    protected ClMemHandle Numbers(ClGeometry geometry) => Allocate(geometry.Numbers);

    /// <summary>Pad value, factor of the residual, alpha, beta and output scale on the device: kernels' <c>f</c>.</summary>
    protected ClMemHandle Reals(ClTypes types)
    {
        PostOps post = Problem.PostOps;
        double[] values = [Problem.PaddingMode == PaddingMode.Constant ? Problem.PadValue : 0, post.ResidualScale, post.Activation.Alpha, post.Activation.Beta, post.OutputScale ?? 1];
        return types.IsDouble ? Allocate<double>(values) : Allocate<float>(Array.ConvertAll(values, v => (float)v));
    }

    protected sealed override void SetWeightsCore(void* weights, void* bias)
    {
        if (Weights is not null) _device.Write(Weights.Raw, weights, 0, WeightBytes);
        if (Bias is not null) _device.Write(Bias.Raw, bias, 0, BiasBytes);
        if (Weights is not null) PackWeights();
    }

    protected sealed override void SetWeightsCore(DeviceBuffer? weights, DeviceBuffer? bias) => SetWeights(Raw(weights), Raw(bias));

    protected sealed override void ExecuteCore(in ConvPointers q)
    {
        try
        {
            ConvProblem p = Problem;
            Enqueue(new ClTensors
            {
                Input = _host.Bring(ClHostTensors.Slot.Input, q.Input, InputBytes),
                Residual = _host.Bring(ClHostTensors.Slot.Residual, q.Residual, OutputBytes),
                Offset = _host.Bring(ClHostTensors.Slot.Offset, q.Offset, q.Offset == null ? 0 : p.OffsetShape.Product * p.InputType.SizeOf()),
                Mask = _host.Bring(ClHostTensors.Slot.Mask, q.Mask, q.Mask == null ? 0 : p.MaskShape.Product * p.InputType.SizeOf()),
                OutputGradient = _host.Bring(ClHostTensors.Slot.OutputGradient, q.OutputGradient, OutputBytes),
                Result = _host.Make(ClHostTensors.Slot.Result, q.Result, ResultBytes),
                BiasResult = _host.Make(ClHostTensors.Slot.BiasResult, q.BiasResult, BiasBytes),
            });
            _host.TakeBack();
        }
        catch
        {
            // The caller's memory is about to be unpinned, and what is queued may still use it.
            OpenClLibrary.Api.Finish(_device.Queue.Raw);
            throw;
        }
        finally
        {
            _host.Release();
        }
    }

    protected sealed override ValueTask ExecuteCoreAsync(in DeviceArguments a)
    {
        Enqueue(new ClTensors
        {
            Input = Raw(a.Input),
            Residual = Raw(a.Residual),
            Offset = Raw(a.Offset),
            Mask = Raw(a.Mask),
            OutputGradient = Raw(a.OutputGradient),
            Result = Raw(a.Result),
            BiasResult = Raw(a.BiasResult),
        });
        nint done;
        ClStatus.ThrowIfFailed(OpenClLibrary.Api.EnqueueMarkerWithWaitList(_device.Queue.Raw, 0, null, &done), nameof(CL.EnqueueMarkerWithWaitList));
        return ClEvents.WhenDone(_device, done);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
    }

    private static ClMem Raw(DeviceBuffer? buffer) => buffer is ClBuffer b ? b.Raw : default;
}
