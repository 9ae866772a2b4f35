using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl;

/// <summary>Gradient of the weights as an implicit matrix product; direct takes over on the device where the small side is not finite.</summary>
internal sealed class GemmWeightsPlan : ClPlan
{
    // Enough to occupy any device; each work-item takes several elements.
    private const int GuardItems = 64 * 1024;

    private readonly ClGeometry _g;
    private readonly GemmTile _tile;
    private readonly ClKernel _gemm;
    private readonly ClKernel? _scan;
    private readonly ClMemHandle _guard;
    private readonly ClMemHandle _zero;
    private readonly DirectPlan? _direct;
    private readonly int _small;

    public GemmWeightsPlan(ClRequest request, GemmTile tile)
        : base(request, $"opencl:gemm:{tile}")
    {
        (_g, _tile) = (request.Geometry, tile);
        string options = $"{request.Types.Options} {tile.Options}";
        _guard = Allocate<int>([0]);
        _zero = Allocate<int>([0]);
        _gemm = Kernel("gemm", "gemm_weights", options);
        _gemm.Set(0, Numbers(_g));
        _gemm.Set(1, Reals(request.Types));
        _gemm.Set(5, _guard);
        bool guarded = GemmPlan.HasPadding(_g);
        if (guarded)
        {
            _small = checked((int)(_g.SmallPositions * _g[ClNumber.SmallChannels] * Problem.Batch));
            _scan = Kernel("gemm", "gemm_guard", options);
            _scan.Set(1, _guard);
            _scan.Set(2, _small);
        }

        // It also sums the bias.
        if (guarded || Problem.HasBias) _direct = Own(new DirectPlan(request, _guard));
    }

    public override IReadOnlyList<string> Notes => ["implicit matrix product, tiles in local memory" + (_scan is null ? "" : "; gradients that are not finite are direct's")];

    public override void Enqueue(in ClTensors t)
    {
        bool transposed = Problem.Op == ConvOp.Transposed;
        ClMem small = transposed ? t.Input : t.OutputGradient;
        if (_scan is not null)
        {
            Request.Device.Copy(_zero.Raw, 0, _guard.Raw, 0, sizeof(int));
            _scan.Set(0, small);
            _scan.Enqueue(Math.Min(_small, GuardItems));
        }

        _gemm.Set(2, transposed ? t.OutputGradient : t.Input);
        _gemm.Set(3, small);
        _gemm.Set(4, t.Result);
        long columns = _g[ClNumber.BigPerGroup] * _g.Taps;
        long tiles = (_g[ClNumber.SmallPerGroup] + _tile.M - 1) / _tile.M * (long)_g[ClNumber.Groups];
        _gemm.Enqueue((columns + _tile.N - 1) / _tile.N * _tile.GroupX, tiles * _tile.GroupY, 1, _tile.GroupX, _tile.GroupY);
        _direct?.Enqueue(t);
    }
}
