using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>
/// direct: every correlation, true and transposed convolution in every direction, one result a work-item, only taps that exist. The
/// yardstick of correctness for the fast routines, and what is left where none of them serves.
/// </summary>
internal sealed class DirectRoutine : ClRoutine
{
    public override string Name => "direct";

    public override bool IsPlain => true;

    public override string? Lacking(ClRequest request)
    {
        ConvProblem p = request.Problem;
        if (p.InputType.IsInteger()) return NotMine;
        return p.Op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed || p.Direction == Direction.BackwardBias ? null : NotMine;
    }

    public override ClPlan Create(ClRequest request) => new DirectPlan(request);
}
