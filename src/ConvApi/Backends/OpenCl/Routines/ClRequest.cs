using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>What a routine is asked for, with what every routine wants to know of it.</summary>
/// <param name="problem">What is to be computed.</param>
/// <param name="device">Where.</param>
/// <param name="options">How.</param>
/// <param name="variant">One of the routine's <see cref="ClRoutine.Variants"/>, or null for its own choice.</param>
internal sealed class ClRequest(ConvProblem problem, ClDevice device, PlanOptions options, string? variant = null)
{
    public ConvProblem Problem { get; } = problem;

    public ClDevice Device { get; } = device;

    public PlanOptions Options { get; } = options;

    public string? Variant { get; } = variant;

    public ClGeometry Geometry { get; } = new(problem);

    public ClTypes Types { get; } = ClTypes.Of(problem);
}
