using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>
/// cpu_flat: forward and backward data, depthwise with stride 1 and results as wide as the source, channels-first, on processors; a plane is one line, and
/// vectors run along it.
/// </summary>
internal sealed class CpuFlatRoutine : CpuRoutine
{
    private const int MostTaps = 7;

    public override string Name => "cpu_flat";

    public override string? Lacking(ClRequest request)
    {
        if (CpuPlan.Lacking(request) is { } reason) return reason;
        var view = new View(request.Problem);
        if (view.Groups != view.BigChannels || view.Groups != view.SmallChannels) return NotMine;
        if (request.Problem.PaddingMode == PaddingMode.Constant && view.IsDown || request.Problem.PaddingMode is not (PaddingMode.Zeros or PaddingMode.Constant)) return "a padding that is not zeros";
        AxisMap[] axes = view.Axes;
        if (axes[0] is not { Kernel: 1, Big: 1, Small: 1 }) return "three axes";
        if (axes[1] is not { Stride: 1, Kernel: <= MostTaps } || axes[2] is not { Stride: 1, Kernel: <= MostTaps }) return $"strides, or more than {MostTaps} taps on an axis";
        if ((axes[1].Dilation != 1 && axes[1].Kernel > 1) || (axes[2].Dilation != 1 && axes[2].Kernel > 1)) return "dilation";
        if (axes[2].Big != axes[2].Small) return "rows of results that are not as long as the source's";
        if (axes[2].PadBegin >= CpuPlan.VectorsOf(request).Lanes) return "padding wider than a vector";
        if (!IsLine(view.Big, axes[1].Big, axes[2].Big) || !IsLine(view.Small, axes[1].Small, axes[2].Small)) return "planes that are not one line each";
        long local = Geometry(request, view, default).LocalBytes;
        return local <= request.Device.Properties.LocalBytes ? null : $"needs {local} bytes of local memory, the device has {request.Device.Properties.LocalBytes}";

        static bool IsLine(Strides5 s, int rows, int columns) => s.W == 1 && (rows == 1 || s.H == columns);
    }

    public override ClPlan Create(ClRequest request) => new Plan(request, Geometry(request, new View(request.Problem), CutOf(request)));

    protected override (Func<CpuCut, bool> Suits, IEnumerable<CpuCut> Near) Space(ClRequest request, CpuCut at)
    {
        var view = new View(request.Problem);
        int most = CpuFlatGeometry.MostRows(CpuPlan.VectorsOf(request));
        return (Suits, Near());

        bool Suits(CpuCut cut) => cut.Panel == 0 && cut.Source == CpuSource.Any && (cut.Rows == 0 || (cut.Vectors == 1 && cut.Rows <= most))
            && Geometry(request, view, cut).LocalBytes <= request.Device.Properties.LocalBytes;

        IEnumerable<CpuCut> Near()
        {
            foreach (int parts in Parts(request.Device.Properties.ComputeUnits)) yield return at with { Parts = parts };
            for (int rows = most; rows > 1; rows -= 2) yield return at with { Rows = rows, Vectors = 1 };
        }
    }

    private static CpuFlatGeometry Geometry(ClRequest request, View view, CpuCut cut) =>
        new(view, CpuPlan.VectorsOf(request), request.Problem.InputType.SizeOf(), request.Device.Properties.ComputeUnits, cut);

    private sealed class Plan : CpuPlan
    {
        private readonly ClKernel _main;
        private readonly ClKernel _weights;
        private readonly CpuFlatGeometry _g;

        public Plan(ClRequest request, CpuFlatGeometry g)
            : base(request, "cpu_flat", multipliesPadding: true)
        {
            _g = g;
            int size = Problem.InputType.SizeOf();
            (int kh, int kw) = (g.Rows.Offset.Length, g.Columns.Offset.Length);
            string options = $"-DKH={kh} -DKW={kw} -DR={g.Tile} -DM={g.RowsPerVector} -DV=1";
            ClMemHandle packed = Allocate((long)g.Channels * kh * kw * size), init = Allocate((long)g.Channels * size);
            long[] masks = g.Masks;
            _main = CpuKernel("cpu_flat", "cpu_flat", options, finishes: true);
            _main.Set(1, packed);
            _main.Set(2, init);
            _main.Set(5, Table(g.Table));
            _main.Set(6, size == sizeof(double) ? Allocate<long>(masks) : Allocate<int>([.. masks.Select(m => (int)m)]));
            _main.SetLocal(7, g.LocalBytes);
            SetPost(_main, 8);
            Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
            _weights = CpuKernel("cpu_flat", "cpu_flat_weights", options, finishes: true);
            _weights.Set(2, packed);
            _weights.Set(3, init);
            _weights.Set(4, Table([g.Channels, s.N, .. from i in g.Rows.Weight from k in g.Columns.Weight select (i * s.H) + (k * s.W)]));
        }

        protected override IEnumerable<string> Steps =>
            [$"planes as lines, {_g.Tile} vectors of {Vectors.Lanes} pixels {_g.RowsPerVector} row(s) apart; {_g.RowsPerPart} rows at a time copied between rows of zeros; {_g.WorkGroups} work-groups of one item"];

        protected override void Pack()
        {
            _weights.Set(0, Weights!);
            _weights.Set(1, Bias?.Raw ?? default);
            _weights.Enqueue(_g.Channels);
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
