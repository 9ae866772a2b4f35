using System.Globalization;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Problems;

namespace ConvNative.Oracle;

/// <summary>Which elements of a large problem the oracle evaluates.</summary>
/// <param name="Indices">Flat logical indices of the result, ascending; null for all.</param>
/// <param name="Description">What was chosen, for the report.</param>
public sealed record Sampling(long[]? Indices, string Description)
{
    /// <summary>Problems up to this many multiply-adds are evaluated whole.</summary>
    public const long WholeLimit = 2_000_000_000;

    /// <summary>Random elements are never fewer than this (or all there are).</summary>
    public const int LeastRandom = 20_000;

    // The work that a sample may cost, in multiply-adds.
    private const long Budget = 1_500_000_000;

    /// <summary>
    /// Chooses. A sample holds every spatial corner in as many channels as a quarter of the work limit allows, every border position (the outermost
    /// ring of the result, and forward every position that reads padding) in as many channels as the work limit allows, at least
    /// one, and at least <see cref="LeastRandom"/> random elements. Results without spatial axes of the data (weight and bias gradients) are
    /// sampled at random.
    /// </summary>
    public static Sampling Choose(ConvProblem p, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(p);
        Dims shape = p.ResultShape;
        long total = shape.Product;
        if (p.MultiplyAdds <= WholeLimit || total <= LeastRandom) return new Sampling(null, $"all {total} elements");
        var random = new CounterRandom(seed);
        long cost = Math.Max(1, p.MultiplyAdds / total), budget = Math.Max(LeastRandom, Budget / cost), draw = 0;
        var chosen = new HashSet<long>();
        while (chosen.Count < LeastRandom) chosen.Add(random.Below(draw++, total));
        if (p.Direction is Direction.BackwardWeights or Direction.BackwardBias)
            return Make(chosen, total, $"{chosen.Count} random");

        Dims spatial = shape.Slice(2);
        long plane = spatial.Product, planes = total / plane, room = budget - chosen.Count;
        long[] corners = Positions(p, spatial, corner: true), borders = Positions(p, spatial, corner: false);
        long perCorner = Math.Clamp(room / 4 / corners.Length, 1, planes);
        Add(chosen, corners, perCorner, plane, planes, random, ref draw);
        long left = Math.Max(0, budget - chosen.Count);
        // One plane a border position is the promise; where even that is beyond the limit the promise costs what it costs.
        long perBorder = Math.Clamp(left / borders.Length, 1, planes);
        Add(chosen, borders, perBorder, plane, planes, random, ref draw);
        string Share(long n) => n == planes ? "every channel of every image" : string.Create(CultureInfo.InvariantCulture, $"{n} of {planes} channel planes each");
        return Make(chosen, total, $"all {corners.Length} corner positions in {Share(perCorner)}, all {borders.Length} border positions in {Share(perBorder)}, {LeastRandom} random elements");
    }

    private static Sampling Make(HashSet<long> chosen, long total, string text)
    {
        long[] indices = [.. chosen];
        Array.Sort(indices);
        return new Sampling(indices, $"{indices.Length} of {total} elements: {text}");
    }

    private static void Add(HashSet<long> chosen, long[] positions, long each, long plane, long planes, CounterRandom random, ref long draw)
    {
        foreach (long position in positions)
        {
            // Evenly spaced planes from a random start: distinct, and all of them when there is room for all.
            long start = random.Below(draw++, planes);
            for (long i = 0; i < each; i++) chosen.Add(((start + (i * planes / each)) % planes * plane) + position);
        }
    }

    /// <summary>Positions whose coordinates are extreme on every axis (corners), or on the border of at least one.</summary>
    private static long[] Positions(ConvProblem p, Dims spatial, bool corner)
    {
        bool padded = !corner && p.Direction == Direction.Forward && p.Op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Deformable;
        var found = new List<long>();
        for (long flat = 0; flat < spatial.Product; flat++)
        {
            long rest = flat;
            bool any = false, all = true;
            for (int i = spatial.Count - 1; i >= 0; i--)
            {
                (rest, long c) = Math.DivRem(rest, spatial[i]);
                bool extreme = c == 0 || c == spatial[i] - 1;
                if (padded)
                {
                    long first = (c * p.Strides[i]) - p.PadsBegin[i];
                    extreme |= first < 0 || first + ((p.Kernel[i] - 1) * p.Dilations[i]) >= p.InputSpatial[i];
                }

                any |= extreme;
                all &= extreme;
            }

            if (corner ? all : any) found.Add(flat);
        }

        return [.. found];
    }
}
