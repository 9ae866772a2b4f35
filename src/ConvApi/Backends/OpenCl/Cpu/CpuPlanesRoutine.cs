using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>
/// cpu_planes: forward and backward data with few output channels a group (depthwise among them), channels-first, on processors; vectors run
/// along pixels.
/// </summary>
internal sealed class CpuPlanesRoutine : CpuRoutine
{
    public override string Name => "cpu_planes";

    public override string? Lacking(ClRequest request)
    {
        ConvProblem p = request.Problem;
        if (CpuPlan.Lacking(request) is { } reason) return reason;
        bool down = request.Geometry.IsDown;
        int lanes = CpuPlan.VectorsOf(request).Lanes, outputs = request.Geometry[down ? ClNumber.SmallPerGroup : ClNumber.BigPerGroup];
        if (outputs * 2 > lanes) return $"{outputs} output channels a group: half a vector of {lanes} at most";
        var view = new View(p);
        if (view.Big.W != 1 || view.Small.W != 1) return "pixels that do not lie side by side";
        long local = Geometry(request, view, default).LocalBytes;
        return local <= request.Device.Properties.LocalBytes ? null : $"needs {local} bytes of local memory, the device has {request.Device.Properties.LocalBytes}";
    }

    public override ClPlan Create(ClRequest request)
    {
        var view = new View(request.Problem);
        return new Plan(request, Geometry(request, view, CutOf(request)));
    }

    protected override (Func<CpuCut, bool> Suits, IEnumerable<CpuCut> Near) Space(ClRequest request, CpuCut at)
    {
        var view = new View(request.Problem);
        CpuPlanesGeometry own = Geometry(request, view, default);
        return (Suits, own.Near(at, request.Device.Properties.ComputeUnits));

        bool Suits(CpuCut cut) => own.Suits(cut) && Geometry(request, view, cut).LocalBytes <= request.Device.Properties.LocalBytes;
    }

    private static CpuPlanesGeometry Geometry(ClRequest request, View view, CpuCut cut) =>
        new(view, CpuPlan.VectorsOf(request), request.Problem.InputType.SizeOf(), request.Device.Properties.ComputeUnits, cut);

    private sealed class Plan : CpuPlan
    {
        private readonly CpuPlanesGeometry _g;
        private readonly ClKernel _main;
        private readonly ClKernel _weights;

        public Plan(ClRequest request, CpuPlanesGeometry g)
            : base(request, "cpu_planes", g.ReadsOutside)
        {
            _g = g;
            long size = Problem.InputType.SizeOf();
            ClMemHandle packed = Allocate(g.PackedElements * size), init = Allocate(g.Outputs * size);
            string options = $"-DR={g.Tile} -DV={g.Vectors}";
            _main = CpuKernel("cpu_planes", "cpu_planes", options, finishes: true);
            _main.Set(1, packed);
            _main.Set(2, init);
            _main.Set(5, Table(g.Table));
            _main.SetLocal(6, g.LocalBytes);
            SetReal(_main, 7, PadValue);
            SetPost(_main, 8);
            _weights = CpuKernel("cpu_planes", "cpu_planes_weights", options, finishes: true);
            _weights.Set(2, packed);
            _weights.Set(3, init);
            _weights.Set(4, Table(g.WeightTable));
        }

        protected override IEnumerable<string> Steps =>
            [$"{_g.Tile} channels by {_g.Vectors} vectors of pixels; {_g.RowsPerPart} rows at a time copied with their padding, {_g.Phases} phase(s), {_g.WorkGroups} work-groups of one item"];

        protected override void Pack()
        {
            _weights.Set(0, Weights!);
            _weights.Set(1, Bias?.Raw ?? default);
            _weights.Enqueue(_g.Outputs);
        }

        protected override void Run(in ClTensors tensors, ClMem source)
        {
            _main.Set(0, source);
            _main.Set(3, tensors.Residual.IsNull ? tensors.Result : tensors.Residual);
            _main.Set(4, tensors.Result);
            _main.Enqueue(_g.WorkGroups, groupX: 1);
        }
    }
}
