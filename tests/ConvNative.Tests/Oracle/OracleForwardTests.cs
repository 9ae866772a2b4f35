using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Oracle.Verdicts;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class OracleForwardTests
{
    [TestMethod]
    [DataRow(ConvOp.Correlation)]
    [DataRow(ConvOp.Convolution)]
    [DataRow(ConvOp.Transposed)]
    public void EqualsTheDefinitionsOnRandomGeometry(ConvOp op)
    {
        var r = new Random(20 + (int)op);
        for (int i = 0; i < 300; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, op);
            OracleTensors t = Fills.Create(p, FillKind.ExactInteger, (ulong)i);
            OracleResult y = NaiveOracle.Compute(p, t);
            CollectionAssert.AreEqual(BruteForce.Forward(p, t.Input!, t.Weights!), y.Values, p.ToSpec().ToString());
            double[] absolute = BruteForce.Forward(p.With(s => s with { PadValue = Math.Abs(s.PadValue) }), [.. t.Input!.Select(Math.Abs)], [.. t.Weights!.Select(Math.Abs)]);
            CollectionAssert.AreEqual(absolute, y.Magnitude, p.ToSpec().ToString());
        }
    }

    [TestMethod]
    [DataRow(ConvOp.Correlation)]
    [DataRow(ConvOp.Transposed)]
    public void ASampleHoldsTheSameNumbersAsTheWhole(ConvOp op)
    {
        var r = new Random(5);
        for (int i = 0; i < 50; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, op).With(s => s with { HasBias = true, PostOps = new PostOps(true, 2, Activation.Tanh) });
            foreach (Direction d in new[] { Direction.Forward, Direction.BackwardData, Direction.BackwardWeights, Direction.BackwardBias })
            {
                ConvProblem q = d == Direction.Forward ? p : p.With(s => s with { Direction = d, PostOps = default });
                OracleTensors t = Fills.Create(q, FillKind.ExactInteger, (ulong)i);
                OracleResult whole = NaiveOracle.Compute(q, t);
                long[] sample = [.. Enumerable.Range(0, whole.Values.Length).Where(_ => r.Next(3) == 0)];
                OracleResult part = NaiveOracle.Compute(q, t, sample);
                for (int s = 0; s < sample.Length; s++)
                {
                    Assert.AreEqual(whole.Values[sample[s]], part.Values[s]);
                    Assert.AreEqual(whole.Magnitude[sample[s]], part.Magnitude[s]);
                    Assert.AreEqual(whole.Roundings[sample[s]], part.Roundings[s]);
                }
            }
        }
    }

    [TestMethod]
    public void HandComputedOneDimensional()
    {
        // [1,2,3] with [1,0,-1]: correlation valid 1-3 = -2, padded by one -2, -2, 2; true convolution with the signs reversed.
        Assert.AreEqual("-2", Small(ConvOp.Correlation, 0));
        Assert.AreEqual("-2,-2,2", Small(ConvOp.Correlation, 1));
        Assert.AreEqual("2,2,-2", Small(ConvOp.Convolution, 1));
        // numpy.convolve([1,2,3], [1,0,-1]) = [1,2,2,-2,-3]
        Assert.AreEqual("1,2,2,-2,-3", Small(ConvOp.Convolution, 2));
        Assert.AreEqual("1,2,2,-2,-3", Small(ConvOp.Transposed, 0));
    }

    private static string Small(ConvOp op, long pad)
    {
        ConvProblem p = new ConvSpec { Op = op, InputShape = [1, 1, 3], WeightShape = [1, 1, 3], PadsBegin = [pad], PadsEnd = [pad] }.Build();
        return string.Join(',', NaiveOracle.Compute(p, new OracleTensors { Input = [1, 2, 3], Weights = [1, 0, -1] }).Values);
    }

    [TestMethod]
    public void PaddingModesOnSmallSignals()
    {
        // Unit kernel of width 1 with pads: the output is the extended signal itself (numpy.pad's reflect, symmetric, edge, wrap).
        Assert.AreEqual("3,2,1,2,3,2,1", Extended(PaddingMode.Reflect, 2));
        Assert.AreEqual("3,2,1,1,2,3,3,2,1", Extended(PaddingMode.Symmetric, 3));
        Assert.AreEqual("1,1,1,2,3,3,3", Extended(PaddingMode.Replicate, 2));
        Assert.AreEqual("2,3,1,2,3,1,2", Extended(PaddingMode.Circular, 2));
        Assert.AreEqual("7,7,1,2,3,7,7", Extended(PaddingMode.Constant, 2));
        Assert.AreEqual("0,0,1,2,3,0,0", Extended(PaddingMode.Zeros, 2));
    }

    private static string Extended(PaddingMode mode, long pad)
    {
        ConvProblem p = new ConvSpec { InputShape = [1, 1, 3], WeightShape = [1, 1, 1], PadsBegin = [pad], PadsEnd = [pad], PaddingMode = mode, PadValue = mode == PaddingMode.Constant ? 7 : 0 }.Build();
        return string.Join(',', NaiveOracle.Compute(p, new OracleTensors { Input = [1, 2, 3], Weights = [1] }).Values);
    }

    [TestMethod]
    public void OnnxTransposedExample()
    {
        // The example of ONNX ConvTranspose: x = 0..8 as 3x3, a kernel of ones 3x3, two output channels; 5x5 each.
        ConvProblem p = new ConvSpec { Op = ConvOp.Transposed, InputShape = [1, 1, 3, 3], WeightShape = [1, 2, 3, 3] }.Build();
        double[] y = NaiveOracle.Compute(p, new OracleTensors { Input = [0, 1, 2, 3, 4, 5, 6, 7, 8], Weights = [.. Enumerable.Repeat(1.0, 18)] }).Values;
        double[] want = [0, 1, 3, 3, 2, 3, 8, 15, 12, 7, 9, 21, 36, 27, 15, 9, 20, 33, 24, 13, 6, 13, 21, 15, 8];
        CollectionAssert.AreEqual((double[])[.. want, .. want], y);
    }

    [TestMethod]
    public void PaddingIsNothingAndTapsPropagate()
    {
        // A weight of infinity that only ever meets padding leaves no trace; one that meets 0 gives NaN.
        ConvProblem p = new ConvSpec { InputShape = [1, 1, 2], WeightShape = [1, 1, 3], PadsBegin = [1], PadsEnd = [0] }.Build();
        double[] y = NaiveOracle.Compute(p, new OracleTensors { Input = [0, 5], Weights = [double.PositiveInfinity, 1, 1] }).Values;
        CollectionAssert.AreEqual((double[])[5], y);
        p = p.With(s => s with { PadsBegin = [0], OutputShape = null, PadsEnd = [1] });
        y = NaiveOracle.Compute(p, new OracleTensors { Input = [0, 5], Weights = [double.PositiveInfinity, 1, 1] }).Values;
        Assert.IsTrue(double.IsNaN(y[0]));
    }

    [TestMethod]
    public void FlippingTwiceIsCorrelation()
    {
        var r = new Random(3);
        for (int i = 0; i < 50; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, ConvOp.Correlation);
            OracleTensors t = Fills.Create(p, FillKind.Random, (ulong)i);
            int kernel = (int)p.Kernel.Product;
            double[] flipped = [.. t.Weights!.Chunk(kernel).SelectMany(k => k.Reverse())];
            double[] a = NaiveOracle.Compute(p, t).Values, b = NaiveOracle.Compute(p.With(s => s with { Op = ConvOp.Convolution }), t with { Weights = flipped }).Values;
            for (int j = 0; j < a.Length; j++) Assert.AreEqual(a[j], b[j], 1e-12);
        }
    }

    [TestMethod]
    public void GroupsAreProblemsOfTheirOwn()
    {
        var r = new Random(4);
        for (int i = 0; i < 60; i++)
        {
            ConvOp op = (ConvOp)(i % 3);
            ConvProblem p = BruteForce.RandomProblem(r, op);
            if (p.Groups == 1) continue;
            OracleTensors t = Fills.Create(p, FillKind.ExactInteger, (ulong)i);
            double[] whole = NaiveOracle.Compute(p, t).Values;
            long cg = p.InputChannels / p.Groups, og = p.OutputChannels / p.Groups;
            int inPlane = (int)p.InputSpatial.Product, outPlane = (int)p.OutputSpatial.Product, perGroup = t.Weights!.Length / (int)p.Groups;
            for (int n = 0; n < p.Batch; n++)
                for (int g = 0; g < p.Groups; g++)
                {
                    ConvProblem q = p.With(s => s with
                    {
                        Groups = 1,
                        InputShape = s.InputShape.Slice(2).Prepend(1, cg),
                        WeightShape = s.WeightShape.Slice(2).Prepend(op == ConvOp.Transposed ? cg : og, op == ConvOp.Transposed ? og : cg),
                    });
                    double[] x = t.Input!.AsSpan((int)((n * p.InputChannels) + (g * cg)) * inPlane, (int)cg * inPlane).ToArray();
                    double[] y = NaiveOracle.Compute(q, new OracleTensors { Input = x, Weights = t.Weights.AsSpan(g * perGroup, perGroup).ToArray() }).Values;
                    CollectionAssert.AreEqual(y, whole.AsSpan((int)((n * p.OutputChannels) + (g * og)) * outPlane, y.Length).ToArray());
                }
        }
    }

    [TestMethod]
    public void EmptyBatch()
    {
        ConvProblem p = new ConvSpec { InputShape = [0, 3, 5], WeightShape = [2, 3, 3], HasBias = true }.Build();
        OracleTensors t = Fills.Create(p, FillKind.Random, 1);
        Assert.AreEqual(0, NaiveOracle.Compute(p, t).Values.Length);
        foreach (Direction d in new[] { Direction.BackwardWeights, Direction.BackwardBias })
        {
            ConvProblem q = p.Toward(d);
            OracleResult dw = NaiveOracle.Compute(q, Fills.Create(q, FillKind.Random, 1));
            Assert.IsTrue(dw.Values.All(v => v == 0) && dw.Values.Length == q.ResultShape.Product);
            Assert.AreEqual(Outcome.Pass, Verdict.Compare(q, FillKind.Random, dw, dw.Values).Outcome);
        }
    }
}
