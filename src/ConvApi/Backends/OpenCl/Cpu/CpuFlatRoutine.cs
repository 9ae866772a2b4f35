using ConvNative.Backends.Common;
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
    private const long LeastWork = 2_000;
    private const int PartsPerUnit = 8;
    private const int FewestRows = 8;

    // A part's rows stay in a first-level cache.
    private const int PanelBytes = 24 * 1024;

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
        return IsLine(view.Big, axes[1].Big, axes[2].Big) && IsLine(view.Small, axes[1].Small, axes[2].Small) ? null : "planes that are not one line each";

        static bool IsLine(Strides5 s, int rows, int columns) => s.W == 1 && (rows == 1 || s.H == columns);
    }

    public override ClPlan Create(ClRequest request) => new Plan(request, new View(request.Problem), CutOf(request));

    protected override (Func<CpuCut, bool> Suits, IEnumerable<CpuCut> Near) Space(ClRequest request, CpuCut at)
    {
        CpuVectors vectors = CpuPlan.VectorsOf(request);
        return (c => c.Panel == 0 && c.Source == CpuSource.Any && (c.Rows == 0 || (c.Vectors == 1 && c.Rows <= MostRows(vectors))), Near());

        IEnumerable<CpuCut> Near()
        {
            foreach (int parts in Parts(request.Device.Properties.ComputeUnits)) yield return at with { Parts = parts };
            for (int rows = MostRows(vectors); rows > 1; rows -= 2) yield return at with { Rows = rows, Vectors = 1 };
        }
    }

    // Two sums for each, the vector that is read, and a weight or two.
    private static int MostRows(CpuVectors vectors) => vectors.Accumulators >= 28 ? 12 : 6;

    private sealed class Plan : CpuPlan
    {
        private readonly ClKernel _main;
        private readonly ClKernel _weights;
        private readonly int _channels;
        private readonly int _tile;
        private readonly int _rowsPerVector;
        private readonly int _rowsPerPart;
        private readonly long _groups;

        public Plan(ClRequest request, View view, CpuCut cut)
            : base(request, "cpu_flat", multipliesPadding: true)
        {
            bool down = view.IsDown;
            PhaseAxis h = new(view.Axes[1], down, view.Flip, PaddingMode.Zeros), w = new(view.Axes[2], down, view.Flip, PaddingMode.Zeros);
            (Phase hs, Phase ws) = (h.Phases[0], w.Phases[0]);
            (Strides5 from, Strides5 to) = down ? (view.Big, view.Small) : (view.Small, view.Big);
            int lanes = Vectors.Lanes, size = Problem.InputType.SizeOf(), width = ws.Count, rows = hs.Count;
            (int kh, int kw) = (hs.Offset.Length, ws.Offset.Length);
            _channels = view.BigChannels;
            _rowsPerVector = Math.Max(1, lanes / width);

            long work = Problem.Batch * _channels * (long)rows * width / lanes * kh * kw;
            long parts = cut.Parts > 0 ? cut.Parts : Math.Clamp(work / LeastWork, 1, (long)PartsPerUnit * request.Device.Properties.ComputeUnits);
            long planes = Problem.Batch * _channels;
            int fewest = Math.Min(rows, Math.Max(1, PanelBytes / size / width));
            int rowParts = Math.Max((rows + fewest - 1) / fewest, (int)Math.Clamp(parts / planes, 1, Math.Max(1, rows / FewestRows)));
            _rowsPerPart = (rows + rowParts - 1) / rowParts;
            rowParts = (rows + _rowsPerPart - 1) / _rowsPerPart;
            int channelsPerPart = (int)Math.Clamp(planes * rowParts / parts, 1, _channels), channelParts = (_channels + channelsPerPart - 1) / channelsPerPart;
            _groups = Problem.Batch * rowParts * channelParts;
            int vectorRows = (_rowsPerPart + _rowsPerVector - 1) / _rowsPerVector;
            _tile = cut.Rows > 0 ? cut.Rows : EqualTiles.Of(vectorRows, Math.Min(8, MostRows(Vectors)));

            string options = $"-DKH={kh} -DKW={kw} -DR={_tile} -DM={_rowsPerVector} -DV=1";
            ClMemHandle packed = Allocate((long)_channels * kh * kw * size), init = Allocate((long)_channels * size);
            _main = CpuKernel("cpu_flat", "cpu_flat", options, finishes: true);
            _main.Set(1, packed);
            _main.Set(2, init);
            _main.Set(5, Table([_channels, channelsPerPart, channelParts, rows, _rowsPerPart, rowParts, h.SourceSize, width, hs.Offset[0], ws.Offset[0], from.N, from.C, to.N, to.C]));
            _main.Set(6, size == sizeof(double) ? Allocate<long>(Masks(width, ws.Offset)) : Allocate<int>([.. Masks(width, ws.Offset).Select(m => (int)m)]));

            // Vectors begin up to one before the rows and end behind those of the last tile.
            long tiles = ((_rowsPerPart + (_tile * _rowsPerVector) - 1) / (_tile * _rowsPerVector) * _tile * _rowsPerVector) + kh;
            _main.SetLocal(7, ((tiles * width) + (4 * lanes)) * size);
            SetPost(_main, 8);
            Strides5 s = Strides5.Of(Problem.WeightShape, Problem.WeightLayout);
            _weights = CpuKernel("cpu_flat", "cpu_flat_weights", options, finishes: true);
            _weights.Set(2, packed);
            _weights.Set(3, init);
            _weights.Set(4, Table([_channels, s.N, .. from i in hs.Weight from k in ws.Weight select (i * s.H) + (k * s.W)]));
        }

        protected override IEnumerable<string> Steps =>
            [$"planes as lines, {_tile} vectors of {Vectors.Lanes} pixels {_rowsPerVector} row(s) apart; {_rowsPerPart} rows at a time copied between rows of zeros; {_groups} work-groups of one item"];

        protected override void Pack()
        {
            _weights.Set(0, Weights!);
            _weights.Set(1, Bias?.Raw ?? default);
            _weights.Enqueue(_channels);
        }

        protected override void Run(in ClTensors tensors, cl_mem source)
        {
            _main.Set(0, source);
            _main.Set(3, tensors.Residual.IsNull ? tensors.Result : tensors.Residual);
            _main.Set(4, tensors.Result);
            _main.Enqueue(_groups, groupX: 1);
        }

        // For each vector of a row and each column of taps: all ones where the tap stays in the row of its result.
        private long[] Masks(int width, int[] offsets)
        {
            int lanes = Vectors.Lanes;
            var masks = new List<long>();
            for (int q = 0; q < width; q += lanes)
            {
                int column = width >= lanes ? Math.Min(q, width - lanes) : 0;
                foreach (int offset in offsets)
                    for (int i = 0; i < lanes; i++) masks.Add((column + i) % width + offset is int at && at >= 0 && at < width ? -1 : 0);
            }

            return [.. masks];
        }
    }
}
