using ConvNative.Backends.Common.Geometry;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Arithmetic on taps against lists of all the products.</summary>
[TestClass]
public sealed class TapWindowTests
{
    [TestMethod]
    [DataRow(ConvOp.Correlation, Direction.Forward)]
    [DataRow(ConvOp.Convolution, Direction.Forward)]
    [DataRow(ConvOp.Transposed, Direction.Forward)]
    [DataRow(ConvOp.Correlation, Direction.BackwardData)]
    [DataRow(ConvOp.Convolution, Direction.BackwardData)]
    [DataRow(ConvOp.Transposed, Direction.BackwardData)]
    public void HasAllTapsWhereAsManyProductsMeet(ConvOp op, Direction direction)
    {
        var r = new Random(9);
        int whole = 0, lacking = 0;
        for (int i = 0; i < 150; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, op, anyPadding: false).With(s => s with { Direction = direction, InputLayout = (Layout)r.Next(2), OutputLayout = (Layout)r.Next(2) });
            var window = new TapWindow(p);
            bool forward = direction == Direction.Forward;
            Dims shape = p.ResultShape, strides = Layouts.Strides(shape, forward ? p.OutputLayout : p.InputLayout), sourceShape = forward ? p.InputShape : p.OutputShape;
            Dims sourceStrides = Layouts.Strides(sourceShape, forward ? p.InputLayout : p.OutputLayout);
            Dictionary<long, HashSet<(long, long)>> met = BruteForce.Products(p).GroupBy(t => forward ? t.Y : t.X).ToDictionary(g => g.Key, g => g.Select(t => (forward ? t.X : t.Y, t.W)).ToHashSet());
            bool all = true;
            foreach (long[] c in BruteForce.Coordinates(shape))
            {
                HashSet<(long, long)> want = met.GetValueOrDefault(BruteForce.Flat(shape, c), []);
                long[] at = [.. Enumerable.Repeat(0L, 3 - p.Rank), .. c[2..]];
                bool has = want.Count == (long)window.Sources * window.Taps;
                Assert.AreEqual(has, window.HasAll(at[0], at[1], at[2]), $"{string.Join(',', c)} {p}");
                all &= has;
                Assert.AreEqual(Physical(c, strides), window.ResultOffset(c[0], (int)c[1], at[0], at[1], at[2]));

                var got = new HashSet<(long, long)>();
                for (int k = 0; k < window.Taps; k++)
                {
                    long first = window.SourceOffset(c[0], (int)c[1], at[0], at[1], at[2], k);
                    if (first < 0) continue;
                    for (int s = 0; s < window.Sources; s++) got.Add((first + (s * window.SourceStep), window.WeightOffset(Strides5.Of(p.WeightShape, p.WeightLayout), (int)c[1], s, k)));
                }

                HashSet<(long, long)> physical = [.. want.Select(t => (Physical(Coordinates(t.Item1, sourceShape), sourceStrides), t.Item2))];
                Assert.IsTrue(physical.SetEquals(got), $"{string.Join(',', c)} {p}");
            }

            Assert.AreEqual(all, window.IsWhole, p.ToString());
            _ = all ? whole++ : lacking++;
        }

        // A transposed output is whole only without stride, or with one tap.
        Assert.IsTrue((whole > 3 || op == ConvOp.Transposed) && lacking > 30, $"{whole} whole, {lacking} lacking");
    }

    private static long Physical(long[] c, Dims strides) => c.Zip(strides, (a, b) => a * b).Sum();

    private static long[] Coordinates(long flat, Dims shape)
    {
        var c = new long[shape.Count];
        for (int i = shape.Count - 1; i >= 0; i--) (flat, c[i]) = Math.DivRem(flat, shape[i]);
        return c;
    }
}
