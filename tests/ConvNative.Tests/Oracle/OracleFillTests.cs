using ConvNative.Oracle;
using ConvNative.Oracle.Bounds;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Verdicts;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class OracleFillTests
{
    private static ConvProblem Typed(DataType type, long channels = 7) => new ConvSpec
    {
        InputShape = [2, channels, 9, 11],
        WeightShape = [5, channels, 3, 2],
        InputType = type,
        WeightType = type.IsInteger() ? DataType.S8 : type,
        OutputType = type.IsInteger() ? DataType.S32 : type,
        HasBias = true,
        PostOps = new PostOps(true, 1, default),
    }.Build();

    [TestMethod]
    [DataRow(DataType.F32)]
    [DataRow(DataType.F64)]
    [DataRow(DataType.BF16)]
    [DataRow(DataType.F16)]
    [DataRow(DataType.S8)]
    [DataRow(DataType.U8)]
    public void ValuesAreOfTheTypeAndResultsFinite(DataType type)
    {
        foreach (FillKind fill in Enum.GetValues<FillKind>())
        {
            ConvProblem p = Typed(type);
            OracleTensors t = Fills.Create(p, fill, 9), again = Fills.Create(p, fill, 9), other = Fills.Create(p, fill, 10);
            foreach ((string name, Dims shape, DataType of) in NaiveOracle.Operands(p))
            {
                double[] v = NaiveOracle.Operand(t, name)!;
                Assert.AreEqual(shape.Product, v.Length);
                Assert.IsTrue(v.All(x => Rounding.To(of, x).Equals(x)), $"{name} {of} {fill}");
                CollectionAssert.AreEqual(v, NaiveOracle.Operand(again, name));
                CollectionAssert.AreNotEqual(v, NaiveOracle.Operand(other, name));
            }

            OracleResult y = NaiveOracle.Compute(p, t);
            Assert.IsTrue(fill == FillKind.NotFinite || y.Magnitude.All(a => double.IsFinite(Rounding.To(type == DataType.F64 ? type : type == DataType.F16 ? DataType.F16 : DataType.F32, a))), fill.ToString());
            Assert.IsTrue(Verdict.Compare(p, fill, y, [.. y.Values.Select(v => Rounding.To(p.OutputType, v))]).Outcome == Outcome.Pass);
            if (fill == FillKind.FullRange && !type.IsInteger())
            {
                Assert.IsTrue(t.Input!.Any(v => double.IsNegative(v)) && t.Input!.Any(v => v == 0 && double.IsNegative(v)));
                double[] size = [.. t.Input!.Where(v => v != 0).Select(Math.Abs)];
                Assert.IsTrue(size.Max() / size.Min() > (type == DataType.F16 ? 1e3 : 1e30));
            }

            if (fill == FillKind.Random && !type.IsInteger()) Assert.IsFalse(t.Input!.Contains(0) || t.Weights!.Contains(0));
        }
    }

    [TestMethod]
    [DataRow(1L)]
    [DataRow(500L)]
    [DataRow(40_000L)]
    public void IntegersSumExactlyHoweverLong(long channels)
    {
        ConvProblem p = new ConvSpec { InputShape = [1, channels, 5, 3], WeightShape = [2, channels, 3, 3] }.Build();
        OracleResult y = NaiveOracle.Compute(p, Fills.Create(p, FillKind.ExactInteger, 4));
        for (int i = 0; i < y.Values.Length; i++)
        {
            Assert.IsTrue(y.Magnitude[i] <= 1 << 24);
            Assert.IsTrue(ErrorBound.IsExact(p, FillKind.ExactInteger, y, i, default));
            Assert.IsFalse(ErrorBound.IsExact(p, FillKind.ExactInteger, y, i, new Arithmetic(SumAlgorithm.Winograd)));
            Assert.AreEqual(Math.Round(y.Values[i]), y.Values[i]);
        }

        Assert.IsTrue(y.Values.Count(v => v != 0) > y.Values.Length / 2);
    }

    [TestMethod]
    public void VeryLongSumsGetZeros()
    {
        // The weight gradient of a large batch: 2^23 terms.
        ConvProblem p = new ConvSpec { Direction = Direction.BackwardWeights, InputShape = [1 << 3, 1, 1 << 10, 1 << 10], WeightShape = [1, 1, 1, 1] }.Build();
        Assert.AreEqual(1L << 23, Fills.Terms(p));
        OracleTensors t = Fills.Create(p, FillKind.ExactInteger, 4);
        OracleResult y = NaiveOracle.Compute(p, t);
        Assert.IsTrue(y.Magnitude[0] is > 1 << 18 and <= 1 << 24);
        // Normal data must not cancel down to less than the bound, else a zero would pass.
        y = NaiveOracle.Compute(p, Fills.Create(p, FillKind.Random, 4));
        Assert.IsTrue(Math.Abs(y.Values[0]) > 10 * ErrorBound.Of(p, FillKind.Random, y, 0));
    }

    [TestMethod]
    public void RoundingIsToNearestEvenOnce()
    {
        // Between 1 and 1 + 2^-7, bf16's neighbours; the tie goes to 1, anything beyond goes up, also where f32 would first round down.
        Assert.AreEqual(1.0, Rounding.To(DataType.BF16, 1 + Math.ScaleB(1, -8)));
        Assert.AreEqual(1 + Math.ScaleB(1, -7), Rounding.To(DataType.BF16, 1 + Math.ScaleB(1, -8) + Math.ScaleB(1, -40)));
        Assert.AreEqual(1 + Math.ScaleB(1, -6), Rounding.To(DataType.BF16, 1 + (3 * Math.ScaleB(1, -8))));
        Assert.AreEqual(double.PositiveInfinity, Rounding.To(DataType.BF16, 3.4e38));
        Assert.AreEqual(Math.ScaleB(1, -133), Rounding.To(DataType.BF16, Math.ScaleB(1, -133)));
        Assert.AreEqual(0, Rounding.To(DataType.BF16, Math.ScaleB(1, -135)));
        Assert.AreEqual(2, Rounding.To(DataType.S8, 2.5));
        Assert.AreEqual(255, Rounding.To(DataType.U8, 1e9));
    }

    [TestMethod]
    public void ErrorFunctionToFifteenDigits()
    {
        // By the alternating series in 60-digit decimals.
        (double X, double Erf, double Erfc)[] table =
        [
            (0.1, 0.1124629160182849, 0.88753708398171516), (0.5, 0.52049987781304652, 0.47950012218695348), (0.75, 0.71115563365351508, 0.28884436634648486),
            (0.999, 0.84228527020649691, 0.15771472979350307), (1, 0.84270079294971489, 0.15729920705028513), (1.5, 0.96610514647531076, 0.033894853524689274),
            (2, 0.99532226501895271, 0.0046777349810472662), (2.5, 0.99959304798255499, 0.00040695201744495892),
            (3.5, 0.99999925690162761, 7.4309837234141278e-07), (5, 0.99999999999846256, 1.5374597944280349e-12),
        ];
        foreach ((double x, double erf, double erfc) in table)
        {
            Assert.AreEqual(erf, ErrorFunction.Erf(x), 1e-15 * erf, $"erf {x}");
            Assert.AreEqual(-erf, ErrorFunction.Erf(-x), 1e-15 * erf, $"erf -{x}");
            Assert.AreEqual(erfc, ErrorFunction.Erfc(x), 4e-15 * erfc, $"erfc {x}");
            Assert.AreEqual(1 + erf, ErrorFunction.Erfc(-x), 3e-15, $"erfc -{x}");
        }

        Assert.AreEqual(0, ErrorFunction.Erf(0));
        Assert.AreEqual(1, ErrorFunction.Erf(double.PositiveInfinity));
    }

    [TestMethod]
    public void ActivationsAtKnownPoints()
    {
        Assert.AreEqual(0, Epilogue.Activate(Activation.Relu, -3));
        Assert.AreEqual(-0.3, Epilogue.Activate(Activation.LeakyRelu(0.1), -3), 1e-15);
        Assert.AreEqual(6, Epilogue.Activate(Activation.Relu6, 7));
        Assert.AreEqual(0.73105857863000490, Epilogue.Activate(Activation.Sigmoid, 1), 1e-15);
        Assert.AreEqual(0.84134474606854293, Epilogue.Activate(Activation.GeluErf, 1), 1e-15);
        Assert.AreEqual(-0.15865525393145707, Epilogue.Activate(Activation.GeluErf, -1), 1e-15);
        Assert.AreEqual(0.5 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * 1.044715)), Epilogue.Activate(Activation.GeluTanh, 1), 1e-15);
        Assert.AreEqual(0.73105857863000490, Epilogue.Activate(Activation.Silu, 1), 1e-15);
        Assert.AreEqual(1.0 * 4 / 6, Epilogue.Activate(Activation.HardSwish, 1), 1e-15);
        Assert.AreEqual(0, Epilogue.Activate(Activation.HardSwish, -4));
        foreach (Activation a in OracleVerdictTests.Activations)
            Assert.IsTrue(double.IsNaN(Epilogue.Activate(a, double.NaN)), a.ToString());
    }

    [TestMethod]
    public void LipschitzConstantsHold()
    {
        foreach (Activation a in OracleVerdictTests.Activations)
            for (double x = -8; x < 8; x += 0.01)
            {
                double slope = Math.Abs(Epilogue.Activate(a, x + 1e-4) - Epilogue.Activate(a, x)) / 1e-4;
                Assert.IsTrue(slope <= Epilogue.Lipschitz(a) + 1e-6, $"{a} at {x}: {slope}");
            }
    }

    [TestMethod]
    public void LargeProblemsAreSampledSmallOnesAreNot()
    {
        ConvProblem small = new ConvSpec { InputShape = [1, 64, 56, 56], WeightShape = [64, 64, 3, 3], PadsBegin = [1, 1], PadsEnd = [1, 1] }.Build();
        Assert.IsNull(Sampling.Choose(small, 1).Indices);
        ConvProblem large = new ConvSpec { InputShape = [2, 128, 113, 115], WeightShape = [128, 128, 3, 5], PadsBegin = [1, 2], PadsEnd = [1, 2] }.Build();
        Assert.IsTrue(large.MultiplyAdds > Sampling.WholeLimit);
        Sampling s = Sampling.Choose(large, 1);
        long[] chosen = s.Indices!;
        CollectionAssert.AreEqual(chosen, Sampling.Choose(large, 1).Indices);
        Assert.IsTrue(chosen.SequenceEqual(chosen.Distinct().Order()) && chosen[0] >= 0 && chosen[^1] < large.OutputShape.Product);
        long h = large.OutputShape[2], w = large.OutputShape[3], plane = h * w;
        var positions = chosen.Select(i => i % plane).ToHashSet();
        for (long y = 0; y < h; y++)
            for (long x = 0; x < w; x++)
                if (y == 0 || y == h - 1 || x < 2 || x >= w - 2) Assert.IsTrue(positions.Contains((y * w) + x), $"border {y},{x}");
        Assert.IsTrue(chosen.Count(i => i % plane / w is > 0 and < 112 && i % plane % w is > 1 and < 113) > 15_000, "random elements inside");
        Assert.IsTrue((double)chosen.Length * 128 * 15 < 1.6e9, "bounded work");
        StringAssert.Contains(s.Description, "20000 random");
        StringAssert.Contains(s.Description, "border");
    }
}
