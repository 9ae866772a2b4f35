using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>cpu_lanes: forward, depthwise or a few channels a group, channels-last, on processors; vectors run along channels.</summary>
internal sealed class CpuLanesRoutine : CpuRoutine
{
    // Kernels up to this width are written out for all pixels of a tile.
    private const int WidestRow = 7;
    private const int FewestRows = 4;
    private const long LeastWork = 2_000;
    private const int PartsPerUnit = 8;

    // What a number of the tables takes while they are made.
    private const int NumberBytes = 32;

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

    public override ClPlan Create(ClRequest request) => new Plan(request, new View(request.Problem), CutOf(request));

    protected override (Func<CpuCut, bool> Suits, IEnumerable<CpuCut> Near) Space(ClRequest request, CpuCut at)
    {
        AxisMap w = new View(request.Problem).Axes[2];
        int most = MostRows(request, w);
        return (c => c.Panel == 0 && c.Source == CpuSource.Any && (c.Rows == 0 || (c.Vectors == 1 && c.Rows <= most)), Near());

        IEnumerable<CpuCut> Near()
        {
            foreach (int parts in Parts(request.Device.Properties.ComputeUnits)) yield return at with { Parts = parts };
            for (int rows = most; rows > 2; rows = EqualTiles.Of(most, rows - 1)) yield return at with { Rows = rows, Vectors = 1 };
        }
    }

    private static bool IsRow(AxisMap w) => w.Kernel is > 1 and <= WidestRow && w.Dilation == 1 && w.Stride <= 2;

    // Columns that a tile may have at most; one may be moved back to end with its row, but not beyond the row's begin.
    private static int MostRows(ClRequest request, AxisMap w)
    {
        int registers = CpuPlan.VectorsOf(request).Accumulators / 2, perGroup = request.Geometry[ClNumber.BigPerGroup];
        if (IsRow(w)) return Math.Min(w.Small, perGroup > 2 ? Math.Min(8, registers) : registers);
        (int inner, int end) = InnerColumns(w);
        return Math.Clamp(end - inner, 1, Math.Min(8, registers));
    }

    /// <summary>Columns whose taps all lie where the unpadded formula says.</summary>
    private static (int First, int End) InnerColumns(AxisMap axis)
    {
        int first = 0, end = axis.Small;
        while (first < end && !IsPlain(first)) first++;
        while (end > first && !IsPlain(end - 1)) end--;
        return (first, end);

        bool IsPlain(int j) => (j * axis.Stride) - axis.PadBegin >= 0 && (j * axis.Stride) - axis.PadBegin + ((axis.Kernel - 1) * axis.Dilation) < axis.Big;
    }

    private sealed class Plan : CpuPlan
    {
        private readonly View _view;
        private readonly ClKernel _main;
        private readonly ClKernel _weights;
        private readonly int _tile;
        private readonly int _blocks;
        private readonly long _groups;

        public Plan(ClRequest request, View view, CpuCut cut)
            : base(request, "cpu_lanes", multipliesPadding: false)
        {
            _view = view;
            int lanes = Vectors.Lanes, channels = view.BigChannels, perGroup = channels / view.Groups, size = Problem.InputType.SizeOf();
            _blocks = (channels + lanes - 1) / lanes;
            AxisMap w = view.Axes[2];
            (int inner, int innerEnd) = InnerColumns(w);
            _tile = cut.Rows > 0 ? cut.Rows : EqualTiles.Of(IsRow(w) ? w.Small : Math.Max(1, innerEnd - inner), MostRows(request, w));
            string options = $"-DP={perGroup} -DR={_tile} -DV=1 -DKW={(IsRow(w) ? w.Kernel : 0)} -DSW={(IsRow(w) ? w.Stride : 0)}";
            ClMemHandle packed = Allocate((long)_blocks * view.Taps * perGroup * lanes * size), init = Allocate((long)channels * size);
            (long[] table, _groups) = Describe(inner, innerEnd, cut);
            _main = CpuKernel("cpu_lanes", "cpu_lanes", options, finishes: true);
            _main.Set(1, packed);
            _main.Set(2, init);
            _main.Set(5, Table(table));
            SetPost(_main, 6);
            Strides5 ws = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
            _weights = CpuKernel("cpu_lanes", "cpu_lanes_weights", options, finishes: true);
            _weights.Set(2, packed);
            _weights.Set(3, init);
            _weights.Set(4, Table([channels, view.Taps, view.Axes[1].Kernel, view.Axes[2].Kernel, ws.N, ws.C, ws.D, ws.H, ws.W, view.Flip ? 1 : 0]));
        }

