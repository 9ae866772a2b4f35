using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>
/// deform: deformable convolutions v1 and v2 in every direction, as a matrix product (another routine's) with columns of samples. All
/// results are the same bits on every run.
/// </summary>
internal sealed class DeformRoutine : ClRoutine
{
    public override string Name => "deform";

    public override string? Lacking(ClRequest request)
    {
        ConvProblem p = request.Problem;
        if (p.Op != ConvOp.Deformable) return NotMine;
        return p.InputType is DataType.F32 or DataType.F64 && p.OutputType == p.InputType
            ? null : $"data types {p.InputType.Name()} in, {p.OutputType.Name()} out: deformable convolutions are computed in f32 and f64";
    }

    public override ClPlan Create(ClRequest request) =>
        request.Problem.Direction is Direction.Forward or Direction.BackwardWeights ? new DeformColumnsPlan(request) : new DeformGradientPlan(request);
}
