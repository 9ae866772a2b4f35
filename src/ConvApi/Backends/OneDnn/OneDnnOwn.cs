using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn;

/// <summary>What oneDNN has no primitive for and our own code around it computes.</summary>
internal static class OneDnnOwn
{
    /// <summary>True where <see cref="Create"/> is responsible for the problem.</summary>
    public static bool Serves(ConvProblem p) => p.Op == ConvOp.Deformable;

    /// <summary>A plan, or the reason why there is none.</summary>
    public static PlanResult Create(ConvProblem p, PlanOptions options, int threads)
    {
        if (Lacking(p) is { } reason) return PlanResult.Unsupported(reason);
        OneDnnOwnPlan plan = Make(p, threads);
        if (plan.WorkspaceBytes <= options.MaxWorkspaceBytes) return PlanResult.Supported(plan);
        long need = plan.WorkspaceBytes;
        plan.Dispose();
        return PlanResult.Unsupported($"needs {need} bytes of workspace, MaxWorkspaceBytes allows {options.MaxWorkspaceBytes}");
    }

    private static string? Lacking(ConvProblem p)
    {
        if (p.Direction != Direction.Forward) return "todo";
        return p.InputType != DataType.F32 || p.OutputType != DataType.F32
            ? $"data type {p.InputType.Name()}: op {Names.Of(p.Op)} is our own code around oneDNN's primitives, in f32 only" : null;
    }

    private static OneDnnOwnPlan Make(ConvProblem p, int threads) => p.Direction switch
    {
        Direction.Forward => new DeformForwardPlan(p, threads),
        _ => throw new ArgumentOutOfRangeException(nameof(p)),
    };
}