        protected override IEnumerable<string> Steps => [$"vectors of {Vectors.Lanes} channels, up to {_tile} pixels a tile, in place on both sides; {_groups} work-groups of one item"];

        protected override void Pack()
        {
            _weights.Set(0, Weights!);
            _weights.Set(1, Bias?.Raw ?? default);
            _weights.Enqueue((long)_blocks * Vectors.Lanes);
        }

        protected override void Run(in ClTensors tensors, ClMem source)
        {
            _main.Set(0, source);
            _main.Set(3, tensors.Residual.IsNull ? tensors.Result : tensors.Residual);
            _main.Set(4, tensors.Result);
            _main.Enqueue(_groups, groupX: 1);
        }

        private (long[] Table, long Groups) Describe(int inner, int innerEnd, CpuCut cut)
        {
            AxisMap d = _view.Axes[0], h = _view.Axes[1], w = _view.Axes[2];
            Strides5 x = _view.Big, y = _view.Small;
            long planes = Problem.Batch * d.Small;
            long work = planes * h.Small * w.Small * _view.Taps * _blocks * (_view.BigChannels / _view.Groups);
            long parts = cut.Parts > 0 ? cut.Parts : Math.Clamp(work / LeastWork, 1, (long)PartsPerUnit * Request.Device.Properties.ComputeUnits);

            // Rows share their neighbours' sources, channels share nothing; but few channels at a time read little of each line of memory.
            long perPart = Math.Clamp(planes * h.Small / parts, Math.Min(h.Small, FewestRows), h.Small), rowParts = (h.Small + perPart - 1) / perPart;
            long blocksPerPart = Math.Max(1, _blocks * planes * rowParts / parts), blockParts = (_blocks + blocksPerPart - 1) / blocksPerPart;
            MemoryBudget.Take((((Int128)d.Small * d.Kernel) + ((Int128)h.Small * h.Kernel) + ((Int128)w.Small * w.Kernel)) * NumberBytes);
            int[] slices = Sources(d), rows = Sources(h), columns = IsRow(w) ? Seen(w) : Sources(w);
            const int header = 25;
            List<long> t =
            [
                d.Small, h.Small, _view.BigChannels, d.Kernel, h.Kernel, w.Kernel, x.N, x.D, x.H, x.W, y.N, y.D, y.H, y.W,
                w.Stride, w.Small, inner, innerEnd, header, header + slices.Length, header + slices.Length + rows.Length, perPart, rowParts,
                blockParts, blocksPerPart,
            ];
            foreach (int[] source in (int[][])[slices, rows, columns])
                foreach (int s in source) t.Add(s);
            return ([.. t], planes * rowParts * blockParts);
        }

        // What every tap of every result shows.
        private static int[] Sources(AxisMap axis)
        {
            var sources = new int[axis.Small * axis.Kernel];
            for (int i = 0; i < sources.Length; i++) sources[i] = axis.At(i / axis.Kernel, i % axis.Kernel);
            return sources;
        }

        // What the columns of the padded row show, from the first tap of the first pixel on.
        private static int[] Seen(AxisMap w)
        {
            var seen = new int[((w.Small - 1) * (int)w.Stride) + w.Kernel];
            for (int p = 0; p < w.Small; p++)
                for (int k = 0; k < w.Kernel; k++) seen[(p * w.Stride) + k] = w.At(p, k);
            return seen;
        }
    }
}
