using ConvNative.Backends;
using ConvNative.Backends.OpenCl;
using ConvNative.Backends.OpenCl.Choice;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>The engine with one routine only, on its first device, whatever the kind of the device.</summary>
internal sealed class RoutineBackend(OpenClBackend engine, ClRoutine routine) : ConvBackend
{
    public override string Name => engine.Name;

    public override BackendStatus Status => engine.Status;

    public override IReadOnlyList<DeviceInfo> Devices => engine.Devices;

    public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options) =>
        ClRoutines.Create(problem, engine.Open(options.Device), options, [routine]);
}
