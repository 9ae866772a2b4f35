using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>im2col: the columns of an image; also the gradient of col2im.</summary>
internal sealed class Im2colRoutine : ClRoutine
{
    public override string Name => "im2col";

    public override string? Lacking(ClRequest request) =>
        request.Problem is { Op: ConvOp.Im2col, Direction: Direction.Forward } or { Op: ConvOp.Col2im, Direction: Direction.BackwardData }
            ? null : NotMine;

    public override ClPlan Create(ClRequest request) =>
        new RearrangePlan(request, "im2col", "im2col", true, request.Geometry.SmallPositions, request.Geometry[ClNumber.SmallChannels]);
}
