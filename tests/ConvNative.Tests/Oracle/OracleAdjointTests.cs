using ConvNative.Oracle;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Every linear variant is bilinear in (x, w): its gradients are the adjoints, exactly so in integers.</summary>
[TestClass]
public sealed class OracleAdjointTests
{
    [TestMethod]
    [DataRow(ConvOp.Correlation)]
    [DataRow(ConvOp.Convolution)]
    [DataRow(ConvOp.Transposed)]
    public void GradientsAreAdjoints(ConvOp op)
    {
        var r = new Random(7 + (int)op);
        for (int i = 0; i < 200; i++)
        {
            // A constant outside makes the map affine in x (with the constant 0 it is linear again), but leaves it linear in w.
            ConvProblem affine = BruteForce.RandomProblem(r, op), p = affine.With(s => s with { PadValue = 0 });
            OracleTensors t = Fills.Create(p, FillKind.ExactInteger, (ulong)i);
            ConvProblem data = p.Toward(Direction.BackwardData), weights = p.Toward(Direction.BackwardWeights), bias = p.With(s => s with { HasBias = true, Direction = Direction.BackwardBias });
            double[] dy = Fills.Create(data, FillKind.ExactInteger, (ulong)i).OutputGrad!;
            double[] y = NaiveOracle.Compute(p, t).Values;
            double[] dx = NaiveOracle.Compute(data, t with { OutputGrad = dy }).Values, dw = NaiveOracle.Compute(weights, t with { OutputGrad = dy }).Values;
            double want = BruteForce.Inner(y, dy);
            Assert.AreEqual(want, BruteForce.Inner(dx, t.Input!), p.ToSpec().ToString());
            Assert.AreEqual(want, BruteForce.Inner(dw, t.Weights!), p.ToSpec().ToString());
            double[] dwAffine = NaiveOracle.Compute(affine.Toward(Direction.BackwardWeights), t with { OutputGrad = dy }).Values;
            Assert.AreEqual(BruteForce.Inner(NaiveOracle.Compute(affine, t).Values, dy), BruteForce.Inner(dwAffine, t.Weights!), affine.ToString());
            double[] db = NaiveOracle.Compute(bias, t with { OutputGrad = dy }).Values, b = [.. Enumerable.Range(1, db.Length).Select(v => (double)v)];
            ConvProblem biased = p.With(s => s with { HasBias = true });
            Assert.AreEqual(BruteForce.Inner(NaiveOracle.Compute(biased, t with { Bias = b }).Values, dy) - want, BruteForce.Inner(db, b));
        }
    }

    [TestMethod]
    public void TransposedIsTheDataGradientOfCorrelation()
    {
        var r = new Random(11);
        for (int i = 0; i < 100; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, ConvOp.Correlation, anyPadding: false);
            ConvProblem data = p.Toward(Direction.BackwardData);
            OracleTensors t = Fills.Create(data, FillKind.ExactInteger, (ulong)i);
            ConvProblem transposed = new ConvSpec
            {
                Op = ConvOp.Transposed,
                InputShape = p.OutputShape,
                WeightShape = p.WeightShape,
                Strides = p.Strides,
                Dilations = p.Dilations,
                PadsBegin = p.PadsBegin,
                Groups = p.Groups,
                OutputShape = p.InputSpatial,
                ImpliedTrailingPads = true,
            }.Build();
            double[] a = NaiveOracle.Compute(data, t).Values, b = NaiveOracle.Compute(transposed, new OracleTensors { Input = t.OutputGrad, Weights = t.Weights }).Values;
            CollectionAssert.AreEqual(a, b, p.ToSpec().ToString());
        }
    }

    [TestMethod]
    public void ADeltaKernelShifts()
    {
        ConvProblem p = new ConvSpec { InputShape = [1, 1, 5, 7], WeightShape = [1, 1, 3, 4], PadsBegin = [1, 2], PadsEnd = [1, 1] }.Build();
        double[] x = [.. Enumerable.Range(1, 35).Select(v => (double)v)], w = new double[12];
        w[(2 * 4) + 1] = 1;
        double[] y = NaiveOracle.Compute(p, new OracleTensors { Input = x, Weights = w }).Values;
        for (int oy = 0; oy < 5; oy++)
            for (int ox = 0; ox < 7; ox++)
            {
                int iy = oy - 1 + 2, ix = ox - 2 + 1;
                double want = iy is >= 0 and < 5 && ix is >= 0 and < 7 ? x[(iy * 7) + ix] : 0;
                Assert.AreEqual(want, y[(oy * 7) + ox]);
            }
    }
}
