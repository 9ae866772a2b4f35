using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn;

/// <summary>What oneDNN has no primitive for and our own code around it computes.</summary>
internal static class OneDnnOwn
{
    /// <summary>True where <see cref="Create"/> is responsible for the problem.</summary>
    public static bool Serves(ConvProblem p) => p.Op == ConvOp.Deformable || !p.HasWeights || p.Direction == Direction.BackwardBias;

    /// <summary>Why there is no plan, or null.</summary>
    public static string? Lacking(ConvProblem p) =>
        p.InputType == DataType.F32 && p.OutputType == DataType.F32 ? null
        : $"data type {p.InputType.Name()}: {(p.Direction == Direction.BackwardBias ? "direction backward_bias" : $"op {Names.Of(p.Op)}")} is our own code around oneDNN's primitives, in f32 only";

    /// <summary>A plan, or the reason why there is none.</summary>
    public static PlanResult Create(ConvProblem p, PlanOptions options, int threads)
    {
        OneDnnOwnPlan plan = Make(p, threads);
        if (plan.WorkspaceBytes <= options.MaxWorkspaceBytes) return PlanResult.Supported(plan);
        long need = plan.WorkspaceBytes;
        plan.Dispose();
        return PlanResult.Unsupported($"needs {need} bytes of workspace, MaxWorkspaceBytes allows {options.MaxWorkspaceBytes}");
    }

    private static OneDnnOwnPlan Make(ConvProblem p, int threads) => (p.Op, p.Direction) switch
    {
        (_, Direction.BackwardBias) => new BiasPlan(p, threads),
        (not ConvOp.Deformable, _) => new RearrangePlan(p, threads),
        (_, Direction.Forward) => new DeformForwardPlan(p, threads),
        (_, Direction.BackwardData) => new DeformDataPlan(p, threads),
        (_, Direction.BackwardWeights) => new DeformWeightsPlan(p, threads),
        _ => new DeformOffsetPlan(p, threads),
    };
}
