using ConvNative.Backends.Common;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>cpu_lanes: forward, depthwise or a few channels a group, channels-last, on processors; vectors run along channels.</summary>
internal sealed class CpuLanesRoutine : ClRoutine
{
    private const int MostRows = 8;
    private const long LeastWork = 2_000;
    private const int PartsPerUnit = 16;

    public override string Name => "cpu_lanes";

    public override string? Lacking(ClRequest request)
    {
        ConvProblem p = request.Problem;
        if (CpuPlan.Lacking(request) is { } reason) return reason;
        if (p.Op == ConvOp.Transposed || p.Direction != Direction.Forward) return NotMine;
        if (p.PaddingMode == PaddingMode.Constant) return "padding with a constant";
        int lanes = CpuPlan.VectorsOf(request).Lanes;
        long channels = p.InputShape[1], perGroup = channels / p.Groups;
        if (channels != p.OutputShape[1] || perGroup > 8 || perGroup >= lanes || lanes % perGroup != 0 || p.Groups == 1) return "groups that are not a part of a vector, as many channels in as out";
        if (channels < lanes) return $"{channels} channels: a vector has {lanes}";
        var view = new View(p);
        return view.Big.C == 1 && view.Small.C == 1 ? null : "channels that do not lie side by side";
    }

    public override ClPlan Create(ClRequest request) => new Plan(request, new View(request.Problem));

    private sealed class Plan : CpuPlan
    {
        private readonly View _view;
        private readonly ClKernel _main;
        private readonly ClKernel _weights;
        private readonly int _tile;
        private readonly int _blocks;
        private readonly long _groups;

        public Plan(ClRequest request, View view)
            : base(request, "cpu_lanes", multipliesPadding: false)
        {
            _view = view;
            int lanes = Vectors.Lanes, channels = view.BigChannels, perGroup = channels / view.Groups, size = Problem.InputType.SizeOf();
            _blocks = (channels + lanes - 1) / lanes;
            (int inner, int innerEnd) = InnerColumns(view.Axes[2]);
            _tile = Math.Max(1, EqualTiles.Of(innerEnd - inner, MostRows));
            string options = $"-DP={perGroup} -DR={_tile} -DV=1";
            ClMemHandle packed = Allocate((long)_blocks * view.Taps * perGroup * lanes * size), init = Allocate((long)channels * size);
            (long[] table, _groups) = Describe(inner, innerEnd);
            _main = CpuKernel("cpu_lanes", "cpu_lanes", options, finishes: true);
            _main.Set(1, packed);
            _main.Set(2, init);
            _main.Set(5, Table(table));
            SetPost(_main, 6);
            Strides5 w = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
            _weights = CpuKernel("cpu_lanes", "cpu_lanes_weights", options, finishes: true);
            _weights.Set(2, packed);
            _weights.Set(3, init);
            _weights.Set(4, Table([channels, view.Taps, view.Axes[1].Kernel, view.Axes[2].Kernel, w.N, w.C, w.D, w.H, w.W, view.Flip ? 1 : 0]));
        }

        protected override IEnumerable<string> Steps => [$"vectors of {Vectors.Lanes} channels, up to {_tile} pixels a tile, in place on both sides; {_groups} work-groups of one item"];

        protected override void Pack()
        {
            _weights.Set(0, Weights!);
            _weights.Set(1, Bias?.Raw ?? default);
            _weights.Enqueue((long)_blocks * Vectors.Lanes);
        }

        protected override void Run(in ClTensors tensors, cl_mem source)
        {
            _main.Set(0, source);
            _main.Set(3, tensors.Residual.IsNull ? tensors.Result : tensors.Residual);
            _main.Set(4, tensors.Result);
            _main.Enqueue(_groups, groupX: 1);
        }

        /// <summary>Columns whose taps all lie where the unpadded formula says; the others go one by one.</summary>
        private static (int First, int End) InnerColumns(AxisMap axis)
        {
            int first = 0, end = axis.Small;
            while (first < end && !IsPlain(first)) first++;
            while (end > first && !IsPlain(end - 1)) end--;
            return (first, end);

            bool IsPlain(int j) => (j * axis.Stride) - axis.PadBegin >= 0 && (j * axis.Stride) - axis.PadBegin + ((axis.Kernel - 1) * axis.Dilation) < axis.Big;
        }

        private (long[] Table, long Groups) Describe(int inner, int innerEnd)
        {
            AxisMap d = _view.Axes[0], h = _view.Axes[1], w = _view.Axes[2];
            Strides5 x = _view.Big, y = _view.Small;
            long rows = Problem.Batch * d.Small * h.Small;
            long work = rows * w.Small * _view.Taps * _blocks * (_view.BigChannels / _view.Groups);
            long parts = Math.Clamp(work / LeastWork, 1, (long)PartsPerUnit * Request.Device.Properties.ComputeUnits);
            long perPart = Math.Clamp(rows / parts, 1, h.Small), rowParts = (h.Small + perPart - 1) / perPart;
            const int header = 23;
            List<long> t =
            [
                d.Small, h.Small, _view.BigChannels, d.Kernel, h.Kernel, w.Kernel, x.N, x.D, x.H, x.W, y.N, y.D, y.H, y.W,
                w.Stride, w.Small, inner, innerEnd, header, header + d.Source.Length, header + d.Source.Length + h.Source.Length, perPart, rowParts,
            ];
            foreach (AxisMap a in (ReadOnlySpan<AxisMap>)[d, h, w])
                foreach (int s in a.Source) t.Add(s);
            return ([.. t], Problem.Batch * d.Small * rowParts);
        }
    }
}
