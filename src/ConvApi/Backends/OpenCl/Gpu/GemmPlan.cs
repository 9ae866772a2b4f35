using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl;

/// <summary>Forward and backward data as implicit matrix products; direct takes over on the device where weights are not finite.</summary>
internal sealed class GemmPlan : ClPlan
{
    private readonly ClGeometry _g;
    private readonly GemmTile _tile;
    private readonly ClKernel _pack;
    private readonly ClKernel _gemm;
    private readonly ClMemHandle _guard;
    private readonly ClMemHandle _zero;
    private readonly DirectPlan? _direct;
    private readonly int _rows;
    private readonly int _depth;
    private readonly long _positions;

    public GemmPlan(ClRequest request, GemmTile tile)
        : base(request, $"opencl:gemm:{tile}")
    {
        (_g, _tile) = (request.Geometry, tile);
        bool down = _g.IsDown;
        _rows = _g[down ? ClNumber.SmallPerGroup : ClNumber.BigPerGroup];
        _depth = checked((int)(_g[down ? ClNumber.BigPerGroup : ClNumber.SmallPerGroup] * _g.Taps));
        _positions = (down ? _g.SmallPositions : _g.BigPositions) * Problem.Batch;
        string options = $"{request.Types.Options} {tile.Options}{(down ? "" : " -DUP")}";
        ClMemHandle numbers = Numbers(_g), packed = Allocate(Problem.WeightCount * request.Types.Real.SizeOf());
        _guard = Allocate<int>([0]);
        _zero = Allocate<int>([0]);
        _pack = Kernel("gemm", "gemm_pack", options);
        _pack.Set(0, numbers);
        _pack.Set(2, packed);
        _pack.Set(3, _guard);
        _gemm = Kernel("gemm", "gemm", options);
        _gemm.Set(0, numbers);
        _gemm.Set(1, Reals(request.Types));
        _gemm.Set(3, packed);
        _gemm.Set(7, _guard);

        // Without padding, and in an adjoint without gaps, there are no zeros that could meet an infinite weight.
        if (!down || HasPadding(_g)) _direct = Own(new DirectPlan(request, _guard));
    }

    public override IReadOnlyList<string> Notes => ["implicit matrix product, tiles in local memory" + (_direct is null ? "" : "; weights that are not finite are direct's")];

    public override void Enqueue(in ClTensors t)
    {
        _gemm.Set(2, Problem.Direction == Direction.Forward ? t.Input : t.OutputGradient);
        _gemm.Set(4, Bias?.Raw ?? default);
        _gemm.Set(5, t.Residual);
        _gemm.Set(6, t.Result);
        long tiles = (_rows + _tile.M - 1) / _tile.M * (long)_g[ClNumber.Groups];
        _gemm.Enqueue((_positions + _tile.N - 1) / _tile.N * _tile.GroupX, tiles * _tile.GroupY, 1, _tile.GroupX, _tile.GroupY);
        _direct?.Enqueue(t);
    }

    protected override void PackWeights()
    {
        Request.Device.Copy(_zero.Raw, 0, _guard.Raw, 0, sizeof(int));
        _pack.Set(1, Weights!);
        _pack.Enqueue(_rows, _depth, _g[ClNumber.Groups]);
        if (_direct is null) Request.Device.Copy(_zero.Raw, 0, _guard.Raw, 0, sizeof(int));
        _direct?.SetWeights(Weights!.Raw, Bias?.Raw ?? default);
    }

    /// <summary>Whether a tap of some position lies outside, where it is nothing at all.</summary>
    public static bool HasPadding(ClGeometry g)
    {
        if (g.Problem.PaddingMode != PaddingMode.Zeros) return false;
        for (int a = 0; a < 3; a++)
        {
            long last = ((g[ClNumber.SmallD + a] - 1L) * g[ClNumber.StrideD + a]) + ((g[ClNumber.KernelD + a] - 1L) * g[ClNumber.DilationD + a]) - g[ClNumber.PadD + a];
            if (g[ClNumber.PadD + a] > 0 || last >= g[ClNumber.BigD + a]) return true;
        }

        return false;
    }
}
