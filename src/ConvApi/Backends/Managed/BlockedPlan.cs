using System.Numerics;
using ConvNative.Backends.Common;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>
/// Blocked direct convolution, forward and backward data of every linear variant: tiles of pixels against blocks of output
/// channels, weights packed once by block. See the folder's README.
/// </summary>
internal sealed unsafe partial class BlockedPlan<T> : FinitePlan<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly BlockedGeometry _g;
    private readonly KernelSet _set;
    private readonly PhaseTaps[] _phases;
    private readonly T* _weights;
    private readonly T* _init;
    private readonly T* _scratch;
    private readonly long _scratchPerWorker;
    private readonly long _rowBuffer;
    private readonly long[] _panelOf;
    private readonly int[] _columns;
    private readonly int _inner;
    private readonly int _innerEnd;

    public BlockedPlan(View view, PlanOptions options, string name)
        : base(view, options, name)
    {
        _set = KernelSet.For<T>();
        _g = new BlockedGeometry(view, _set, sizeof(T), Threads);
        _phases = new PhaseTaps[_g.D.Phases.Length * _g.H.Phases.Length * _g.W.Phases.Length];
        long at = 0;
        for (int i = 0, n = 0; i < _g.D.Phases.Length; i++)
            for (int j = 0; j < _g.H.Phases.Length; j++)
                for (int k = 0; k < _g.W.Phases.Length; k++, n++)
                {
                    _phases[n] = new PhaseTaps(this, i, j, k, at);
                    at += (long)_g.Groups * _phases[n].GroupWeights;
                }

        _weights = (T*)AllocateWeights(at * sizeof(T));
        _init = (T*)AllocateWeights((long)_g.Groups * _g.Lanes * sizeof(T));

        // A cache line apart, so that workers do not share one; kernels may load a whole vector past the last row.
        _rowBuffer = (long)_g.W.Count * 4 * _set.Lanes;
        _scratchPerWorker = (_rowBuffer + _g.PanelElements + 63 + 64) / 64 * 64;
        _scratch = (T*)AllocateWorkspace(_scratchPerWorker * Threads * sizeof(T));
        _panelOf = new long[Threads];
        _columns = new int[_g.PanelColumns];
        for (int c = 0; c < _columns.Length; c++) _columns[c] = _g.W.Source(0, c);
        (_inner, _innerEnd) = InnerColumns();
    }

    protected override bool ReadsPadding => _g.ReadsOutside;

    protected override IEnumerable<string> Steps =>
    [
        _g.IsDirect ? "input read where it lies" : $"input rows packed channels-last{(_g.ReadsOutside ? " with their padding" : "")}, {_g.RowsPerPart} output rows at a time",
        $"tiles of up to {_set.MostRows(_g.Blocks[0].Vectors)} pixels by {_g.Blocks[0].Vectors * _set.Lanes} channels, {_phases.Length} phase(s)",
    ];

    private int PixelsOf(int columns) => BlockedGeometry.TileOf(columns, _set.MostRows(_g.Blocks[0].Vectors));

    protected override void ExecuteFinite()
    {
        Array.Fill(_panelOf, -1);
        Spread(Problem.Batch * _g.Groups * _g.D.Count * _g.RowParts * _g.BlockParts);
    }

    public override void DoParts(long from, long to, int worker)
    {
        T* source = Source;
        T* scratch = _scratch + (worker * _scratchPerWorker);
        for (long part = from; part < to; part++)
        {
            int blocks = (int)(part % _g.BlockParts);
            long place = part / _g.BlockParts, rest = place;
            int rows = (int)(rest % _g.RowParts);
            rest /= _g.RowParts;
            int depth = (int)(rest % _g.D.Count);
            rest /= _g.D.Count;
            int group = (int)(rest % _g.Groups);
            long n = rest / _g.Groups;
            T* x = source + (n * _g.Source.N) + ((long)group * _g.FromPerGroup * _g.Source.C);
            int h0 = rows * _g.RowsPerPart, h1 = Math.Min(_g.H.Count, h0 + _g.RowsPerPart);
            T* panel = scratch + _rowBuffer;
            if (_g.IsDirect) panel = x + (depth * _g.D.SourceStep * _g.Source.D) + (h0 * _g.H.SourceStep * _g.Source.H);
            else if (_panelOf[worker] != place)
            {
                Pack(x, panel, depth, h0, h1);
                _panelOf[worker] = place;
            }

            int b0 = (int)((long)_g.Blocks.Length * blocks / _g.BlockParts), b1 = (int)((long)_g.Blocks.Length * (blocks + 1) / _g.BlockParts);
            foreach (PhaseTaps phase in _phases)
                if (depth < phase.D.Count)
                    for (int b = b0; b < b1; b++) Compute(phase, _g.Blocks[b], panel, scratch, n, group, depth, h0, h1);
        }
    }

    private void Compute(PhaseTaps phase, ChannelBlock block, T* panel, T* row, long n, int group, int depth, int h0, int h1)
    {
        Strides5 to = _g.Target;
        int vectors = block.Vectors, width = vectors * _set.Lanes, columns = phase.W.Count, tile = phase.Tile;
        bool inPlace = to.C == 1 && block.Valid == width;
        long start = (n * to.N) + ((((long)group * _g.ToPerGroup) + block.First) * to.C) + ((phase.D.First + (phase.D.Step * depth)) * to.D) + (phase.W.First * to.W);
        long step = phase.W.Step * to.W;
        long aRow = _g.IsDirect ? _g.H.SourceStep * _g.Source.H : _g.H.PanelStep * _g.PanelRow;
        long aPixel = _g.IsDirect ? _g.W.SourceStep * _g.Source.W : _g.W.PanelStep * _g.PanelPixel;
        int log = vectors >> 1;
        MicroArguments q = new()
        {
            AStep = checked((nint)(aPixel * sizeof(T))),
            B = (byte*)(_weights + phase.Weights + (group * phase.GroupWeights) + ((long)block.LaneStart * phase.TapsTimesChannels)),
            BStep = width * sizeof(T),
            Taps = phase.Table(log),
            TapCount = phase.TapCount,
            Run = phase.Run,
            Init = (byte*)(_init + ((long)group * _g.Lanes) + block.LaneStart),
            OutStep = inPlace ? checked((nint)(step * sizeof(T))) : width * sizeof(T),
        };
        delegate*<MicroArguments*, void> kernel = phase.Kernel(log);
        for (int h = h0; h < Math.Min(h1, phase.H.Count); h++)
        {
            T* a = panel + ((h - h0) * aRow);
            long at = start + ((phase.H.First + (phase.H.Step * h)) * to.H);
            T* o = inPlace ? (T*)Now.Result + at : row;
            for (int w = 0; w < columns; w += tile)
            {
                int w0 = Math.Min(w, columns - tile);
                q.A = (byte*)(a + (w0 * aPixel));
                q.Out = (byte*)o + (w0 * q.OutStep);
                kernel(&q);
            }

            if (!inPlace) Store(row, at, block.Valid, width, columns, step);
            if (!Post.IsNone) Finish(at, block.Valid, columns, step);
        }
    }

    /// <summary>Residual and activation, along whichever of channels and columns is contiguous.</summary>
    private void Finish(long at, int channels, int columns, long step)
    {
        long c = _g.Target.C;
        if (c == 1)
            for (int w = 0; w < columns; w++) Finish(at + (w * step), channels);
        else if (step == 1)
            for (int i = 0; i < channels; i++) Finish(at + (i * c), columns);
        else
            for (int i = 0; i < channels; i++)
                for (int w = 0; w < columns; w++) Finish(at + (i * c) + (w * step), 1);
    }

    private void Store(T* row, long at, int channels, int width, int columns, long step)
    {
        T* y = (T*)Now.Result + at;
        long c = _g.Target.C;
        if (c == 1)
            for (int w = 0; w < columns; w++) new ReadOnlySpan<T>(row + ((long)w * width), channels).CopyTo(new Span<T>(y + (w * step), channels));
        else
            Transposition.ToChannels(row, width, y, c, step, columns, channels);
    }

    /// <summary>One combination of phases of the three axes: its taps in memory and its kernels.</summary>
    private sealed class PhaseTaps
    {
        private readonly nint[] _tables = new nint[3];
        private readonly nint[] _kernels = new nint[3];

        public PhaseTaps(BlockedPlan<T> plan, int d, int h, int w, long weights)
        {
            BlockedGeometry g = plan._g;
            (D, H, W, Weights) = (g.D.Phases[d], g.H.Phases[h], g.W.Phases[w], weights);
            int rows = D.Offset.Length * H.Offset.Length, taps = rows * W.Offset.Length;
            TapsTimesChannels = (long)taps * g.FromPerGroup;
            GroupWeights = TapsTimesChannels * g.Lanes;
            bool merge = g.RowIsOneRun(W);
            (TapCount, Run) = merge ? (taps == 0 ? 0 : rows, W.Offset.Length * g.FromPerGroup) : (taps, g.FromPerGroup);
            Tile = plan.PixelsOf(W.Count);
            foreach (int vectors in g.Blocks.Select(b => b.Vectors).Distinct())
            {
                var table = (nint*)plan.AllocateWeights(Math.Max(1, TapCount) * 2L * sizeof(nint));
                for (int t = 0; t < TapCount; t++)
                {
                    int perRow = merge ? 1 : W.Offset.Length, k = t % perRow, j = t / perRow % H.Offset.Length, i = t / perRow / H.Offset.Length;
                    table[2 * t] = checked((nint)(g.TapOffset(D, H, W, i, j, k) * sizeof(T)));
                    table[(2 * t) + 1] = checked((nint)t * Run * vectors * plan._set.Lanes * sizeof(T));
                }

                _tables[vectors >> 1] = (nint)table;
                _kernels[vectors >> 1] = Tile == 0 ? 0 : (nint)plan._set.Find(Tile, vectors);
            }
        }

        public Phase D { get; }

        public Phase H { get; }

        public Phase W { get; }

        /// <summary>Where the phase's packed weights begin, in elements.</summary>
        public long Weights { get; }

        public long GroupWeights { get; }

        public long TapsTimesChannels { get; }

        public int TapCount { get; }

        public int Run { get; }

        public int Tile { get; }

        public nint* Table(int log) => (nint*)_tables[log];

        public delegate*<MicroArguments*, void> Kernel(int log) => (delegate*<MicroArguments*, void>)_kernels[log];
    }
}
