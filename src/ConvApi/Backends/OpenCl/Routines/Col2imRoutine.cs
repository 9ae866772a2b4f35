using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>col2im: folds columns to an image by gathering; also the gradient of im2col.</summary>
internal sealed class Col2imRoutine : ClRoutine
{
    public override string Name => "col2im";

    public override string? Lacking(ClRequest request) =>
        request.Problem is { Op: ConvOp.Col2im, Direction: Direction.Forward } or { Op: ConvOp.Im2col, Direction: Direction.BackwardData }
            ? null : NotMine;

    public override ClPlan Create(ClRequest request) =>
        new RearrangePlan(request, "col2im", "col2im", true, request.Geometry.BigPositions, request.Geometry[ClNumber.BigChannels]);
}
