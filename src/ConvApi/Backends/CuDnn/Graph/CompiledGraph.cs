using ConvNative.Bindings.CuDnn;
using ConvNative.Plans;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>
/// A finalised execution plan. It is bound to the device's handle; the cache and every step that uses it hold it, and the last one
/// lets it go. Callers hold the device.
/// </summary>
internal sealed class CompiledGraph(CudnnDescriptorHandle plan, string name, AlgorithmClass algorithm, bool isTensorCore, bool isDeterministic, long workspace, string why) : IDisposable
{
    private int _holders = 1;

    public CudnnDescriptorHandle Plan { get; } = plan;

    /// <summary>Engine and notes.</summary>
    public string Name { get; } = name;

    public AlgorithmClass Algorithm { get; } = algorithm;

    /// <summary>Products on tensor cores: f32 operands are rounded to TF32.</summary>
    public bool IsTensorCore { get; } = isTensorCore;

    /// <summary>The same bits on every run.</summary>
    public bool IsDeterministic { get; } = isDeterministic;

    /// <summary>Bytes that a run needs.</summary>
    public long WorkspaceBytes { get; } = workspace;

    /// <summary>Why this engine, in a sentence.</summary>
    public string Why { get; } = why;

    public CompiledGraph Hold()
    {
        _holders++;
        return this;
    }

    public void Dispose()
    {
        if (--_holders == 0) Plan.Dispose();
    }
}
