using ConvNative.Oracle;
using ConvNative.Oracle.Bounds;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Verdicts;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class OracleVerdictTests
{
    private static readonly FillKind[] s_fills = Enum.GetValues<FillKind>();

    /// <summary>A stand-in for an engine: f32 products and sums, in an order of its own (taps last to first), by literal loops.</summary>
    private static double[] Engine(ConvProblem p, OracleTensors t, int dropTap = -1, bool swapAxes = false, long padShift = 0, Func<long, long>? outputChannel = null)
    {
        var y = new double[p.OutputShape.Product];
        long cg = p.WeightShape[1], og = p.OutputChannels / p.Groups;
        foreach (long[] o in BruteForce.Coordinates(p.OutputShape))
        {
            float sum = 0;
            for (long c = cg - 1; c >= 0; c--)
                for (long k = p.Kernel.Product - 1; k >= 0; k--)
                {
                    if (k == dropTap) continue;
                    long ky = k / p.Kernel[1], kx = k % p.Kernel[1], wy = ky, wx = kx;
                    if (swapAxes) (wy, wx) = (kx % p.Kernel[0], ky % p.Kernel[1]);
                    long iy = (o[2] * p.Strides[0]) - p.PadsBegin[0] - padShift + (ky * p.Dilations[0]), ix = (o[3] * p.Strides[1]) - p.PadsBegin[1] + (kx * p.Dilations[1]);
                    if (iy < 0 || iy >= p.InputShape[2] || ix < 0 || ix >= p.InputShape[3]) continue;
                    long channel = ((outputChannel?.Invoke(o[1]) ?? o[1]) / og * cg) + c;
                    sum += (float)t.Input![BruteForce.Flat(p.InputShape, o[0], channel, iy, ix)] * (float)t.Weights![BruteForce.Flat(p.WeightShape, o[1], c, wy, wx)];
                }

            if (p.HasBias) sum += (float)t.Bias![o[1]];
            if (p.PostOps.Residual) sum += (float)t.Residual![BruteForce.Flat(p.OutputShape, o)] * (float)p.PostOps.ResidualScale;
            y[BruteForce.Flat(p.OutputShape, o)] = (float)Epilogue.Activate(p.PostOps.Activation, sum) * (float)(p.PostOps.OutputScale ?? 1);
        }

        return y;
    }

    private static ConvProblem Problem(Activation a = default, bool residual = false, double? scale = null) => new ConvSpec
    {
        InputShape = [2, 6, 9, 11],
        WeightShape = [4, 3, 3, 5],
        Groups = 2,
        PadsBegin = [1, 2],
        PadsEnd = [0, 2],
        HasBias = true,
        PostOps = new PostOps(residual, residual ? 1 : 0, a, scale),
    }.Build();

    public static IEnumerable<Activation> Activations =>
        [Activation.None, Activation.Relu, Activation.LeakyRelu(0.1), Activation.Relu6, Activation.Sigmoid, Activation.Tanh, Activation.GeluErf, Activation.GeluTanh, Activation.Silu, Activation.HardSwish];

    [TestMethod]
    [DynamicData(nameof(Activations))]
    public void AnHonestEnginePasses(Activation a)
    {
        foreach (bool residual in new[] { false, true })
            foreach ((FillKind fill, double? scale) in s_fills.SelectMany(f => new (FillKind, double?)[] { (f, null), (f, 0.3), (f, -4) }))
            {
                ConvProblem p = Problem(a, residual, scale);
                OracleTensors t = Fills.Create(p, fill, 1);
                Comparison c = Verdict.Compare(p, fill, NaiveOracle.Compute(p, t), Engine(p, t));
                Assert.AreEqual(Outcome.Pass, c.Outcome, $"{a} {fill} {scale}: {c.Summary}");
                Assert.IsTrue(c.WorstInBounds <= 0.9, $"{a} {fill} {scale}: {c.WorstInBounds}");
                if (fill == FillKind.ExactInteger && scale != 0.3 && a.Kind is ActivationKind.None or ActivationKind.Relu or ActivationKind.Clip) Assert.AreEqual(0, c.WorstInBounds);
                if (fill == FillKind.Random && a.Kind == ActivationKind.None) Assert.IsTrue(c.WorstInBounds > 0.001, "the bound is too generous to mean anything");
            }
    }

    [TestMethod]
    public void SabotageFails()
    {
        ConvProblem p = Problem();
        foreach (FillKind fill in s_fills)
        {
            OracleTensors t = Fills.Create(p, fill, 3);
            OracleResult oracle = NaiveOracle.Compute(p, t);
            void Red(string what, double[] y)
            {
                Comparison c = Verdict.Compare(p, fill, oracle, y);
                Assert.AreEqual(Outcome.Fail, c.Outcome, $"{what}, {fill}");
                Assert.IsTrue(c.WorstInBounds > 1 && c.FailCount > 0 && c.WorstCoordinates.Length == 4);
                StringAssert.Contains(c.Summary, "outside the bound");
            }

            Red("a tap dropped", Engine(p, t, dropTap: 7));
            Red("axes swapped", Engine(p, t, swapAxes: true));
            Red("pad off by one", Engine(p, t, padShift: 1));
            Red("groups mis-assigned", Engine(p, t, outputChannel: o => (o + 2) % 4));
            double[] y = Engine(p, t);
            y[100] = double.NaN;
            Red("one element unwritten", y);
        }
    }

    [TestMethod]
    public void ALastBitFailsWhereIntegersAreExact()
    {
        ConvProblem p = Problem();
        OracleTensors t = Fills.Create(p, FillKind.ExactInteger, 3);
        OracleResult oracle = NaiveOracle.Compute(p, t);
        double[] y = Engine(p, t);
        y[5] = MathF.BitIncrement((float)y[5]);
        Comparison c = Verdict.Compare(p, FillKind.ExactInteger, oracle, y);
        Assert.AreEqual(Outcome.Fail, c.Outcome);
        Assert.AreEqual(5, c.WorstIndex);
        Assert.AreEqual(double.PositiveInfinity, c.WorstInBounds);
    }

    [TestMethod]
    public void LongSumsPassOneByOneInFloatAndNotWithAPartMissing()
    {
        const int Length = 1 << 20;
        ConvProblem p = new ConvSpec { Direction = Direction.BackwardWeights, InputShape = [1, 1, Length], WeightShape = [1, 1, 1] }.Build();
        OracleTensors t = Fills.Create(p, FillKind.Random, 8);
        OracleResult oracle = NaiveOracle.Compute(p, t);
        float sum = 0, part = 0;
        for (int i = 0; i < Length; i++)
        {
            sum += (float)t.Input![i] * (float)t.OutputGrad![i];
            if (i == Length / 100 * 99) part = sum;
        }

        Comparison c = Verdict.Compare(p, FillKind.Random, oracle, [sum]);
        Assert.AreEqual(Outcome.Pass, c.Outcome, c.Summary);
        Assert.IsTrue(c.WorstInBounds < 0.5, c.Summary);
        Assert.AreEqual(Outcome.Fail, Verdict.Compare(p, FillKind.Random, oracle, [part]).Outcome);
        Assert.AreEqual(Outcome.Fail, Verdict.Compare(p, FillKind.Random, oracle, [0]).Outcome);
        double u = Math.ScaleB(1, -24);
        Assert.AreEqual(10 * u, ErrorBound.Factor(10, u), 1e-4 * u, "few roundings: the certain bound");
        Assert.AreEqual(10 * 1024 * u, ErrorBound.Factor(Length, u), 10 * u, "many: the probable one");
        Assert.AreEqual(double.PositiveInfinity, ErrorBound.Factor(int.MaxValue, 0.1));
    }

    [TestMethod]
    public void AllZerosAreMistrusted()
    {
        ConvProblem p = Problem();
        OracleTensors t = Fills.Create(p, FillKind.Random, 3);
        t = t with { Input = new double[t.Input!.Length], Bias = new double[4] };
        Comparison c = Verdict.Compare(p, FillKind.Random, NaiveOracle.Compute(p, t), new double[p.OutputShape.Product]);
        Assert.AreEqual(Outcome.Mistrusted, c.Outcome);
        Assert.AreEqual(0, c.NonZeroFraction);
    }

    [TestMethod]
    public void NotANumberAndInfinity()
    {
        Assert.AreEqual(0, Verdict.Ratio(DataType.F32, double.NaN, double.NaN, 1));
        Assert.AreEqual(double.PositiveInfinity, Verdict.Ratio(DataType.F32, double.NaN, 1, 1));
        Assert.AreEqual(double.PositiveInfinity, Verdict.Ratio(DataType.F32, 1, double.NaN, 1));
        Assert.AreEqual(0, Verdict.Ratio(DataType.F32, double.PositiveInfinity, double.PositiveInfinity, double.NaN));
        Assert.AreEqual(double.PositiveInfinity, Verdict.Ratio(DataType.F32, double.PositiveInfinity, double.NegativeInfinity, double.NaN));
        Assert.AreEqual(double.PositiveInfinity, Verdict.Ratio(DataType.F32, double.PositiveInfinity, 1, double.NaN));
        Assert.AreEqual(double.PositiveInfinity, Verdict.Ratio(DataType.F32, 1, double.PositiveInfinity, 0.5));
        Assert.AreEqual(0, Verdict.Ratio(DataType.F32, 0, -0.0, 0));
        Assert.AreEqual(0, Verdict.Ratio(DataType.F16, 70000, double.PositiveInfinity, 0), "beyond f16");
        Assert.AreEqual(0, Verdict.Ratio(DataType.BF16, 257, 256, 0), "one rounding, ties to even");
        Assert.AreEqual(double.PositiveInfinity, Verdict.Ratio(DataType.BF16, 257, 258, 0));
        Assert.AreEqual(0, Verdict.Ratio(DataType.S8, 300, 127, 0));
    }

    [TestMethod]
    public void NonFiniteOperandsPropagate()
    {
        ConvProblem p = Problem();
        OracleTensors t = Fills.Create(p, FillKind.Random, 3);
        (t.Input![20], t.Input[200], t.Weights![0]) = (double.NaN, double.PositiveInfinity, double.NegativeInfinity);
        OracleResult oracle = NaiveOracle.Compute(p, t);
        Comparison c = Verdict.Compare(p, FillKind.Random, oracle, Engine(p, t));
        Assert.AreEqual(Outcome.Pass, c.Outcome, c.Summary);
        Assert.IsTrue(oracle.Values.Any(double.IsNaN) && oracle.Values.Any(double.IsInfinity) && oracle.Values.Any(double.IsFinite));
    }

    [TestMethod]
    public void TensorBytesRoundTripInEveryTypeAndLayout()
    {
        Dims shape = [2, 3, 4, 5];
        foreach (DataType type in Enum.GetValues<DataType>())
        {
            double[] v = [.. Enumerable.Range(0, 120).Select(i => (double)i)];
            byte[] first = TensorBytes.ToBytes(v, type, shape, Layout.ChannelsFirst), last = TensorBytes.ToBytes(v, type, shape, Layout.ChannelsLast);
            CollectionAssert.AreEqual(v, TensorBytes.Read(first, type, shape, Layout.ChannelsFirst));
            CollectionAssert.AreEqual(v, TensorBytes.Read(last, type, shape, Layout.ChannelsLast));
            // In channels last the three channels of the first pixel come first (20 elements apart), then the second pixel's.
            CollectionAssert.AreEqual((double[])[0, 20, 40, 1, 21, 41, 2], TensorBytes.Read(last, type, [1, 1, 120], Layout.ChannelsFirst)[..7]);
        }
    }

    [TestMethod]
    public void GuardsSeeWritesBeyondAndElementsLeft()
    {
        using var b = new GuardedBuffer(40);
        StringAssert.Contains(b.Check(DataType.F32), "10 of 10");
        b.Payload.Clear();
        Assert.IsNull(b.Check(DataType.F32));
        b.Payload[36..].Fill(0xFF);
        StringAssert.Contains(b.Check(DataType.F32), "1 of 10 elements unwritten, the first at physical index 9");
        unsafe
        {
            fixed (byte* p = b.Payload)
            {
                p[40] = 0;
                StringAssert.Contains(b.Check(DataType.F32), "1 bytes after the end");
                p[-3] = 0;
                StringAssert.Contains(b.Check(DataType.F32), "3 bytes before the start");
            }
        }

        b.Poison();
        StringAssert.Contains(b.Check(DataType.F32), "10 of 10");
    }
}
