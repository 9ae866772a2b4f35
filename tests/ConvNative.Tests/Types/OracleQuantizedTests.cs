using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Oracle.Verdicts;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class OracleQuantizedTests
{
    /// <summary>ONNX's test_qlinearconv: the numbers are chosen so that the result is 255 - x.</summary>
    [TestMethod]
    public void OnnxExample()
    {
        double[] x =
        [
            255, 174, 162, 25, 203, 168, 58, 15, 59, 237, 95, 129, 0, 64, 56, 242, 153, 221, 168, 12, 166, 232, 178, 186, 195, 237, 162, 237,
            188, 39, 124, 77, 80, 102, 43, 127, 230, 21, 83, 41, 40, 134, 255, 154, 92, 141, 42, 148, 247,
        ];
        ConvProblem p = new ConvSpec
        {
            InputShape = [1, 1, 7, 7],
            WeightShape = [1, 1, 1, 1],
            InputType = DataType.U8,
            WeightType = DataType.U8,
            OutputType = DataType.U8,
            Quantization = new Quantization
            {
                InputScale = 0.00369204697, InputZeroPoint = 132, WeightScales = [0.00172794575], WeightZeroPoints = [255], OutputScale = 0.00162681262, OutputZeroPoint = 123,
            },
        }.Build();
        OracleResult y = NaiveOracle.Compute(p, new OracleTensors { Input = x, Weights = [0] });
        CollectionAssert.AreEqual(x.Select(v => 255 - v).ToArray(), y.Values);
    }

    /// <summary>ONNX's test_convinteger_with_padding.</summary>
    [TestMethod]
    public void ConvIntegerExample()
    {
        ConvProblem p = new ConvSpec
        {
            InputShape = [1, 1, 3, 3],
            WeightShape = [1, 1, 2, 2],
            PadsBegin = [1, 1],
            PadsEnd = [1, 1],
            InputType = DataType.U8,
            WeightType = DataType.U8,
            OutputType = DataType.S32,
            Quantization = new Quantization { InputZeroPoint = 1 },
        }.Build();
        OracleResult y = NaiveOracle.Compute(p, new OracleTensors { Input = [2, 3, 4, 5, 6, 7, 8, 9, 10], Weights = [1, 1, 1, 1] });
        CollectionAssert.AreEqual(new double[] { 1, 3, 5, 3, 5, 12, 16, 9, 11, 24, 28, 15, 7, 15, 17, 9 }, y.Values);
    }

    [TestMethod]
    public void HalvesGoToEvenBeforeTheZeroPoint()
    {
        // Values 0.5 1.5 2.5 -0.5 -1.5 and 300: an odd zero point must not decide where ties go.
        ConvProblem p = new ConvSpec
        {
            InputShape = [1, 1, 6],
            WeightShape = [1, 1, 1],
            InputType = DataType.S8,
            WeightType = DataType.S8,
            OutputType = DataType.S8,
            HasBias = true,
            Quantization = new Quantization { InputScale = 0.5, WeightScales = [4], OutputScale = 4, OutputZeroPoint = 3 },
        }.Build();
        OracleResult y = NaiveOracle.Compute(p, new OracleTensors { Input = [0, 2, 4, -2, -4, 127], Weights = [1], Bias = [1] });
        CollectionAssert.AreEqual(new double[] { 3, 5, 5, 3, 1, 67 }, y.Values);
    }

    [TestMethod]
    public void RandomProblemsAgreeWithIntegersAndDecimals()
    {
        var r = new Random(7);
        for (int i = 0; i < 200; i++)
        {
            ConvProblem p = Draw(r);
            OracleTensors t = Fills.Create(p, (FillKind)r.Next(3), (ulong)i);
            double[] expected = Brute(p, t);
            OracleResult y = NaiveOracle.Compute(p, t);
            CollectionAssert.AreEqual(expected, y.Values, p.ToString());
            int last = (int)p.OutputShape.Product - 1;
            if (last >= 0) Assert.AreEqual(expected[last], NaiveOracle.Compute(p, t, [last]).Values[0], p.ToString());
            Comparison c = Verdict.Compare(p, FillKind.Random, y, expected);
            Assert.AreNotEqual(Outcome.Fail, c.Outcome, p.ToString());
        }
    }

    [TestMethod]
    public void OneUnitIsForgivenAtATieOnly()
    {
        ConvProblem p = new ConvSpec
        {
            InputShape = [1, 1, 4],
            WeightShape = [1, 1, 1],
            InputType = DataType.U8,
            WeightType = DataType.S8,
            OutputType = DataType.U8,
            Quantization = new Quantization { InputScale = 0.25, OutputZeroPoint = 1 },
        }.Build();
        OracleResult y = NaiveOracle.Compute(p, new OracleTensors { Input = [40, 41, 42, 43], Weights = [1] });
        CollectionAssert.AreEqual(new double[] { 11, 11, 11, 12 }, y.Values);
        Outcome Say(params double[] actual) => Verdict.Compare(p, FillKind.Random, y, actual).Outcome;
        Assert.AreEqual(Outcome.Pass, Say(11, 11, 11, 12));
        Assert.AreEqual(Outcome.Pass, Say(11, 11, 12, 12), "10.5 may round either way");
        Assert.AreEqual(Outcome.Fail, Say(11, 12, 11, 12), "10.25 may not");
        Assert.AreEqual(Outcome.Fail, Say(11, 11, 10, 12), "nor may 10.5 become 9");
        Assert.AreEqual(Outcome.Fail, Say(12, 11, 11, 12));

        // Without scales nothing is forgiven.
        p = p.With(s => s with { OutputType = DataType.S32, Quantization = new Quantization { InputZeroPoint = 2 } });
        y = NaiveOracle.Compute(p, new OracleTensors { Input = [40, 41, 42, 43], Weights = [1] });
        Assert.AreEqual(Outcome.Pass, Say(38, 39, 40, 41));
        Assert.AreEqual(Outcome.Fail, Say(38, 39, 40, 42));
    }

    private static ConvProblem Draw(Random r)
    {
        while (true)
        {
            ConvProblem shape = BruteForce.RandomProblem(r, (ConvOp)r.Next(3));
            DataType[] eight = [DataType.U8, DataType.S8];
            DataType x = eight[r.Next(2)], w = eight[r.Next(2)], y = ((DataType[])[DataType.U8, DataType.S8, DataType.S32, DataType.F64])[r.Next(4)];
            bool scaled = y != DataType.S32, stored = y is DataType.U8 or DataType.S8;
            int channels = r.Next(2) == 0 ? 1 : (int)shape.OutputChannels;

            // Quarters and a power of two divide exactly, in double and in decimal, and make ties.
            double Scale() => scaled ? r.Next(1, 9) / 4.0 : 1;
            int Zero(DataType t) => t == DataType.U8 ? r.Next(256) : r.Next(-128, 128);
            try
            {
                return shape.With(s => s with
                {
                    InputType = x,
                    WeightType = w,
                    OutputType = y,
                    HasBias = r.Next(2) == 0,
                    PadValue = s.PaddingMode == PaddingMode.Constant ? Math.Abs(s.PadValue) : 0,
                    Quantization = new Quantization
                    {
                        InputScale = Scale(),
                        InputZeroPoint = Zero(x),
                        WeightScales = [.. Enumerable.Range(0, channels).Select(_ => Scale())],
                        WeightZeroPoints = [.. Enumerable.Range(0, channels).Select(_ => Zero(w))],
                        OutputScale = stored ? 1024 * 4 : 1,
                        OutputZeroPoint = stored ? Zero(y) : 0,
                    },
                });
            }
            catch (ConvProblemException)
            {
                // An s32 result of a one-channel list with scale 1 is fine, everything else the rules may refuse: draw again.
            }
        }
    }

    private static double[] Brute(ConvProblem p, OracleTensors t)
    {
        Quantization q = p.Quantization ?? Quantization.None;
        var sums = new long[p.OutputShape.Product];
        long cg = p.InputChannels / p.Groups, og = p.OutputChannels / p.Groups;
        foreach (long[] o in BruteForce.Coordinates(p.OutputShape))
            foreach (long[] k in BruteForce.Coordinates(p.Kernel))
                for (long c = 0; c < cg; c++)
                {
                    long channel = (o[1] / og * cg) + c, at = BruteForce.Flat(p.OutputShape, o);
                    var from = new long[p.Rank];
                    bool exists = true, constant = false;
                    for (int a = 0; a < p.Rank && exists; a++)
                    {
                        if (p.Op == ConvOp.Transposed)
                        {
                            long start = o[a + 2] + p.PadsBegin[a] - (k[a] * p.Dilations[a]);
                            exists = start >= 0 && start % p.Strides[a] == 0 && start / p.Strides[a] < p.InputSpatial[a];
                            from[a] = start / p.Strides[a];
                            continue;
                        }

                        long? q1 = BruteForce.Extend((o[a + 2] * p.Strides[a]) - p.PadsBegin[a] + (k[a] * p.Dilations[a]), p.InputSpatial[a], p.PaddingMode);
                        exists = q1 is not null;
                        constant |= q1 == -1;
                        from[a] = q1 ?? 0;
                    }

                    if (!exists) continue;
                    long[] tap = p.Op == ConvOp.Convolution ? [.. k.Select((v, a) => p.Kernel[a] - 1 - v)] : k;
                    long w = p.Op == ConvOp.Transposed
                        ? (long)t.Weights![BruteForce.Flat(p.WeightShape, [channel, o[1] % og, .. tap])]
                        : (long)t.Weights![BruteForce.Flat(p.WeightShape, [o[1], c, .. tap])];
                    long x = constant ? (long)p.PadValue : (long)t.Input![BruteForce.Flat(p.InputShape, [o[0], channel, .. from])];
                    sums[at] += (x - q.InputZeroPoint) * (w - q.WeightZeroPoint(o[1]));
                }

        long plane = p.OutputSpatial.Product;
        return [.. sums.Select((sum, i) =>
        {
            long o = i / plane % p.OutputChannels;
            decimal v = (sum + (p.HasBias ? (long)t.Bias![o] : 0)) * (decimal)q.InputScale * (decimal)q.WeightScale(o) / (decimal)q.OutputScale;
            if (!p.OutputType.IsInteger()) return (double)v;
            v = Math.Round(v, MidpointRounding.ToEven) + q.OutputZeroPoint;
            return (double)(p.OutputType switch { DataType.U8 => Math.Clamp(v, 0, 255), DataType.S8 => Math.Clamp(v, -128, 127), _ => v });
        })];
    }
}
