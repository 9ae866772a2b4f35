using ConvNative.Backends.Common;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>cpu_outer: backward weights on processors, outer products of the channels of both sides, summed over pixels in registers.</summary>
internal sealed class CpuOuterRoutine : CpuRoutine
{
    public override string Name => "cpu_outer";

    public override string? Lacking(ClRequest request)
    {
        ConvProblem p = request.Problem;
        ClTypes t = request.Types;
        if (p.Op is not (ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed) || p.Direction != Direction.BackwardWeights) return NotMine;
        if (t.Big is not (DataType.F32 or DataType.F64) || t.Big != t.Small || t.Big != t.Weights || p.OutputShape.Product == 0 || p.InputShape.Product == 0) return NotMine;
        if (p.PaddingMode != PaddingMode.Zeros) return "a padding that is not zeros";
        int lanes = CpuPlan.VectorsOf(request).Lanes, most = Math.Max(request.Geometry[ClNumber.BigPerGroup], request.Geometry[ClNumber.SmallPerGroup]);
        return most * 2 <= lanes ? $"{most} channels a group: more than half a vector of {lanes} is wanted" : null;
    }

    public override ClPlan Create(ClRequest request) => new Plan(request, Geometry(request, CutOf(request)));

    protected override (Func<CpuCut, bool> Suits, IEnumerable<CpuCut> Near) Space(ClRequest request, CpuCut at)
    {
        CpuOuterGeometry own = Geometry(request, default);
        return (own.Suits, own.Near(at, request.Device.Properties.ComputeUnits));
    }

    private static CpuOuterGeometry Geometry(ClRequest request, CpuCut cut) =>
        new(new View(request.Problem), CpuPlan.VectorsOf(request), request.Problem.InputType.SizeOf(), request.Device.Properties.ComputeUnits, cut);

    private sealed class Plan : CpuPlan
    {
        private readonly CpuOuterGeometry _g;
        private readonly ClKernel _main;
        private readonly ClKernel _sum;
        private readonly ClKernel? _pack;
        private readonly ClPlan? _bias;

        public Plan(ClRequest request, CpuOuterGeometry g)
            : base(request, "cpu_outer", multipliesPadding: false)
        {
            _g = g;
            long size = Problem.InputType.SizeOf();
            string options = $"-DR={g.Tile} -DV={g.Vectors} -DROW_STEP={(g.RowsAreDense ? 1 : 0)}";
            ClMemHandle sums = AllocateWorkspace(g.SumElements * size);
            _main = CpuKernel("cpu_outer", "cpu_outer", options);
            _main.Set(2, sums);
            _main.Set(3, Table(g.Table));
            _sum = CpuKernel("cpu_outer", "cpu_outer_sum", options);
            _sum.Set(0, sums);
            _sum.Set(2, Table(g.SumTable));
            if (Problem.HasBias) _bias = OwnPlan(new DirectPlan(new ClRequest(Problem.With(s => s with { Direction = Direction.BackwardBias }), request.Device, request.Options)));
            if (!g.IsPacked) return;
            ClMemHandle panels = AllocateWorkspace(g.PanelElements * size);
            _main.Set(0, panels);
            _pack = CpuKernel("cpu_outer", "cpu_outer_pack", options);
            _pack.Set(1, panels);
            _pack.Set(2, Table(g.PackTable));
        }

        protected override IEnumerable<string> Steps =>
        [
            $"vectors along the {(_g.BigLanes == (Problem.Op != ConvOp.Transposed) ? "input's" : "output gradient's")} channels, {(_g.IsPacked ? "packed" : "in place")}; {_g.Tile} rows by {_g.Vectors * Vectors.Lanes} lanes",
            $"{_g.Slices} slice(s) of the pixels, each summed on its own; {_g.WorkGroups} work-groups of one item",
        ];

        protected override void Pack()
        {
            // There are no weights.
        }

        protected override void Run(in ClTensors tensors, ClMem source)
        {
            (ClMem big, ClMem small) = Problem.Op == ConvOp.Transposed ? (tensors.OutputGradient, tensors.Input) : (tensors.Input, tensors.OutputGradient);
            (ClMem lanes, ClMem rows) = _g.BigLanes ? (big, small) : (small, big);
            if (_pack is null) _main.Set(0, lanes);
            else
            {
                _pack.Set(0, lanes);
                _pack.Enqueue(Problem.Batch * _g.PackParts, groupX: 1);
            }

            _main.Set(1, rows);
            _main.Enqueue(_g.WorkGroups, groupX: 1);
            _sum.Set(1, tensors.Result);
            _sum.Enqueue(_g.Results);
            if (!tensors.BiasResult.IsNull) _bias!.Enqueue(new ClTensors { OutputGradient = tensors.OutputGradient, Result = tensors.BiasResult });
        }
    }
}
