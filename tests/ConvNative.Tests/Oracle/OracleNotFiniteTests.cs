using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Oracle.Verdicts;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>The oracle on infinities and NaNs: they reach what a tap that exists brings them to, and nothing else.</summary>
[TestClass]
public sealed class OracleNotFiniteTests
{
    [TestMethod]
    [DataRow(ConvOp.Correlation)]
    [DataRow(ConvOp.Convolution)]
    [DataRow(ConvOp.Transposed)]
    public void EveryDirectionIsTheSumOfTheProductsThatExist(ConvOp op)
    {
        var r = new Random(40 + (int)op);
        int finite = 0, nan = 0, infinite = 0;
        for (int i = 0; i < 120; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, op, anyPadding: false);
            foreach (Direction d in (Direction[])[Direction.Forward, Direction.BackwardData, Direction.BackwardWeights])
            {
                ConvProblem q = p.Toward(d);
                OracleTensors t = Fills.Create(q, FillKind.NotFinite, (ulong)i);
                double[] want = Sum(q, t), got = NaiveOracle.Compute(q, t).Values;
                for (int e = 0; e < want.Length; e++)
                {
                    if (double.IsFinite(want[e])) Assert.AreEqual(want[e], got[e], 1e-9 * (1 + Math.Abs(want[e])), $"element {e} {q}");
                    else Assert.AreEqual(want[e], got[e], $"element {e} {q}");
                }

                finite += want.Count(double.IsFinite);
                nan += want.Count(double.IsNaN);
                infinite += want.Count(double.IsInfinity);
            }
        }

        Assert.IsTrue(Math.Min(finite, Math.Min(nan, infinite)) * 40 > finite + nan + infinite, $"{finite} finite, {nan} NaN, {infinite} infinite: nothing to tell apart");
    }

    /// <summary>Padding with zeros is nothing: the border of a padded problem is the same kernel's remainder on the bare input.</summary>
    [TestMethod]
    public void ABorderElementIsTheCroppedKernels()
    {
        ConvProblem padded = new ConvSpec { InputShape = [1, 2, 7], WeightShape = [3, 2, 4], PadsBegin = [3], PadsEnd = [0] }.Build();
        OracleTensors t = Fills.Create(padded, FillKind.NotFinite, 7);
        double[] y = NaiveOracle.Compute(padded, t).Values;
        for (int missing = 0; missing < 4; missing++)
        {
            int taps = 4 - missing;
            ConvProblem bare = new ConvSpec { InputShape = [1, 2, 7], WeightShape = [3, 2, taps] }.Build();
            double[] w = [.. t.Weights!.Chunk(4).SelectMany(k => k[missing..])];
            double[] z = NaiveOracle.Compute(bare, t with { Weights = w }).Values;
            for (int o = 0; o < 3; o++) Assert.AreEqual(z[o * (8 - taps)], y[(o * 7) + 3 - missing], 1e-12, $"channel {o}, {missing} taps missing");
        }
    }

    [TestMethod]
    public void AnEngineThatMultipliesPaddingFails()
    {
        ConvProblem p = ConvProblem.Parse("--dir=FWD_D mb1ic3ih7iw9oc8kh3kw3ph1pw1"), explicitly = ConvProblem.Parse("--dir=FWD_D mb1ic3ih9iw11oc8kh3kw3ph0pw0");
        OracleTensors t = Fills.Create(p, FillKind.NotFinite, 1);
        var x = new double[explicitly.InputShape.Product];
        foreach (long[] i in BruteForce.Coordinates(p.InputShape)) x[BruteForce.Flat(explicitly.InputShape, i[0], i[1], i[2] + 1, i[3] + 1)] = t.Input![BruteForce.Flat(p.InputShape, i)];
        double[] multiplied = NaiveOracle.Compute(explicitly, t with { Input = x }).Values;
        OracleResult oracle = NaiveOracle.Compute(p, t);
        Assert.AreEqual(Outcome.Fail, Verdict.Compare(p, FillKind.NotFinite, oracle, multiplied).Outcome);
        Assert.AreEqual(Outcome.Pass, Verdict.Compare(p, FillKind.NotFinite, oracle, [.. oracle.Values.Select(v => (double)(float)v)]).Outcome);
    }

    private static double[] Sum(ConvProblem p, OracleTensors t)
    {
        var sums = new double[p.ResultShape.Product];
        foreach ((long x, long w, long y) in BruteForce.Products(p))
            switch (p.Direction)
            {
                case Direction.Forward: sums[y] += t.Input![x] * t.Weights![w]; break;
                case Direction.BackwardData: sums[x] += t.OutputGrad![y] * t.Weights![w]; break;
                default: sums[w] += t.OutputGrad![y] * t.Input![x]; break;
            }

        return sums;
    }
}
