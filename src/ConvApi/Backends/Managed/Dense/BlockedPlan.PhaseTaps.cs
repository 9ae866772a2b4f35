using ConvNative.Backends.Common.Geometry;

namespace ConvNative.Backends.Managed.Dense;

internal sealed unsafe partial class BlockedPlan<T>
{
    /// <summary>A step of a tile with its kernels, by <see cref="ChannelBlock.Kernel"/>.</summary>
    private readonly struct TileStep(ColumnTile tile, ColumnStep step, TapColumns taps, nint[] kernels, int tiles)
    {
        public readonly int First = tile.First + step.Row;

        private readonly int _rows = step.Rows;

        /// <summary>So many tiles side by side are alike.</summary>
        public readonly int Tiles = tiles;
        public readonly TapColumns Taps = taps;

        /// <summary>Calls the kernel of a block; <paramref name="pair"/> is bytes of a pair of vectors.</summary>
        public void Run(int block, Kernels.MicroArguments* p, nint pair)
        {
            var kernel = (delegate*<Kernels.MicroArguments*, void>)kernels[block];
            if (block == ChannelBlock.NarrowKernel)
            {
                // These take one tile a call.
                for (int i = p->Tiles; i > 0; i--)
                {
                    kernel(p);
                    p->A += _rows * p->AStep;
                    p->Out += _rows * p->OutStep;
                    p->Init += _rows * p->InitStep;
                }

                return;
            }

            if (kernel != null)
            {
                kernel(p);
                return;
            }

            kernel = (delegate*<Kernels.MicroArguments*, void>)kernels[1];
            kernel(p);
            p->B += p->BRight;
            p->Out += pair;
            p->Init += pair;
            kernel(p);
            p->B -= p->BRight;
        }
    }

    /// <summary>Neighbouring kernel columns of a phase: where their taps lie in memory, for each result depth. Kernel rows are outermost, so that those of a result row lie side by side.</summary>
    private sealed class TapColumns
    {
        private readonly nint[][] _tables = new nint[3][];
        private readonly int[] _perKernelRow;

        public TapColumns(BlockedPlan<T> plan, PhaseTaps phase, (int From, int To)[] depths, int from, int to)
        {
            bool merge = to > from && plan._g.RowIsOneRun(phase.W, from, to);
            int perRow = merge ? 1 : to - from;
            Run = merge ? (to - from) * plan._g.FromPerGroup : plan._g.FromPerGroup;
            _perKernelRow = [.. depths.Select(i => (i.To - i.From) * perRow)];
            foreach (int vectors in plan._g.Blocks.Select(b => b.Vectors).Distinct())
            {
                var known = new Dictionary<(int, int), nint>();
                var tables = new nint[depths.Length];
                for (int i = 0; i < depths.Length; i++)
                    if (!known.TryGetValue(depths[i], out tables[i])) known.Add(depths[i], tables[i] = Write(plan, phase, depths[i], from, perRow, vectors));
                _tables[vectors >> 1] = tables;
            }
        }

        public int Run { get; }

        /// <summary>The taps that exist for a result depth, of kernel rows <paramref name="from"/> to <paramref name="to"/>.</summary>
        public nint* Of(int log, int depth, int from, int to, out int count)
        {
            int each = _perKernelRow[depth];
            count = Math.Max(0, to - from) * each;
            return (nint*)_tables[log][depth] + (2 * from * each);
        }

        private static nint Write(BlockedPlan<T> plan, PhaseTaps phase, (int From, int To) depth, int from, int perRow, int vectors)
        {
            BlockedGeometry g = plan._g;
            (Phase d, Phase h, Phase w) = (phase.D, phase.H, phase.W);
            int slices = depth.To - depth.From, t = 0;
            var table = (nint*)plan.AllocateWeights(Math.Max(1, h.Offset.Length * slices * perRow) * 2L * sizeof(nint));
            for (int j = 0; j < h.Offset.Length; j++)
                for (int i = depth.From; i < depth.To; i++)
                    for (int k = from; k < from + perRow; k++, t++)
                    {
                        long weights = (((((long)i * h.Offset.Length) + j) * w.Offset.Length * vectors) + (k * Math.Min(vectors, 2))) * g.FromPerGroup * plan._set.Lanes;
                        table[2 * t] = checked((nint)(g.TapOffset(d, h, w, i, j, k) * sizeof(T)));
                        table[(2 * t) + 1] = checked((nint)(weights * sizeof(T)));
                    }

            return (nint)table;
        }
    }

