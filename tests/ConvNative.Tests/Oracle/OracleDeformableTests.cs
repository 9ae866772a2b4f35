using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Oracle.Verdicts;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class OracleDeformableTests
{
    private static double[] Pattern(long count, int factor, int modulus, double divisor, int add = 0) =>
        [.. Enumerable.Range(0, (int)count).Select(i => ((((long)i * factor) + add) % modulus - (modulus / 2)) / divisor)];

    [TestMethod]
    public void EqualsAnExactRationalComputation()
    {
        // Computed in exact fractions by a stand-alone script, which sums the tent function over the whole image.
        ConvProblem p = new ConvSpec
        {
            Op = ConvOp.Deformable,
            InputShape = [2, 4, 5, 6],
            WeightShape = [6, 2, 3, 2],
            Groups = 2,
            OffsetGroups = 2,
            Strides = [2, 1],
            Dilations = [1, 2],
            PadsBegin = [1, 1],
            PadsEnd = [1, 0],
            HasMask = true,
            HasBias = true,
        }.Build();
        Assert.AreEqual("[2,6,3,5]", p.OutputShape.ToString());
        double[] y = NaiveOracle.Compute(p, new OracleTensors
        {
            Input = Pattern(p.InputShape.Product, 7, 23, 4),
            Weights = Pattern(p.WeightShape.Product, 5, 17, 2),
            Offset = Pattern(p.OffsetShape.Product, 11, 37, 8, 3),
            Mask = Pattern(p.MaskShape.Product, 3, 13, 8, 2),
            Bias = Pattern(6, 1, 7, 1),
        }).Values;
        double[] first =
        [
            -2.115966796875, -2.4375, -2.7958984375, -1.97412109375, -2.65380859375, -8.8427734375, -0.1435546875, -3.9013671875,
            -5.853515625, -3.991943359375, -3.0, 0.2080078125, -5.396484375, -2.83203125, -3.419921875, -2.590576171875, -2.0703125,
            1.8671875, -4.353515625, -3.3212890625, 0.6416015625, -10.19287109375, 1.72021484375, -2.279296875, 4.37548828125, -2.0,
            -3.931640625, -0.53515625, -2.21875, -1.7431640625,
        ];
        CollectionAssert.AreEqual(first, y[..30]);
        Assert.AreEqual(-63.005859375, y.Sum());
        Assert.AreEqual(2035.5901464223862, y.Sum(v => v * v), 1e-9);
        Assert.AreEqual(-238.27197265625, y.Select((v, i) => v * (i % 13)).Sum());
    }

    [TestMethod]
    public void OnnxExamples()
    {
        ConvProblem p = new ConvSpec { Op = ConvOp.Deformable, InputShape = [1, 1, 3, 3], WeightShape = [1, 1, 2, 2] }.Build();
        double[] x = [0, 1, 2, 3, 4, 5, 6, 7, 8], w = [1, 1, 1, 1], offset = new double[32], mask = [.. Enumerable.Repeat(1.0, 16)];
        // dy of the kernel's first element at output [0,0]; dx of its third at output [0,1].
        offset[0] = 0.5;
        offset[(5 * 4) + 1] = -0.1;
        double[] y = NaiveOracle.Compute(p, new OracleTensors { Input = x, Weights = w, Offset = offset }).Values;
        Near([9.5, 11.9, 20, 24], y);
        mask[(2 * 4) + 3] = 0.2;
        p = p.With(s => s with { HasBias = true, HasMask = true });
        Near([10.5, 12.9, 21, 19.4], NaiveOracle.Compute(p, new OracleTensors { Input = x, Weights = w, Offset = offset, Mask = mask, Bias = [1] }).Values);
    }

    private static void Near(double[] want, double[] got)
    {
        Assert.AreEqual(want.Length, got.Length);
        for (int i = 0; i < want.Length; i++) Assert.AreEqual(want[i], got[i], 1e-12 * Math.Max(1, Math.Abs(want[i])), $"element {i}");
    }

    [TestMethod]
    public void ZeroOffsetsArePlainAndWholePixelsShift()
    {
        var r = new Random(31);
        for (int i = 0; i < 60; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, ConvOp.Deformable);
            ConvProblem plain = p.With(s => s with { Op = ConvOp.Correlation, OffsetGroups = 1 });
            OracleTensors t = Fills.Create(p, FillKind.ExactInteger, (ulong)i);
            double[] zero = new double[p.OffsetShape.Product];
            foreach (Direction d in new[] { Direction.Forward, Direction.BackwardData, Direction.BackwardWeights })
            {
                ConvProblem a = p.Toward(d), b = plain.Toward(d);
                OracleTensors u = Fills.Create(b, FillKind.ExactInteger, (ulong)i) with { Offset = zero };
                CollectionAssert.AreEqual(NaiveOracle.Compute(b, u).Values, NaiveOracle.Compute(a, u).Values, $"{d} {p}");
            }

            // One pixel down and two to the left everywhere is the plain one whose pads are one less above and two more left;
            // whatever then lies outside counts zero in both.
            double[] whole = new double[zero.Length];
            int plane = (int)p.OutputSpatial.Product;
            for (int j = 0; j < whole.Length; j++) whole[j] = j / plane % 2 == 0 ? 1 : -2;
            if (p.PadsBegin[0] == 0) continue;
            ConvProblem moved = plain.With(s => s with { PadsBegin = [p.PadsBegin[0] - 1, p.PadsBegin[1] + 2] });
            CollectionAssert.AreEqual(NaiveOracle.Compute(moved, t).Values, NaiveOracle.Compute(p, t with { Offset = whole }).Values, p.ToString());
        }
    }

    [TestMethod]
    public void LinearGradientsAreAdjoints()
    {
        var r = new Random(37);
        for (int i = 0; i < 60; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, ConvOp.Deformable).With(s => s with { HasMask = i % 2 == 0 });
            OracleTensors t = Fills.Create(p, FillKind.ExactInteger, (ulong)i);
            t = t with { OutputGrad = Fills.Create(p.Toward(Direction.BackwardData), FillKind.ExactInteger, (ulong)i).OutputGrad };
            double want = BruteForce.Inner(NaiveOracle.Compute(p, t).Values, t.OutputGrad!);
            Assert.AreEqual(want, BruteForce.Inner(NaiveOracle.Compute(p.Toward(Direction.BackwardData), t).Values, t.Input!), p.ToString());
            Assert.AreEqual(want, BruteForce.Inner(NaiveOracle.Compute(p.Toward(Direction.BackwardWeights), t).Values, t.Weights!), p.ToString());
            if (p.HasMask) Assert.AreEqual(want, BruteForce.Inner(NaiveOracle.Compute(p.Toward(Direction.BackwardMask), t).Values, t.Mask!), p.ToString());
        }
    }

    [TestMethod]
    public void OffsetGradientEqualsCentralDifferences()
    {
        var r = new Random(41);
        for (int i = 0; i < 8; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, ConvOp.Deformable).With(s => s with { HasMask = i % 2 == 0 });
            OracleTensors t = Fills.Create(p, FillKind.Random, (ulong)i);
            t = t with { OutputGrad = Fills.Create(p.Toward(Direction.BackwardData), FillKind.Random, (ulong)i).OutputGrad };
            double[] gradient = NaiveOracle.Compute(p.Toward(Direction.BackwardOffset), t).Values;
            for (int j = 0; j < gradient.Length; j += 1 + (gradient.Length / 40))
            {
                double Loss(double step)
                {
                    double[] moved = [.. t.Offset!];
                    moved[j] += step;
                    return BruteForce.Inner(NaiveOracle.Compute(p, t with { Offset = moved }).Values, t.OutputGrad!);
                }

                // Linear within a cell, and random offsets stay 1/64 away from its walls.
                const double H = 1.0 / 256;
                Assert.AreEqual((Loss(H) - Loss(-H)) / (2 * H), gradient[j], 1e-9 * (1 + Math.Abs(gradient[j])), $"offset {j} of {p}");
            }
        }
    }

    [TestMethod]
    public void ASampleHoldsTheSameNumbersAsTheWhole()
    {
        var r = new Random(43);
        for (int i = 0; i < 12; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, ConvOp.Deformable).With(s => s with { HasMask = true });
            foreach (Direction d in Enum.GetValues<Direction>())
            {
                ConvProblem q = p.Toward(d);
                OracleTensors t = Fills.Create(q, FillKind.Random, (ulong)i);
                OracleResult whole = NaiveOracle.Compute(q, t);
                long[] sample = [.. Enumerable.Range(0, whole.Values.Length).Where(_ => r.Next(3) == 0)];
                OracleResult part = NaiveOracle.Compute(q, t, sample);
                for (int s = 0; s < sample.Length; s++)
                {
                    Assert.AreEqual(whole.Values[sample[s]], part.Values[s]);
                    Assert.AreEqual(whole.Magnitude[sample[s]], part.Magnitude[s]);
                    if (whole.Sensitivity is { } w) Assert.AreEqual(w[sample[s]], part.Sensitivity![s]);
                }
            }
        }
    }

    [TestMethod]
    public void SwappedOffsetsAndMisassignedOffsetGroupsFail()
    {
        ConvProblem p = new ConvSpec { Op = ConvOp.Deformable, InputShape = [1, 6, 9, 11], WeightShape = [4, 6, 3, 3], OffsetGroups = 2, PadsBegin = [1, 1], PadsEnd = [1, 1] }.Build();
        int plane = (int)p.OutputSpatial.Product;
        foreach (FillKind fill in Enum.GetValues<FillKind>())
        {
            OracleTensors t = Fills.Create(p, fill, 6);
            OracleResult oracle = NaiveOracle.Compute(p, t);
            double[][] channels = [.. t.Offset!.Chunk(plane)];
            double[] swapped = [.. channels.Select((_, i) => channels[i ^ 1]).SelectMany(c => c)];
            double[] moved = [.. channels[(channels.Length / 2)..].Concat(channels[..(channels.Length / 2)]).SelectMany(c => c)];
            foreach (double[] offset in new[] { swapped, moved })
                Assert.AreEqual(Outcome.Fail, Verdict.Compare(p, fill, oracle, [.. NaiveOracle.Compute(p, t with { Offset = offset }).Values.Select(v => (double)(float)v)]).Outcome, fill.ToString());
        }
    }

    [TestMethod]
    public void AnEngineInFloatPasses()
    {
        // The oracle itself, fed with positions and values rounded to f32 at each step that an engine rounds: results of other
        // precision within the bound, none equal to it.
        ConvProblem p = new ConvSpec { Op = ConvOp.Deformable, InputShape = [1, 3, 9, 11], WeightShape = [4, 3, 3, 3], PadsBegin = [1, 1], PadsEnd = [1, 1], HasMask = true }.Build();
        foreach (FillKind fill in Enum.GetValues<FillKind>())
        {
            OracleTensors t = Fills.Create(p, fill, 5);
            var y = new double[p.OutputShape.Product];
            foreach (long[] o in BruteForce.Coordinates(p.OutputShape))
            {
                float sum = 0;
                for (long c = 0; c < 3; c++)
                    for (long k = 0; k < 9; k++)
                    {
                        float At(long f) => (float)t.Offset![f];
                        float dy = At(BruteForce.Flat(p.OffsetShape, 0, 2 * k, o[2], o[3])), dx = At(BruteForce.Flat(p.OffsetShape, 0, (2 * k) + 1, o[2], o[3]));
                        float py = o[2] - 1 + (k / 3) + dy, px = o[3] - 1 + (k % 3) + dx, v = 0;
                        int top = (int)MathF.Floor(py), left = (int)MathF.Floor(px);
                        for (int cy = top; cy <= top + 1; cy++)
                            for (int cx = left; cx <= left + 1; cx++)
                            {
                                if (cy < 0 || cy >= 9 || cx < 0 || cx >= 11) continue;
                                v += (float)t.Input![BruteForce.Flat(p.InputShape, 0, c, cy, cx)] * (1 - MathF.Abs(py - cy)) * (1 - MathF.Abs(px - cx));
                            }

                        float m = (float)t.Mask![BruteForce.Flat(p.MaskShape, 0, k, o[2], o[3])];
                        sum += v * m * (float)t.Weights![BruteForce.Flat(p.WeightShape, o[1], c, k / 3, k % 3)];
                    }

                y[BruteForce.Flat(p.OutputShape, o)] = sum;
            }

            Comparison result = Verdict.Compare(p, fill, NaiveOracle.Compute(p, t), y);
            Assert.AreEqual(Outcome.Pass, result.Outcome, $"{fill}: {result.Summary}");
            Assert.AreEqual(fill == FillKind.ExactInteger, result.WorstInBounds == 0, $"{fill}: {result.Summary}");
        }
    }
}
