using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl;

/// <summary>What a routine is asked for, with what every routine wants to know of it.</summary>
internal sealed class ClRequest(ConvProblem problem, ClDevice device, PlanOptions options)
{
    public ConvProblem Problem { get; } = problem;

    public ClDevice Device { get; } = device;

    public PlanOptions Options { get; } = options;

    public ClGeometry Geometry { get; } = new(problem);

    public ClTypes Types { get; } = ClTypes.Of(problem);
}
