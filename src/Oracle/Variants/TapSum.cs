using System.Numerics;

namespace ConvNative.Oracle.Variants;

/// <summary>
/// Lists the taps of one spatial position of the result: for each, the offset of the element within a channel of the source
/// (or <see cref="Extension.Outside"/> for the pad constant) and the offset of the weight within a kernel. Returns their number.
/// </summary>
internal delegate int TapList(int position, Span<int> source, Span<int> weight);

/// <summary>
/// Adds up <c>r[n, g*J + j, p] = sum_i sum_t source[n, g*I + i, s_t] * w[g, j, i, k_t]</c> and the same with absolute values,
/// for the taps t that a variant lists. This is the arithmetic only: which taps there are, and what i, j and the strides of w
/// mean, each variant says for itself.
/// </summary>
internal sealed class TapSum
{
    // What a thread holds of gathered operands, in doubles: stays within a core's cache.
    private const int Scratch = 1 << 16;

    public required int Batch { get; init; }

    public required int Groups { get; init; }

    /// <summary>I: source channels a group.</summary>
    public required int Sources { get; init; }

    /// <summary>J: result channels a group.</summary>
    public required int Results { get; init; }

    public required int Positions { get; init; }

    public required double[] Source { get; init; }

    /// <summary>Elements of one channel of the source.</summary>
    public required int SourcePlane { get; init; }

    public required double[] Weights { get; init; }

    /// <summary>Elements of one kernel.</summary>
    public required int Kernel { get; init; }

    /// <summary>True for weights <c>[g, i, j, k]</c>, false for <c>[g, j, i, k]</c>.</summary>
    public required bool SourcesFirst { get; init; }

    public required int MostTaps { get; init; }

    public required TapList Taps { get; init; }

    public double PadValue { get; init; }

    public Sums Run(long[]? sample) => sample is null ? RunAll(SourcesFirst ? ResultsFirst() : Weights) : RunSample(sample);

