using ConvNative.Backends.Common;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>A plan of the managed engine.</summary>
internal abstract class ManagedPlan : OwnPlan
{
    protected ManagedPlan(ConvProblem problem, PlanOptions options, string implementation, long work)
        : base(problem, ManagedBackend.EngineName, options.MaxThreads, work) =>
        Implementation = implementation;

    public override string Implementation { get; }
}
