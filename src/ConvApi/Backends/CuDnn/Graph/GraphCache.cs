using ConvNative.Backends.CuDnn.Device;
using ConvNative.Plans;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>Compiled graphs of one handle, and graphs that have no engine: both are dear to find out. Callers hold the device.</summary>
internal sealed class GraphCache(CudaDevice device) : IDisposable
{
    private const int Most = 1024;

    private readonly Dictionary<string, (CompiledGraph? Plan, string Reason)> _known = [];

    /// <summary>A plan to be disposed of by the caller, or why there is none.</summary>
    public (CompiledGraph? Plan, string Reason) Get(GraphSpec spec, EngineFilter filter, Tuning tuning)
    {
        string key = $"{spec.Key} {filter} {tuning}";
        if (!_known.TryGetValue(key, out (CompiledGraph? Plan, string Reason) found))
        {
            if (_known.Count >= Most)
            {
                device.Settle();
                Clear();
            }

            found = PlanStore.Load(device, spec, filter, tuning) is { } stored ? (stored, "") : GraphCompiler.Compile(device, spec, filter, tuning);
            _known[key] = found;
            if (found.Plan is { } made && tuning == Tuning.Measure) PlanStore.Save(device, spec, filter, made);
        }

        return (found.Plan?.Hold(), found.Reason);
    }

    public void Dispose() => Clear();

    private void Clear()
    {
        foreach ((CompiledGraph? plan, _) in _known.Values) plan?.Dispose();
        _known.Clear();
    }
}
