using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>shuffle: channel shuffle and its inverse, the gradient.</summary>
internal sealed class ShuffleRoutine : ClRoutine
{
    public override string Name => "shuffle";

    public override string? Lacking(ClRequest request) =>
        request.Problem.Op == ConvOp.ChannelShuffle ? null : NotMine;

    public override ClPlan Create(ClRequest request) => new RearrangePlan(
        request,
        "shuffle",
        request.Problem.Direction == Direction.Forward ? "shuffle_forward" : "shuffle_backward",
        request.Problem.Direction == Direction.Forward,
        request.Geometry.BigPositions,
        request.Problem.InputChannels);
}