    /// <summary>Sum of products and of their absolute values.</summary>
    public static (double Sum, double Absolute) Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> w)
    {
        Vector<double> s0 = default, s1 = default, a0 = default, a1 = default;
        int i = 0, step = Vector<double>.Count;
        for (; i <= x.Length - (2 * step); i += 2 * step)
        {
            Vector<double> p0 = new Vector<double>(x[i..]) * new Vector<double>(w[i..]);
            Vector<double> p1 = new Vector<double>(x[(i + step)..]) * new Vector<double>(w[(i + step)..]);
            s0 += p0;
            a0 += Vector.Abs(p0);
            s1 += p1;
            a1 += Vector.Abs(p1);
        }

        double sum = Vector.Sum(s0 + s1), absolute = Vector.Sum(a0 + a1);
        for (; i < x.Length; i++)
        {
            double p = x[i] * w[i];
            sum += p;
            absolute += Math.Abs(p);
        }

        return (sum, absolute);
    }

    private Sums RunAll(double[] weights)
    {
        var sums = new Sums(checked(Batch * Groups * Results * Positions));
        int depth = Math.Max(1, Sources * MostTaps), chunk = Math.Clamp(Scratch / depth, 1, Math.Min(64, Positions));
        int chunks = (Positions + chunk - 1) / chunk;
        Parallel.For(
            0L,
            (long)Batch * Groups * chunks,
            () => new Room(chunk, depth, MostTaps),
            (unit, _, room) =>
            {
                int block = (int)(unit / chunks), first = (int)(unit % chunks) * chunk;
                Block(block / Groups, block % Groups, first, Math.Min(chunk, Positions - first), weights, room, sums);
                return room;
            },
            _ => { });
        return sums;
    }

    /// <summary>All result channels of one group at a run of positions. Positions with the same weights are summed side by side.</summary>
    private void Block(int n, int g, int first, int count, double[] weightsOf, Room room, Sums sums)
    {
        Span<bool> done = stackalloc bool[64];
        for (int a = 0; a < count; a++)
        {
            room.Counts[a] = Taps(first + a, room.Source(a), room.Weight(a));
            done[a] = false;
        }

        for (int a = 0; a < count; a++)
        {
            if (done[a]) continue;
            int taps = room.Counts[a], length = Sources * taps, members = 0;
            ReadOnlySpan<int> weights = room.Weight(a)[..taps];
            for (int b = a; b < count; b++)
            {
                if (done[b] || room.Counts[b] != taps || !weights.SequenceEqual(room.Weight(b)[..taps])) continue;
                done[b] = true;
                Gather(n, g, room.Source(b)[..taps], room.Patch(members));
                room.Members[members++] = b;
            }

            for (int j = 0; j < Results; j++)
            {
                GatherWeights(weightsOf, (((g * Results) + j) * Sources) * Kernel, Kernel, weights, room.Row);
                int at = checked(((((n * Groups) + g) * Results) + j) * Positions) + first;
                for (int m = 0; m < members; m++)
                {
                    (double sum, double absolute) = Dot(room.Patch(m)[..length], room.Row.AsSpan(0, length));
                    sums.Set(at + room.Members[m], sum, absolute, length);
                }
            }
        }
    }

    private Sums RunSample(long[] sample)
    {
        var sums = new Sums(sample.Length);
        var keys = new long[sample.Length];
        var slots = new int[sample.Length];
        int channels = Groups * Results;
        for (int i = 0; i < sample.Length; i++)
        {
            long channel = sample[i] / Positions, n = channel / channels, g = channel % channels / Results;
            keys[i] = (((n * Groups) + g) * Positions) + (sample[i] % Positions);
            slots[i] = i;
        }

        Array.Sort(keys, slots);
        var runs = new List<int>();
        for (int i = 0; i < keys.Length; i++)
            if (i == 0 || keys[i] != keys[i - 1]) runs.Add(i);
        runs.Add(keys.Length);
        int depth = Math.Max(1, Sources * MostTaps);
        Parallel.For(
            0,
            runs.Count - 1,
            () => new Room(1, depth, MostTaps),
            (run, _, room) =>
            {
                long key = keys[runs[run]];
                int position = (int)(key % Positions), block = (int)(key / Positions);
                int taps = Taps(position, room.Source(0), room.Weight(0)), length = Sources * taps;
                Gather(block / Groups, block % Groups, room.Source(0)[..taps], room.Patch(0));
                for (int i = runs[run]; i < runs[run + 1]; i++)
                {
                    int g = block % Groups, j = (int)(sample[slots[i]] / Positions % Results);
                    int start = ((g * Sources * Results) + (SourcesFirst ? j : j * Sources)) * Kernel;
                    GatherWeights(Weights, start, SourcesFirst ? Results * Kernel : Kernel, room.Weight(0)[..taps], room.Row);
                    (double sum, double absolute) = Dot(room.Patch(0)[..length], room.Row.AsSpan(0, length));
                    sums.Set(slots[i], sum, absolute, length);
                }

                return room;
            },
            _ => { });
        return sums;
    }

    private void Gather(int n, int g, ReadOnlySpan<int> offsets, Span<double> patch)
    {
        int to = 0;
        for (int i = 0; i < Sources; i++)
        {
            ReadOnlySpan<double> channel = Source.AsSpan((((n * Groups) + g) * Sources * SourcePlane) + (i * SourcePlane), SourcePlane);
            for (int t = 0; t < offsets.Length; t++) patch[to++] = offsets[t] < 0 ? PadValue : channel[offsets[t]];
        }
    }

    private void GatherWeights(double[] weights, int start, int step, ReadOnlySpan<int> offsets, Span<double> row)
    {
        int to = 0;
        for (int i = 0; i < Sources; i++)
        {
            ReadOnlySpan<double> kernel = weights.AsSpan(start + (i * step), Kernel);
            for (int t = 0; t < offsets.Length; t++) row[to++] = kernel[offsets[t]];
        }
    }

    /// <summary>A copy of the weights as <c>[g, j, i, k]</c>, so that one result channel's lie together: strided reads of large weights are slow.</summary>
    private double[] ResultsFirst()
    {
        var copy = new double[Weights.Length];
        for (int g = 0; g < Groups; g++)
            for (int i = 0; i < Sources; i++)
                for (int j = 0; j < Results; j++)
                    Weights.AsSpan(((((g * Sources) + i) * Results) + j) * Kernel, Kernel).CopyTo(copy.AsSpan(((((g * Results) + j) * Sources) + i) * Kernel));
        return copy;
    }

    /// <summary>One thread's memory.</summary>
    private sealed class Room(int chunk, int depth, int mostTaps)
    {
        private readonly int[] _source = new int[chunk * mostTaps];
        private readonly int[] _weight = new int[chunk * mostTaps];
        private readonly double[] _patches = new double[chunk * depth];

        public int[] Counts { get; } = new int[chunk];

        public int[] Members { get; } = new int[chunk];

        public double[] Row { get; } = new double[depth];

        public Span<int> Source(int a) => _source.AsSpan(a * mostTaps, mostTaps);

        public Span<int> Weight(int a) => _weight.AsSpan(a * mostTaps, mostTaps);

        public Span<double> Patch(int m) => _patches.AsSpan(m * depth, depth);
    }
}
