using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
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

    [TestMethod]
    [DataRow(ConvOp.Correlation)]
    [DataRow(ConvOp.Convolution)]
    [DataRow(ConvOp.Transposed)]
    public void ADeltaKernelMovesEveryElement(ConvOp op)
    {
        // One tap: y[p] is x at p*s - pb + k*d, transposed y[p*s - pb + k*d] is x[p]; a flipped kernel has its tap at K-1-k.
        var r = new Random(17 + (int)op);
        for (int i = 0; i < 60; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, op, anyPadding: false);
            p = p.With(s => s with { Groups = 1, InputShape = s.InputShape.Slice(2).Prepend(1, 1), WeightShape = s.WeightShape.Slice(2).Prepend(1, 1) });
            long[][] taps = [.. BruteForce.Coordinates(p.Kernel)];
            long[] tap = taps[r.Next(taps.Length)];
            double[] w = new double[taps.Length], x = [.. Enumerable.Range(1, (int)p.InputShape.Product).Select(v => (double)v)];
            w[op == ConvOp.Convolution ? w.Length - 1 - Array.IndexOf(taps, tap) : Array.IndexOf(taps, tap)] = 1;
            var want = new double[p.OutputShape.Product];
            Dims small = op == ConvOp.Transposed ? p.InputSpatial : p.OutputSpatial, big = op == ConvOp.Transposed ? p.OutputSpatial : p.InputSpatial;
            foreach (long[] at in BruteForce.Coordinates(small))
            {
                long[] other = [.. at.Select((v, a) => (v * p.Strides[a]) - p.PadsBegin[a] + (tap[a] * p.Dilations[a]))];
                if (other.Where((v, a) => v < 0 || v >= big[a]).Any()) continue;
                long s = BruteForce.Flat(small, at), b = BruteForce.Flat(big, other);
                want[op == ConvOp.Transposed ? b : s] = x[op == ConvOp.Transposed ? s : b];
            }

            CollectionAssert.AreEqual(want, NaiveOracle.Compute(p, new OracleTensors { Input = x, Weights = w }).Values, p.ToString());
        }
    }

    [TestMethod]
    public void DepthwiseIsAProblemForEachChannel()
    {
        // With a multiplier: output channel c*m + j sees input channel c only.
        var r = new Random(19);
        for (int i = 0; i < 40; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, (ConvOp)(i % 2));
            long channels = r.Next(2, 6), m = r.Next(1, 4);
            p = p.With(s => s with { Groups = channels, InputShape = s.InputShape.Slice(2).Prepend(s.InputShape[0], channels), WeightShape = s.WeightShape.Slice(2).Prepend(channels * m, 1) });
            Assert.IsTrue(p.IsDepthwise);
            OracleTensors t = Fills.Create(p, FillKind.ExactInteger, (ulong)i);
            double[] whole = NaiveOracle.Compute(p, t).Values;
            ConvProblem single = p.With(s => s with { Groups = 1, InputShape = s.InputShape.Slice(2).Prepend(1, 1), WeightShape = s.WeightShape.Slice(2).Prepend(1, 1) });
            int inPlane = (int)p.InputSpatial.Product, outPlane = (int)p.OutputSpatial.Product, kernel = (int)p.Kernel.Product;
            for (int n = 0; n < p.Batch; n++)
                for (int o = 0; o < channels * m; o++)
                {
                    int c = o / (int)m;
                    double[] x = t.Input!.AsSpan(((n * (int)channels) + c) * inPlane, inPlane).ToArray(), w = t.Weights!.AsSpan(o * kernel, kernel).ToArray();
                    double[] y = NaiveOracle.Compute(single, new OracleTensors { Input = x, Weights = w }).Values;
                    CollectionAssert.AreEqual(y, whole.AsSpan(((n * (int)channels * (int)m) + o) * outPlane, outPlane).ToArray(), p.ToString());
                }
        }
    }
}