    /// <summary>One combination of phases of the three axes: its taps in memory and its kernels.</summary>
    private sealed class PhaseTaps
    {
        private readonly (int From, int To)[] _rows;

        public PhaseTaps(BlockedPlan<T> plan, int d, int h, int w, long weights)
        {
            BlockedGeometry g = plan._g;
            (D, H, W, Weights) = (g.D.Phases[d], g.H.Phases[h], g.W.Phases[w], weights);
            TapsTimesChannels = (long)D.Offset.Length * H.Offset.Length * W.Offset.Length * g.FromPerGroup;
            GroupWeights = TapsTimesChannels * g.Lanes;
            _rows = [.. Enumerable.Range(0, H.Count).Select(i => Inside(g.H, H, i, g.SkipsPadding))];
            (int From, int To)[] depths = [.. Enumerable.Range(0, D.Count).Select(i => Inside(g.D, D, i, g.SkipsPadding))];
            var columns = new Dictionary<(int, int), TapColumns>();
            var kernels = new Dictionary<int, nint[]>();
            foreach (ColumnStep s in g.Tiles[w].SelectMany(t => t.Steps))
            {
                if (!columns.ContainsKey((s.FirstTap, s.EndTap))) columns.Add((s.FirstTap, s.EndTap), new TapColumns(plan, this, depths, s.FirstTap, s.EndTap));
                if (kernels.ContainsKey(s.Rows)) continue;
                kernels.Add(s.Rows, new nint[4]);
                foreach (ChannelBlock b in g.Blocks)
                {
                    // Rows that four vectors are too many for take two pairs one after the other.
                    bool pairs = b.Vectors == 4 && s.Rows > plan._set.MostRows(4);
                    nint kernel = b.IsNarrow ? (nint)Kernels.NarrowSet.Find<T>(s.Rows, b.Valid) : (nint)plan._set.Find(s.Rows, pairs ? 2 : b.Vectors);
                    kernels[s.Rows][pairs ? 1 : b.Kernel] = kernel != 0 ? kernel : throw new InvalidOperationException($"no micro-kernel of {s.Rows} rows for {b}");
                }
            }

            TileCount = g.Tiles[w].Length;
            Tiles = [.. Alike(g.Tiles[w]).Select(t => t.First.Steps.Select(s => new TileStep(t.First, s, columns[(s.FirstTap, s.EndTap)], kernels[s.Rows], t.Count)).ToArray())];
            MostSteps = Tiles.Length == 0 ? 0 : Tiles.Max(t => t.Length);
        }

        public Phase D { get; }

        public Phase H { get; }

        public Phase W { get; }

        /// <summary>Where the phase's packed weights begin, in elements.</summary>
        public long Weights { get; }

        public long GroupWeights { get; }

        public long TapsTimesChannels { get; }

        /// <summary>The steps of each tile of a row; neighbours of one step that are alike are one.</summary>
        public TileStep[][] Tiles { get; }

        /// <summary>Tiles of a row.</summary>
        public int TileCount { get; }

        public int MostSteps { get; }

        /// <summary>The kernel rows that a result row reads.</summary>
        public (int From, int To) KernelRows(int row) => _rows[row];

        private static IEnumerable<(ColumnTile First, int Count)> Alike(ColumnTile[] tiles)
        {
            for (int i = 0, end; i < tiles.Length; i = end)
            {
                for (end = i + 1; end < tiles.Length && tiles[i].Steps.Length == 1 && tiles[end].Steps.SequenceEqual(tiles[i].Steps); end++)
                {
                }

                yield return (tiles[i], end - i);
            }
        }

        /// <summary>The offsets that lie inside, of those in ascending order; rows and slices of zeros need no products.</summary>
        private static (int From, int To) Inside(PhaseAxis axis, Phase phase, int index, bool skips)
        {
            int from = 0, to = phase.Offset.Length;
            while (skips && from < to && axis.SourceAt(index, phase.Offset[from]) < 0) from++;
            while (skips && to > from && axis.SourceAt(index, phase.Offset[to - 1]) < 0) to--;
            return (from, to);
        }
    }
}
