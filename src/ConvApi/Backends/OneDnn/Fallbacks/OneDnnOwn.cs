using ConvNative.Backends.Common;
using ConvNative.Backends.OneDnn.Deformable;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Fallbacks;

/// <summary>What oneDNN has no primitive for and our own code around it computes.</summary>
internal static class OneDnnOwn
{
    /// <summary>True where <see cref="Create"/> is responsible for the problem.</summary>
    public static bool Serves(ConvProblem p) => p.Op == ConvOp.Deformable || !p.HasWeights || p.Direction == Direction.BackwardBias;

    /// <summary>Why there is no plan, or null.</summary>
    public static string? Lacking(ConvProblem p)
    {
        if (p.InputType == DataType.F64 || p.OutputType == DataType.F64) return "data_type f64: oneDNN has no f64 on the CPU";
        if (!p.InputType.IsInteger()) return null;
        if (p.Op == ConvOp.Deformable) return $"data type {p.InputType.Name()}: a deformable convolution samples between pixels, at offsets that 8-bit integers do not hold";
        return p.Direction != Direction.Forward ? $"direction {Names.Of(p.Direction)}: the oneDNN engine computes 8-bit integers forward only" : null;
    }

    /// <summary>A plan, or the reason why there is none.</summary>
    public static PlanResult Create(ConvProblem p, PlanOptions options, int threads)
    {
        bool direct = (p.InputType == DataType.F32 && p.OutputType == DataType.F32) || RearrangePlan.IsCopy(p);
        OwnPlan plan = direct ? Make(p, threads) : new WidePlan(p, Make(WidePlan.InSingle(p), threads));
        if (plan.WorkspaceBytes <= options.MaxWorkspaceBytes) return PlanResult.Supported(plan);
        long need = plan.WorkspaceBytes;
        plan.Dispose();
        return PlanResult.Unsupported($"needs {need} bytes of workspace, MaxWorkspaceBytes allows {options.MaxWorkspaceBytes}");
    }

    private static OwnPlan Make(ConvProblem p, int threads) => (p.Op, p.Direction) switch
    {
        (_, Direction.BackwardBias) => new BiasPlan(p, threads),
        (not ConvOp.Deformable, _) => new RearrangePlan(p, threads),
        (_, Direction.Forward) when DeformDepthwisePlan.Serves(p) => new DeformDepthwisePlan(p, threads),
        (_, Direction.Forward) => new DeformForwardPlan(p, threads),
        (_, Direction.BackwardData) => new DeformDataPlan(p, threads),
        (_, Direction.BackwardWeights) => new DeformWeightsPlan(p, threads),
        _ => new DeformOffsetPlan(p, threads),
    };
}
