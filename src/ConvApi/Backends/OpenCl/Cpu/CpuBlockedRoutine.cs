using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>
/// cpu_blocked: forward and backward data of every linear variant on processors, tiles of pixels against blocks of output channels with all
/// sums in registers.
/// </summary>
internal sealed class CpuBlockedRoutine : CpuRoutine
{
    public override string Name => "cpu_blocked";

    public override string? Lacking(ClRequest request) => CpuPlan.Lacking(request);

    public override ClPlan Create(ClRequest request)
    {
        var view = new View(request.Problem);
        return new Plan(request, view, Geometry(request, view, CutOf(request)));
    }

    protected override (Func<CpuCut, bool> Suits, IEnumerable<CpuCut> Near) Space(ClRequest request, CpuCut at)
    {
        var view = new View(request.Problem);
        CpuBlockedGeometry own = Geometry(request, view, default);
        return (own.Suits, own.Suits(at) ? Geometry(request, view, at).Near() : []);
    }

    private static CpuBlockedGeometry Geometry(ClRequest request, View view, CpuCut cut) =>
        new(view, CpuPlan.VectorsOf(request), request.Problem.InputType.SizeOf(), request.Device.Properties.ComputeUnits, cut);

    private sealed class Plan : CpuPlan
    {
        private readonly CpuBlockedGeometry _g;
        private readonly ClKernel _main;
        private readonly ClKernel _weights;
        private readonly ClKernel? _pack;

        public Plan(ClRequest request, View view, CpuBlockedGeometry g)
            : base(request, view.IsDown ? "cpu_blocked" : "cpu_blocked:phases", g.ReadsOutside)
        {
            _g = g;
            long size = Problem.InputType.SizeOf();
            ClMemHandle packed = Allocate(g.PackedElements * size), init = Allocate(g.InitElements * size);
            _weights = CpuKernel("cpu_weights", "cpu_weights");
            _weights.Set(2, packed);
            _weights.Set(3, init);
            _weights.Set(4, Table(g.WeightTable));
            _main = CpuKernel("cpu_blocked", "cpu_blocked", $"-DR={g.Tile} -DV={g.Vectors} -DS={g.Step}", finishes: true);
            _main.Set(1, packed);
            _main.Set(2, init);
            _main.Set(5, Table(g.Table));
            SetPost(_main, 6);
            if (g.IsDirect) return;
            ClMemHandle panels = AllocateWorkspace(g.PanelElements * size);
            _main.Set(0, panels);
            _pack = CpuKernel("cpu_pack", "cpu_pack");
            _pack.Set(1, panels);
            _pack.Set(2, Table(g.PackTable));
            SetReal(_pack, 3, PadValue);
        }

        protected override IEnumerable<string> Steps =>
        [
            _g.IsDirect ? "input read where it lies" : $"input rows packed by channel{(_g.ReadsOutside ? " with their padding" : "")} by a kernel of its own",
            $"tiles of {_g.Tile} pixels by {_g.Width} channels, {_g.Phases} phase(s), {_g.WorkGroups} work-groups of one item",
        ];

        protected override void Pack()
        {
            _weights.Set(0, Weights!);
            _weights.Set(1, Bias?.Raw ?? default);
            _weights.Enqueue(_g.InitElements);
        }

        protected override void Run(in ClTensors tensors, ClMem source)
        {
            if (_pack is null) _main.Set(0, source);
            else
            {
                _pack.Set(0, source);
                _pack.Enqueue(_g.PackGroups, groupX: 1);
            }

            _main.Set(3, tensors.Residual.IsNull ? tensors.Result : tensors.Residual);
            _main.Set(4, tensors.Result);
            _main.Enqueue(_g.WorkGroups, groupX: 1);
        }
    }
}
