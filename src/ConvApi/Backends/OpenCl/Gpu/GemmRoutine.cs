using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl;

/// <summary>
/// gemm: implicit matrix products with tiles in local memory, for GPUs: forward, backward data and backward weights of every linear
/// variant, pointwise ones as their simplest case. It has run on PoCL only.
/// </summary>
internal sealed class GemmRoutine : ClRoutine
{
    // Fewer destination channels a group than this leave most of a tile empty.
    private const int LeastRows = 8;

    public override string Name => "gemm";

    public override string? Lacking(ClRequest request)
    {
        ConvProblem p = request.Problem;
        ClGeometry g = request.Geometry;
        if (p.Op is not (ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed) || p.InputType.IsInteger() || p.Direction == Direction.BackwardBias) return NotMine;
        bool weights = p.Direction == Direction.BackwardWeights;
        if (!weights && !g.IsDown && p.PaddingMode is not (PaddingMode.Zeros or PaddingMode.Constant)) return $"padding mode {Names.Of(p.PaddingMode)}: its adjoint reads an element from several places";
        int rows = g[weights || g.IsDown ? ClNumber.SmallPerGroup : ClNumber.BigPerGroup];
        if (rows < LeastRows) return $"{rows} destination channels a group: {LeastRows} are needed to fill a tile";
        if (Math.Max(g.BigPositions, g.SmallPositions) * Math.Max(1, p.Batch) > int.MaxValue / 2) return "positions beyond 2^30: columns of the product have 32 bits";
        if (weights && g.SmallPositions * g[ClNumber.SmallChannels] * Math.Max(1, p.Batch) > int.MaxValue / 2) return "a small side beyond 2^30 elements";
        if (g.Taps * Math.Max(g[ClNumber.BigPerGroup], g[ClNumber.SmallPerGroup]) > int.MaxValue / 2) return "a kernel beyond 2^30 weights a channel: rows of the product have 32 bits";
        return Tile(request) is null ? $"local memory of {request.Device.Properties.LocalBytes} bytes, work-groups of {request.Device.Properties.MaxWorkGroup}" : null;
    }

    public override IReadOnlyList<string> Variants(ClRequest request) =>
        [.. GemmTile.Space.Where(t => t.Fits(request.Device.Properties, request.Types.Real.SizeOf())).Select(t => t.ToString())];

    public override ClPlan Create(ClRequest request) => request.Problem.Direction == Direction.BackwardWeights
        ? new GemmWeightsPlan(request, Tile(request)!.Value) : new GemmPlan(request, Tile(request)!.Value);

    private static GemmTile? Tile(ClRequest request)
    {
        if (GemmTile.Find(request.Variant) is { } named) return named;
        foreach (GemmTile t in GemmTile.Space)
            if (t.Fits(request.Device.Properties, request.Types.Real.SizeOf())) return t;
        return null;
    }
}
