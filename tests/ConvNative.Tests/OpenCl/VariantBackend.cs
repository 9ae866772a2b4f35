using ConvNative.Backends;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>One routine of the engine, in one of its variants (null: its own choice), as an engine of its own.</summary>
internal sealed class VariantBackend(ClRoutine routine, string? variant, ClDevice device) : ConvBackend
{
    public override string Name => "opencl";

    public override BackendStatus Status => new(true, device.Name, [], null);

    public override IReadOnlyList<DeviceInfo> Devices => [];

    public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options)
    {
        var request = new ClRequest(problem, device, options, variant);
        return routine.Lacking(request) is { } reason ? PlanResult.Unsupported(reason) : PlanResult.Supported(routine.Create(request));
    }
}
