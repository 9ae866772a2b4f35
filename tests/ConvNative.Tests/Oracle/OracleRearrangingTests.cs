using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Oracle.Verdicts;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class OracleRearrangingTests
{
    [TestMethod]
    public void WeightsTimesIm2colIsCorrelation()
    {
        var r = new Random(51);
        for (int i = 0; i < 100; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, ConvOp.Correlation).With(s => s with { Groups = 1, WeightShape = s.WeightShape.Slice(2).Prepend(s.WeightShape[0], s.InputShape[1]) });
            ConvProblem unfold = Unfolding(p);
            OracleTensors t = Fills.Create(p, FillKind.ExactInteger, (ulong)i);
            double[] columns = NaiveOracle.Compute(unfold, t).Values, y = NaiveOracle.Compute(p, t).Values;
            int rows = (int)unfold.OutputShape[1], length = (int)unfold.OutputShape[2], outputs = (int)p.OutputChannels;
            for (int j = 0; j < y.Length; j++)
            {
                int l = j % length, o = j / length % outputs, n = j / length / outputs;
                double sum = 0;
                for (int row = 0; row < rows; row++) sum += t.Weights![(o * rows) + row] * columns[(((n * rows) + row) * length) + l];
                Assert.AreEqual(sum, y[j], p.ToString());
            }
        }
    }

    private static ConvProblem Unfolding(ConvProblem p) =>
        p.With(s => s with { Op = ConvOp.Im2col, WeightShape = default, Kernel = p.Kernel, OutputShape = null, Groups = 1, ImpliedTrailingPads = true });

    [TestMethod]
    public void BackwardIsTheAdjointAndCol2imThatOfIm2col()
    {
        var r = new Random(52);
        for (int i = 0; i < 100; i++)
        {
            ConvProblem unfold = Unfolding(BruteForce.RandomProblem(r, ConvOp.Correlation)).With(s => s with { PadValue = 0 });
            ConvProblem back = unfold.Toward(Direction.BackwardData);
            OracleTensors t = Fills.Create(unfold, FillKind.ExactInteger, (ulong)i) with { OutputGrad = Fills.Create(back, FillKind.ExactInteger, (ulong)i).OutputGrad };
            double want = BruteForce.Inner(NaiveOracle.Compute(unfold, t).Values, t.OutputGrad!);
            double[] dx = NaiveOracle.Compute(back, t).Values;
            Assert.AreEqual(want, BruteForce.Inner(dx, t.Input!), unfold.ToSpec().ToString());
            if (unfold.PaddingMode is not (PaddingMode.Zeros or PaddingMode.Constant)) continue;
            ConvProblem fold = new ConvSpec
            {
                Op = ConvOp.Col2im,
                InputShape = unfold.OutputShape,
                ImageShape = unfold.InputSpatial,
                Kernel = unfold.Kernel,
                Strides = unfold.Strides,
                Dilations = unfold.Dilations,
                PadsBegin = unfold.PadsBegin,
                PadsEnd = Dims.Create([.. unfold.PadsEnd.Select(v => Math.Max(0, v))]),
            }.Build();
            CollectionAssert.AreEqual(dx, NaiveOracle.Compute(fold, new OracleTensors { Input = t.OutputGrad }).Values);
            double[] columns = NaiveOracle.Compute(fold.Toward(Direction.BackwardData), new OracleTensors { OutputGrad = t.Input }).Values;
            CollectionAssert.AreEqual(NaiveOracle.Compute(unfold.With(s => s with { PaddingMode = PaddingMode.Zeros }), t).Values, columns);
        }
    }

    [TestMethod]
    public void OnnxCol2imExample()
    {
        // Five blocks of one row of five: the columns of the input become the rows of the image.
        ConvProblem p = new ConvSpec { Op = ConvOp.Col2im, InputShape = [1, 5, 5], ImageShape = [5, 5], Kernel = [1, 5] }.Build();
        double[] x = [1, 6, 11, 16, 21, 2, 7, 12, 17, 22, 3, 8, 13, 18, 23, 4, 9, 14, 19, 24, 5, 10, 15, 20, 25];
        CollectionAssert.AreEqual(Enumerable.Range(1, 25).Select(v => (double)v).ToArray(), NaiveOracle.Compute(p, new OracleTensors { Input = x }).Values);
    }

    [TestMethod]
    public void ChannelShuffle()
    {
        ConvProblem p = new ConvSpec { Op = ConvOp.ChannelShuffle, InputShape = [1, 6, 2], Groups = 2 }.Build();
        double[] x = [0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51];
        // Two rows of three channels, read down the columns: 0 3 1 4 2 5.
        double[] y = NaiveOracle.Compute(p, new OracleTensors { Input = x }).Values;
        CollectionAssert.AreEqual((double[])[0, 1, 30, 31, 10, 11, 40, 41, 20, 21, 50, 51], y);
        CollectionAssert.AreEqual(x, NaiveOracle.Compute(p.Toward(Direction.BackwardData), new OracleTensors { OutputGrad = y }).Values);
        // A copy is exact whatever the values.
        double[] wrong = [.. y];
        wrong[3] = Math.BitIncrement((float)wrong[3]);
        OracleResult oracle = NaiveOracle.Compute(p, new OracleTensors { Input = x });
        Assert.AreEqual(Outcome.Pass, Verdict.Compare(p, FillKind.Random, oracle, y).Outcome);
        Assert.AreEqual(Outcome.Fail, Verdict.Compare(p, FillKind.Random, oracle, wrong).Outcome);
    }
}
