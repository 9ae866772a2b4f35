using ConvNative.Backends.Common;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

internal sealed unsafe partial class BlockedPlan<T>
{
    /// <summary>One combination of phases of the three axes: its taps in memory and its kernels.</summary>
    private sealed class PhaseTaps
    {
        private readonly nint[][] _tables = new nint[3][];
        private readonly nint[] _kernels = new nint[3];
        private readonly (int From, int To)[] _rows;
        private readonly int[] _perKernelRow;

        public PhaseTaps(BlockedPlan<T> plan, int d, int h, int w, long weights)
        {
            BlockedGeometry g = plan._g;
            (D, H, W, Weights) = (g.D.Phases[d], g.H.Phases[h], g.W.Phases[w], weights);
            TapsTimesChannels = (long)D.Offset.Length * H.Offset.Length * W.Offset.Length * g.FromPerGroup;
            GroupWeights = TapsTimesChannels * g.Lanes;
            bool merge = W.Offset.Length > 0 && g.RowIsOneRun(W);
            int perRow = merge ? 1 : W.Offset.Length;
            Run = merge ? W.Offset.Length * g.FromPerGroup : g.FromPerGroup;
            Tile = plan.PixelsOf(W.Count);

            // Rows and slices of zeros need no products.
            bool skips = !plan.View.IsDown || plan.Problem.PaddingMode == PaddingMode.Zeros;
            _rows = [.. Enumerable.Range(0, H.Count).Select(i => Inside(g.H, H, i, skips))];
            (int From, int To)[] depths = [.. Enumerable.Range(0, D.Count).Select(i => Inside(g.D, D, i, skips))];
            _perKernelRow = [.. depths.Select(i => (i.To - i.From) * perRow)];
            foreach (int vectors in g.Blocks.Select(b => b.Vectors).Distinct())
            {
                var known = new Dictionary<(int, int), nint>();
                var tables = new nint[D.Count];
                for (int i = 0; i < D.Count; i++)
                    if (!known.TryGetValue(depths[i], out tables[i])) known.Add(depths[i], tables[i] = Write(plan, depths[i], perRow, vectors));
                _tables[vectors >> 1] = tables;
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

        public int Run { get; }

        public int Tile { get; }

        /// <summary>The taps that exist for a result row, of kernel rows <paramref name="from"/> to <paramref name="to"/>.</summary>
        public nint* Taps(int log, int depth, int row, int from, int to, out int count)
        {
            (int first, int end) = _rows[row];
            (first, end) = (Math.Max(first, from), Math.Min(end, to));
            int each = _perKernelRow[depth];
            count = Math.Max(0, end - first) * each;
            return (nint*)_tables[log][depth] + (2 * first * each);
        }

        public delegate*<MicroArguments*, void> Kernel(int log) => (delegate*<MicroArguments*, void>)_kernels[log];

        /// <summary>The offsets that lie inside, of those in ascending order.</summary>
        private static (int From, int To) Inside(PhaseAxis axis, Phase phase, int index, bool skips)
        {
            int from = 0, to = phase.Offset.Length;
            while (skips && from < to && axis.SourceAt(index, phase.Offset[from]) < 0) from++;
            while (skips && to > from && axis.SourceAt(index, phase.Offset[to - 1]) < 0) to--;
            return (from, to);
        }

        /// <summary>Kernel rows outermost, so that those of a result row lie side by side.</summary>
        private nint Write(BlockedPlan<T> plan, (int From, int To) depth, int perRow, int vectors)
        {
            BlockedGeometry g = plan._g;
            int slices = depth.To - depth.From, taps = H.Offset.Length * slices * perRow, t = 0;
            var table = (nint*)plan.AllocateWeights(Math.Max(1, taps) * 2L * sizeof(nint));
            for (int j = 0; j < H.Offset.Length; j++)
                for (int i = depth.From; i < depth.To; i++)
                    for (int k = 0; k < perRow; k++, t++)
                    {
                        long weights = (((((long)i * H.Offset.Length) + j) * perRow) + k) * Run * vectors * plan._set.Lanes;
                        table[2 * t] = checked((nint)(g.TapOffset(D, H, W, i, j, k) * sizeof(T)));
                        table[(2 * t) + 1] = checked((nint)(weights * sizeof(T)));
                    }

            return (nint)table;
        }
    }
}
