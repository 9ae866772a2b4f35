using ConvNative.Oracle;
using ConvNative.Oracle.Bounds;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Oracle.Verdicts;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Winograd in the managed engine, which only <see cref="MathMode.Fast"/> permits, against its own bound.</summary>
[TestClass]
public class WinogradTests
{
    private static readonly PlanOptions s_fast = new() { Math = MathMode.Fast };

    private static IEnumerable<ConvSpec> Specs()
    {
        ConvSpec Of(Dims x, Dims w, ConvOp op = ConvOp.Correlation) => new() { Op = op, InputShape = x, WeightShape = w, HasBias = true, PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return Of([1, 66, 17, 21], [70, 66, 3, 3]) with { Name = "odd" };
        yield return Of([2, 64, 14, 15], [96, 64, 3, 3]) with { Name = "two images", PostOps = new PostOps(true, 0.5, Activation.Relu) };
        yield return Of([1, 67, 19, 22], [65, 67, 3, 3]) with { Name = "no padding", PadsBegin = [0, 0], PadsEnd = [0, 0] };
        yield return Of([1, 67, 18, 15], [65, 67, 3, 3], ConvOp.Convolution) with { Name = "flipped, pads differ", PadsBegin = [2, 0], PadsEnd = [0, 3] };
        yield return Of([1, 68, 15, 16], [68, 64, 3, 3], ConvOp.Transposed) with { Name = "transposed" };
        yield return Of([3, 64, 22, 27], [64, 64, 3, 3]) with { Name = "bands of one thread" };
        yield return Of([1, 64, 14, 14], [1900, 64, 3, 3]) with { Name = "F(2x2): weights that outgrow the caches" };
    }

    [TestMethod]
    [DataRow(FillKind.Random)]
    [DataRow(FillKind.ExactInteger)]
    public void StaysWithinItsBound(FillKind fill)
    {
        foreach (ConvSpec s in Specs())
            foreach (Layout layout in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast])
                foreach (Direction d in (Direction[])[Direction.Forward, Direction.BackwardData])
                {
                    // A sum over 1,900 channels tells little against a bound for any data.
                    if (d == Direction.BackwardData && s.WeightShape[0] > 1000) continue;
                    var p = new ConvProblem(s with { Direction = d, InputLayout = layout, OutputLayout = layout, PostOps = d == Direction.Forward ? s.PostOps : default, HasBias = d == Direction.Forward });
                    OracleTensors t = Fills.Create(p, fill, 7);
                    double[] actual = Run(p, t, s_fast, out string implementation, out AlgorithmClass algorithm);
                    Assert.StartsWith(s.Name!.StartsWith("F(2x2)", StringComparison.Ordinal) ? "managed:winograd_f2" : "managed:winograd_f4", implementation);
                    Assert.AreEqual(AlgorithmClass.Winograd, algorithm);
                    Comparison c = Verdict.Compare(p, fill, NaiveOracle.Compute(p, t), actual, new Arithmetic(SumAlgorithm.Winograd));
                    Assert.AreEqual(Outcome.Pass, c.Outcome, $"{p.Name} {layout} {d}: {c.Summary}");
                }
    }

    [TestMethod]
    public void StrictMathHasNone()
    {
        using ConvPlan plan = ManagedRun.Plan(new ConvProblem(Specs().First()));
        Assert.AreEqual(AlgorithmClass.Direct, plan.Algorithm);
        Assert.StartsWith("managed:direct", plan.Implementation);
    }

    [TestMethod]
    public void ThreadsDoNotChangeABit()
    {
        foreach (ConvSpec s in Specs().Where(s => s.Name is "odd" or "bands of one thread"))
        {
            var p = new ConvProblem(s);
            OracleTensors t = Fills.Create(p, FillKind.Random, 5);
            CollectionAssert.AreEqual(Run(p, t, s_fast with { MaxThreads = 1 }, out _, out _), Run(p, t, s_fast, out _, out _), s.Name);
        }
    }

    /// <summary>F(4x4, 3x3): row 3 of A^T gives 1*(1/2)*10 twice, 8*(7/24)*6 twice and 1*1*10, 48 in all; their squares 542.</summary>
    [TestMethod]
    public void GrowthFollowsFromTheMatrices()
    {
        Assert.AreEqual(48.0 * 48 / 9, WinogradBound.Growth, 1e-9);
        Assert.AreEqual(542.0 / 9, WinogradBound.GrowthApart, 1e-9);
    }

    private static double[] Run(ConvProblem p, OracleTensors t, PlanOptions options, out string implementation, out AlgorithmClass algorithm)
    {
        using (ConvPlan plan = ManagedRun.Plan(p, options)) (implementation, algorithm) = (plan.Implementation, plan.Algorithm);
        return new ManagedRun(p) { Input = t.Input ?? [], Weights = t.Weights ?? [], Bias = t.Bias ?? [], Residual = t.Residual ?? [], OutputGradient = t.OutputGrad ?? [] }.Get(p.Direction, options);
    }
}
