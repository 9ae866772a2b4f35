using ConvNative.Backends.CuDnn.Graph;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>
/// A linear problem in cuDNN's words: one correlation from image x to y with filter w, or a gradient of it. A transposed convolution
/// is the correlation whose data gradient it is: its input is y, its output x.
/// </summary>
internal sealed record Core
{
    public required GraphKind Kind { get; init; }

    public required Dims Image { get; init; }

    public required Dims Output { get; init; }

    public required Dims Pre { get; init; }

    /// <summary>What the sizes imply; negative where the last rows of the image are never read.</summary>
    public required Dims Post { get; init; }

    public static Core Of(ConvProblem p)
    {
        bool transposed = p.Op == ConvOp.Transposed;
        Dims x = transposed ? p.OutputShape : p.InputShape, y = transposed ? p.InputShape : p.OutputShape;
        var post = new long[p.Rank];
        for (int i = 0; i < p.Rank; i++) post[i] = ConvGeometry.ImpliedPadEnd(x[i + 2], y[i + 2], p.Kernel[i], p.Strides[i], p.Dilations[i], p.PadsBegin[i]);
        return new Core
        {
            Kind = p.Direction switch
            {
                Direction.Forward => transposed ? GraphKind.BackwardData : GraphKind.Forward,
                Direction.BackwardData => transposed ? GraphKind.Forward : GraphKind.BackwardData,
                _ => GraphKind.BackwardFilter,
            },
            Image = x,
            Output = y,
            Pre = p.PadsBegin,
            Post = Dims.Create(post),
        };
    }
}
