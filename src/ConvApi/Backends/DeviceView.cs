using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends;

/// <summary>An engine held to one of its devices: what <c>opencl:1</c> names.</summary>
internal sealed class DeviceView(ConvBackend engine, string device) : ConvBackend
{
    public override string Name => $"{engine.Name}:{device}";

    public override string Label => $"{Name}{engine.Label[engine.Name.Length..]}";

    public override BackendStatus Status
    {
        get
        {
            BackendStatus status = engine.Status;
            if (!status.Available) return status;
            if (engine.FindDevice(device) is not { } found)
            {
                return new BackendStatus(false, $"{Name} is not here; {engine.Name} has {string.Join(", ", engine.Devices.Select(d => $"{d.Id} ({d.Name})"))}", [], "name one of those");
            }

            return found.Rejected is null
                ? status with { Summary = $"{found.Name}; {status.Summary}" }
                : new BackendStatus(false, $"{found.Id} ({found.Name}) is rejected: {found.Rejected}", [], null);
        }
    }

    public override IReadOnlyList<DeviceInfo> Devices => engine.FindDevice(device) is { } found ? [found] : [];

    internal override bool IsHost => engine.IsHost;

    internal override bool HasAccelerator => engine.HasAccelerator;

    public override IReadOnlyList<string> Candidates(ConvProblem problem, PlanOptions options) => engine.Candidates(problem, options with { Device = device });

    public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options) => engine.CreatePlan(problem, options with { Device = device });

    public override ConvDevice OpenDevice(string? name = null) => engine.OpenDevice(device);
}
