using ConvNative.Oracle.Variants;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>
/// The definitions once more, as slow and as literal as can be: coordinates in arrays, bounds-checked element by element, any
/// number of axes. Shares no code with the oracle.
/// </summary>
internal static class BruteForce
{
    public static IEnumerable<long[]> Coordinates(IReadOnlyList<long> shape)
    {
        var c = new long[shape.Count];
        if (shape.Any(s => s == 0)) yield break;
        while (true)
        {
            yield return (long[])c.Clone();
            int i = c.Length - 1;
            while (i >= 0 && ++c[i] == shape[i]) c[i--] = 0;
            if (i < 0) yield break;
        }
    }

    public static long Flat(IReadOnlyList<long> shape, params long[] c)
    {
        long f = 0;
        for (int i = 0; i < c.Length; i++)
        {
            Assert.IsTrue(c[i] >= 0 && c[i] < shape[i]);
            f = (f * shape[i]) + c[i];
        }

        return f;
    }

    /// <summary>What position q of an axis holds: an index, null for nothing, -1 for the constant; by walking, not by formula.</summary>
    public static long? Extend(long q, long size, PaddingMode mode)
    {
        if (q >= 0 && q < size) return q;
        switch (mode)
        {
            case PaddingMode.Zeros: return null;
            case PaddingMode.Constant: return -1;
            case PaddingMode.Replicate: return q < 0 ? 0 : size - 1;
            case PaddingMode.Circular:
                while (q < 0) q += size;
                while (q >= size) q -= size;
                return q;
        }

        // A point that walks to and fro between the walls.
        long at = 0, step = 1, way = Math.Abs(q);
        if (q < 0 && mode == PaddingMode.Symmetric) (at, way) = (0, way - 1);
        for (; way > 0; way--)
        {
            bool wall = at + step < 0 || at + step >= size;
            if (!wall) at += step;
            else if (mode == PaddingMode.Symmetric) step = -step;
            else if (size > 1) at += step = -step;
        }

        return at;
    }

    public static double[] Forward(ConvProblem p, double[] x, double[] w)
    {
        var y = new double[p.OutputShape.Product];
        long cg = p.InputChannels / p.Groups, og = p.OutputChannels / p.Groups;
        if (p.Op == ConvOp.Transposed)
        {
            foreach (long[] i in Coordinates(p.InputShape))
                foreach (long[] k in Coordinates(p.WeightShape.Slice(1)))
                {
                    long g = i[1] / cg;
                    long[] to = [i[0], (g * og) + k[0], .. Enumerable.Range(0, p.Rank).Select(a => (i[a + 2] * p.Strides[a]) - p.PadsBegin[a] + (k[a + 1] * p.Dilations[a]))];
                    if (to.Zip(p.OutputShape).Any(t => t.First < 0 || t.First >= t.Second)) continue;
                    y[Flat(p.OutputShape, to)] += x[Flat(p.InputShape, i)] * w[Flat(p.WeightShape, [i[1], .. k])];
                }

            return y;
        }

        foreach (long[] o in Coordinates(p.OutputShape))
            foreach (long[] k in Coordinates(p.WeightShape.Slice(1)))
            {
                long?[] at = [.. Enumerable.Range(0, p.Rank).Select(a => Extend((o[a + 2] * p.Strides[a]) - p.PadsBegin[a] + (k[a + 1] * p.Dilations[a]), p.InputSpatial[a], p.PaddingMode))];
                if (at.Any(q => q is null)) continue;
                long[] tap = p.Op == ConvOp.Convolution ? [.. Enumerable.Range(0, p.Rank).Select(a => p.Kernel[a] - 1 - k[a + 1])] : k[1..];
                double v = at.Any(q => q == -1) ? p.PadValue : x[Flat(p.InputShape, [o[0], (o[1] / og * cg) + k[0], .. at.Select(q => q!.Value)])];
                y[Flat(p.OutputShape, o)] += v * w[Flat(p.WeightShape, [o[1], k[0], .. tap])];
            }

        return y;
    }

    /// <summary>Every product of a linear problem with zeros around it: the elements of input, weights and output that meet. None where a tap reads padding.</summary>
    public static IEnumerable<(long X, long W, long Y)> Products(ConvProblem p)
    {
        bool transposed = p.Op == ConvOp.Transposed;
        (Dims read, Dims write) = transposed ? (p.OutputShape, p.InputShape) : (p.InputShape, p.OutputShape);
        long perRead = read[1] / p.Groups, perWrite = write[1] / p.Groups;
        foreach (long[] o in Coordinates(write))
            foreach (long[] k in Coordinates(p.WeightShape.Slice(1)))
            {
                long[] at = [.. Enumerable.Range(0, p.Rank).Select(a => (o[a + 2] * p.Strides[a]) - p.PadsBegin[a] + (k[a + 1] * p.Dilations[a]))];
                if (at.Zip(read.Slice(2)).Any(t => t.First < 0 || t.First >= t.Second)) continue;
                long[] tap = p.Op == ConvOp.Convolution ? [.. Enumerable.Range(0, p.Rank).Select(a => p.Kernel[a] - 1 - k[a + 1])] : k[1..];
                (long r, long w) = (Flat(read, [o[0], (o[1] / perWrite * perRead) + k[0], .. at]), Flat(write, o));
                yield return (transposed ? w : r, Flat(p.WeightShape, [o[1], k[0], .. tap]), transposed ? r : w);
            }
    }

    /// <summary>A small random problem: sizes odd and even, strides, dilations, groups, uneven pads, any padding mode.</summary>
    public static ConvProblem RandomProblem(Random r, ConvOp op, bool anyPadding = true)
    {
        while (true)
        {
            int rank = op == ConvOp.Deformable ? 2 : r.Next(1, 4);
            long groups = r.Next(1, 4), cg = r.Next(1, 4), og = r.Next(1, 4);
            long[] Draw(int low, int high) => [.. Enumerable.Range(0, rank).Select(_ => (long)r.Next(low, high))];
            var spec = new ConvSpec
            {
                Op = op,
                InputShape = [r.Next(1, 3), groups * cg, .. Draw(1, 8)],
                WeightShape = op == ConvOp.Transposed ? [groups * cg, og, .. Draw(1, 5)] : [groups * og, cg, .. Draw(1, 5)],
                Groups = groups,
                Strides = Dims.Create(Draw(1, 4)),
                Dilations = Dims.Create(Draw(1, 4)),
                PadsBegin = Dims.Create(Draw(0, 4)),
                PadsEnd = Dims.Create(Draw(0, 4)),
                OutputPadding = op == ConvOp.Transposed ? Dims.Create(Draw(0, 2)) : null,
                PaddingMode = anyPadding && op is ConvOp.Correlation or ConvOp.Convolution ? (PaddingMode)r.Next(6) : PaddingMode.Zeros,
                OffsetGroups = op == ConvOp.Deformable ? groups : 1,
            };
            if (spec.PaddingMode == PaddingMode.Constant) spec = spec with { PadValue = r.Next(-3, 4) };
            try
            {
                return spec.Build();
            }
            catch (ConvProblemException)
            {
                // A kernel that does not fit, a reflection too far: draw again.
            }
        }
    }

    public static double Inner(double[] a, double[] b) => a.Zip(b).Sum(t => t.First * t.Second);

    public static ConvProblem Toward(this ConvProblem p, Direction d) => p.With(s => s with { Direction = d });
}
