using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;

namespace ConvNative.Backends.Managed.Dense;

/// <summary>
/// Blocked direct convolution, forward and backward data of every linear variant: tiles of pixels against blocks of output
/// channels, weights packed once by block. See the folder's README.
/// </summary>
internal sealed unsafe partial class BlockedPlan<T> : FinitePlan<T>
    where T : unmanaged, INumber<T>
{
    private readonly BlockedGeometry _g;
    private readonly KernelSet _set;
    private readonly PhaseTaps[] _phases;
    private readonly PhaseTaps[][] _together;
    private readonly T* _weights;
    private readonly long _weightBytes;
    private readonly T* _init;
    private readonly T* _limits;
    private T* _scratch;
    private readonly long _scratchPerWorker;
    private readonly long _rowBuffer;
    private long[] _panelOf;
    private readonly int[] _columns;
    private readonly int _inner;
    private readonly int _innerEnd;

    public BlockedPlan(View view, PlanOptions options, string name)
        : base(view, options, name)
    {
        _set = KernelSet.For<T>();
        _g = new BlockedGeometry(view, _set, sizeof(T), Threads, static channels => NarrowSet.Find<T>(1, channels) != null);
        _phases = new PhaseTaps[_g.D.Phases.Length * _g.H.Phases.Length * _g.W.Phases.Length];
        long at = 0;
        for (int i = 0, n = 0; i < _g.D.Phases.Length; i++)
            for (int j = 0; j < _g.H.Phases.Length; j++)
                for (int k = 0; k < _g.W.Phases.Length; k++, n++)
                {
                    _phases[n] = new PhaseTaps(this, i, j, k, at);
                    at += (long)_g.Groups * _phases[n].GroupWeights;
                }

        _weightBytes = at * sizeof(T);
        _weights = (T*)AllocateWeights(_weightBytes);
        _init = (T*)AllocateWeights((long)_g.Groups * _g.Lanes * sizeof(T));

        if (Post.AreLimits(out T least, out T most, out T factor))
        {
            _limits = (T*)AllocateWeights(3 * sizeof(T));
            (_limits[0], _limits[1], _limits[2]) = (least, most, factor);
        }

        // Phases that differ in their columns only may leave together.
        _together = _g.Interleaves ? [.. _phases.Chunk(_g.W.Phases.Length)] : [.. _phases.Select(p => new[] { p })];

        // A cache line apart, so that workers do not share one; kernels may load a whole vector past the last row.
        _rowBuffer = (long)_g.WaitingRows * _g.WaitingColumns * 4 * _set.Lanes;
        _scratchPerWorker = checked((_rowBuffer + _g.PanelElements + 63 + 64) / 64 * 64);
        _scratch = (T*)AllocateWorkspace(checked(_scratchPerWorker * Threads * sizeof(T)));
        _panelOf = new long[Threads];
        _columns = new int[_g.PanelColumns];
        for (int c = 0; c < _columns.Length; c++) _columns[c] = _g.W.Source(0, c);
        (_inner, _innerEnd) = InnerColumns();
    }

    /// <summary>The residual is read where the result goes, right before it does: no partial sum may have been there.</summary>
    internal override bool AddsInPlace => Array.TrueForAll(_g.Blocks, b => Finishes(b) && IsInPlace(b)) && !Array.Exists(_phases, p => p.MostSteps > 1 || p.H.Offset.Length > _g.KernelRows);

    protected override bool ReadsPadding => _g.ReadsPadding;

    protected override IEnumerable<string> Steps =>
    [
        _g.IsDirect ? "input read where it lies" : $"input rows packed channels-last{(_g.ReadsPadding ? " with their padding" : "")}",
        $"parts of {_g.RowsPerPart} output rows, blocks of channels in {_g.BlockParts} part(s)",
        $"tiles of up to {_g.MostPixels} pixels by {_g.Blocks[0].Vectors * _set.Lanes} channels, {_phases.Length} phase(s)",
    ];

    protected override void Renew()
    {
        base.Renew();
        _scratch = Another(_scratch);
        _panelOf = new long[Threads];
    }

    protected override void ExecuteFinite()
    {
        Array.Fill(_panelOf, -1);
        Spread(Problem.Batch * _g.Groups * _g.D.Count * _g.RowParts * _g.BlockParts);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
            foreach (PhaseTaps[] phases in _together)
                if (depth < phases[0].D.Count)
                    for (int h = h0; h < h1; h += _g.RowsPerPass)
                        for (int b = b0; b < b1; b++) Compute(phases, _g.Blocks[b], panel, scratch, n, group, depth, h0, h, Math.Min(h1, h + _g.RowsPerPass));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compute(PhaseTaps[] phases, ChannelBlock block, T* panel, T* rows, long n, int group, int depth, int h0, int from, int h1)
    {
        Strides5 to = _g.Target;
        PhaseTaps first = phases[0];
        int width = block.Vectors * _set.Lanes, columns = _g.Interleaves ? _g.WaitingColumns : first.W.Count;
        bool inPlace = IsInPlace(block), finishes = inPlace && Finishes(block);
        long step = _g.Interleaves ? to.W : first.W.Step * to.W, down = first.H.Step * to.H;
        long start = (n * to.N) + ((((long)group * _g.ToPerGroup) + block.First) * to.C) + ((first.D.First + (first.D.Step * depth)) * to.D)
            + (first.H.First * to.H) + (_g.Interleaves ? 0 : first.W.First * to.W);
        MicroArguments q = new()
        {
            AStep = checked((nint)((_g.IsDirect ? _g.W.SourceStep * _g.Source.W : _g.W.PanelStep * _g.PanelPixel) * sizeof(T))),
            AElement = sizeof(T),
            BStep = block.PairVectors * _set.Lanes * sizeof(T),
            Limits = (byte*)_limits,
            Residual = (nint)((byte*)Now.Residual - (byte*)Now.Result),
        };
        FinishKind finish = !finishes ? FinishKind.None : Now.Residual == null ? FinishKind.Limits : FinishKind.ResidualAndLimits;
        h1 = Math.Min(h1, first.H.Count);
        byte* ahead = null;

        // Rows that nothing follows are one call.
        int together = inPlace && (finishes || Post.IsNone) ? Math.Max(1, h1 - from) : _g.WaitingRows;
        for (int h = from; h < h1; h += together)
        {
            int end = Math.Min(h1, h + together);
            long at = start + (h * down);
            T* o = inPlace ? (T*)Now.Result + at : rows;
            long rowStep = inPlace ? down : (long)columns * width, pixelStep = inPlace ? to.W : width;
            int steps = _g.KernelRows < first.H.Offset.Length ? 1 : int.MaxValue;
            for (int i = 0; i == 0 || (steps == 1 && i < MostSteps(phases)); i++)
                for (int j = 0; j == 0 || j < first.H.Offset.Length; j += _g.KernelRows)
                    foreach (PhaseTaps phase in phases)
                    {
                        q.B = (byte*)(_weights + phase.Weights + (group * phase.GroupWeights) + ((long)block.LaneStart * phase.TapsTimesChannels));
                        q.BRight = block.Vectors == 4 ? (nint)(phase.W.Offset.Length * _g.FromPerGroup * q.BStep) : 0;
                        if (phases.Length == 1 && phase.TapsTimesChannels > 0 && (phase.D.Offset.Length == 1 || _g.KernelRows >= phase.H.Offset.Length)) ahead = LookAhead(ref q, phase, width * sizeof(T), ahead, j, h1 - from);
                        q.OutStep = checked((nint)((inPlace || _g.Interleaves ? phase.W.Step : 1) * pixelStep * sizeof(T)));
                        q.Init = (byte*)(_init + ((long)group * _g.Lanes) + block.LaneStart);
                        Rows(ref q, phase, block, panel, o + (_g.Interleaves ? phase.W.First * pixelStep : 0), rowStep, depth, h0, h, end, j, i, steps, finish);
                    }

            if (!inPlace) Leave(rows, at, block.Valid, width, columns, step, end - h, down);
            else if (!finishes && !Post.IsNone)
                for (int i = 0; i < end - h; i++) Finish(at + (i * down), block.Valid, columns, step);
        }
    }

    /// <summary>
    /// Asks for the weights behind those in use, which are read next, while all pixels pass over these: from memory they would come too late.
    /// A part that is cut by kernel rows looks ahead by as many of them, which lie side by side where the kernel has one slice.
    /// </summary>
    private byte* LookAhead(ref MicroArguments q, PhaseTaps phase, long width, byte* known, int j, int rows)
    {
        int kernelRows = phase.H.Offset.Length;
        long row = phase.TapsTimesChannels / kernelRows * width;
        byte* next = q.B + (Math.Min(j + _g.KernelRows, kernelRows) * row), end = (byte*)_weights + _weightBytes;
        if (next == known) return next;
        long tiles = (long)rows * phase.TileCount;
        q.Fetch = next;
        q.FetchStep = (nint)((width + tiles - 1) / tiles);
        q.FetchEnd = next + Math.Min(_g.KernelRows * row, end - next);
        return next;
    }

    // Results go where they belong, not through the row buffer.
    private bool IsInPlace(ChannelBlock block) => _g.Target.C == 1 && (block.Valid == block.Vectors * _set.Lanes || block.IsNarrow);

    private bool Finishes(ChannelBlock block) => _limits != null && !block.IsNarrow;

    private static int MostSteps(PhaseTaps[] phases)
    {
        int most = 0;
        foreach (PhaseTaps p in phases) most = Math.Max(most, p.MostSteps);
        return most;
    }

    /// <summary>
    /// Result rows h to end of one phase by kernel rows j and on, and by <paramref name="count"/> steps of each tile from <paramref name="step"/>
    /// on; all but the very first add to what is there. Steps are the outer order of each sum, whatever the cut. The last call for a tile
    /// finishes it: with its last sum where that reaches all of its pixels, else once more over them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Rows(ref MicroArguments q, PhaseTaps phase, ChannelBlock block, T* panel, T* o, long rowStep, int depth, int h0, int h, int end, int j, int step, int count, FinishKind finish)
    {
        long aRow = _g.IsDirect ? _g.H.SourceStep * _g.Source.H : _g.H.PanelStep * _g.PanelRow;
        int log = block.Vectors >> 1;
        byte* init = q.Init;
        nint pair = 2 * _set.Lanes * sizeof(T);
        if (j + _g.KernelRows < phase.H.Offset.Length) finish = FinishKind.None;
        fixed (MicroArguments* p = &q)
            for (T* a = panel + ((h - h0) * aRow); h < end; h++, a += aRow, o += rowStep)
            {
                (int from, int to) = phase.KernelRows(h);
                (from, to) = (Math.Max(from, j), Math.Min(to, j + _g.KernelRows));
                foreach (TileStep[] tile in phase.Tiles)
                {
                    for (int i = step; i < tile.Length && i - step < count; i++)
                    {
                        ref TileStep s = ref tile[i];
                        p->Finish = tile.Length == 1 ? finish : FinishKind.None;
                        p->Taps = s.Taps.Of(log, depth, from, to, out p->TapCount);
                        if ((i | j) != 0 && p->TapCount == 0 && p->Finish == FinishKind.None) continue;
                        if (p->Fetch >= p->FetchEnd) p->FetchStep = 0;
                        p->Run = s.Taps.Run;
                        p->A = (byte*)a + (s.First * p->AStep);
                        p->Out = (byte*)o + (s.First * p->OutStep);
                        p->Init = (i | j) != 0 ? p->Out : init;
                        p->InitStep = (i | j) != 0 ? p->OutStep : 0;
                        p->Tiles = s.Tiles;
                        s.Run(block.Kernel, p, pair);
                    }

                    if (finish == FinishKind.None || tile.Length == 1 || step >= tile.Length || tile.Length - step > count) continue;
                    (p->Finish, p->TapCount, p->Tiles) = (finish, 0, 1);
                    p->Init = p->Out = (byte*)o + (tile[0].First * p->OutStep);
                    p->InitStep = p->OutStep;
                    tile[0].Run(block.Kernel, p, pair);
                }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Leave(T* buffer, long at, int channels, int width, int columns, long step, int rows, long down)
    {
        if (step == 1 && down == columns) (columns, rows) = (columns * rows, 1);
        for (int i = 0; i < rows; i++, at += down, buffer += (long)columns * width)
        {
            Store(buffer, at, channels, width, columns, step);
            if (!Post.IsNone) Finish(at, channels, columns, step);
        }
    }

    /// <summary>Residual and activation, along whichever of channels and columns is contiguous.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Store(T* row, long at, int channels, int width, int columns, long step)
    {
        T* y = (T*)Now.Result + at;
        long c = _g.Target.C;
        if (c == 1)
            for (int w = 0; w < columns; w++) Copy.Run(row + ((long)w * width), y + (w * step), channels);
        else
            Transposition.ToChannels(row, width, y, c, step, columns, channels);
    }
}
