using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Residual and limits that the managed kernels apply while sums are in registers.</summary>
[TestClass]
public sealed class FinishTests
{
    /// <summary>One channel in, so that each result is its pixel: what is not a number, and the sign of zero, must come through.</summary>
    [TestMethod]
    [DataRow(DataType.F32, ActivationKind.None)]
    [DataRow(DataType.F32, ActivationKind.Relu)]
    [DataRow(DataType.F32, ActivationKind.Clip)]
    [DataRow(DataType.F64, ActivationKind.None)]
    [DataRow(DataType.F64, ActivationKind.Relu)]
    [DataRow(DataType.F64, ActivationKind.Clip)]
    public void SpecialValuesComeThrough(DataType type, ActivationKind kind)
    {
        double[] values = [double.NaN, double.PositiveInfinity, double.NegativeInfinity, -0.0, 0, -1, 1, -3, 7];
        foreach (bool residual in (bool[])[false, true])
        {
            if (kind == ActivationKind.None && !residual) continue;
            var p = new ConvProblem(new ConvSpec
            {
                InputShape = [1, 1, 1, 9], WeightShape = [32, 1, 1, 1], HasBias = true, InputLayout = Layout.ChannelsLast, OutputLayout = Layout.ChannelsLast, InputType = type, WeightType = type, OutputType = type,
                PostOps = new PostOps(residual, 1, new Activation(kind, kind == ActivationKind.Clip ? -2 : 0, kind == ActivationKind.Clip ? 5 : 0), null),
            });
            var run = new ManagedRun(p) { Input = values, Weights = [.. Enumerable.Repeat(1.0, 32)], Bias = [.. Enumerable.Repeat(-0.0, 32)], Residual = residual ? [.. Enumerable.Repeat(-0.0, 32 * 9)] : [] };
            double[] got = run.Get(Direction.Forward);
            Assert.Contains("direct", run.Implementation);
            for (int i = 0; i < got.Length; i++)
            {
                double v = values[i % 9], want = kind switch
                {
                    ActivationKind.Relu => v < 0 ? 0 : v,
                    ActivationKind.Clip => v < -2 ? -2 : v > 5 ? 5 : v,
                    _ => v,
                };
                Assert.AreEqual(BitConverter.DoubleToInt64Bits(want) < 0 && want == 0, BitConverter.DoubleToInt64Bits(got[i]) < 0 && got[i] == 0, $"sign of zero, {v} residual {residual}: {p}");
                Assert.AreEqual(want, got[i], $"{v} residual {residual}: {p}");
            }
        }
    }

    /// <summary>A plan that says so may write over its residual; one that leaves partial sums where the result goes must not say so.</summary>
    [TestMethod]
    public void ResidualsLieUnderResults()
    {
        int places = 0;
        foreach ((Dims x, Dims w, long pad, bool? says) in ((Dims, Dims, long, bool?)[])
            [([1, 22, 7, 10], [48, 22, 1, 1], 0, true), ([2, 19, 7, 7], [64, 19, 1, 1], 0, true), ([1, 20, 9, 8], [32, 20, 3, 3], 0, true), ([1, 18, 9, 7], [96, 18, 3, 3], 1, false), ([1, 19, 6, 11], [35, 19, 1, 1], 0, null), ([1, 560, 7, 7], [96, 560, 3, 3], 0, null)])
        {
            var spec = new ConvSpec
            {
                InputShape = x, WeightShape = w, PadsBegin = [pad, pad], PadsEnd = [pad, pad], HasBias = true, InputLayout = Layout.ChannelsLast, OutputLayout = Layout.ChannelsLast,
                PostOps = new PostOps(true, 0.5, new Activation(ActivationKind.Relu, 0, 0), null),
            };
            var run = new ManagedRun(new ConvProblem(spec));
            ConvProblem p = run.Problem;
            double[] want = run.Get(Direction.Forward);
            using ConvPlan plan = ManagedRun.Plan(p);
            if (says is { } so) Assert.AreEqual(so, plan.AddsInPlace, p.ToString());
            if (!plan.AddsInPlace) continue;
            places++;
            plan.SetWeights(ManagedRun.Bytes(run.Weights, p.WeightShape, p.WeightLayout, p.WeightType), ManagedRun.Bytes(run.Bias, p.BiasShape, Layout.ChannelsFirst, p.BiasType));
            byte[] both = ManagedRun.Bytes(run.Residual, p.OutputShape, p.OutputLayout, p.OutputType);
            plan.ExecuteChecked(new ConvArguments { Input = ManagedRun.Bytes(run.Input, p.InputShape, p.InputLayout, p.InputType), Residual = both, Result = both });
            CollectionAssert.AreEqual(want, ManagedRun.Doubles(both, p.OutputShape, p.OutputLayout, p.OutputType), p.ToString());
        }

        Assert.IsGreaterThan(1, places);
    }

    /// <summary>With one thread and with several the same bits, residual and limits included.</summary>
    [TestMethod]
    public void ThreadsDoNotChangeFinishedResults()
    {
        foreach (int channels in (int[])[64, 530])
        {
            var run = new ManagedRun(new ConvProblem(new ConvSpec
            {
                InputShape = [1, channels, 14, 7], WeightShape = [96, channels, 3, 3], PadsBegin = [1, 1], PadsEnd = [1, 1], HasBias = true, InputLayout = Layout.ChannelsLast, OutputLayout = Layout.ChannelsLast,
                PostOps = new PostOps(true, 0.3, new Activation(ActivationKind.Relu, 0, 0), null),
            }));
            run.Weights = [.. run.Weights.Select((v, i) => v / (3 + (i % 7)))];
            CollectionAssert.AreEqual(run.Get(Direction.Forward, new PlanOptions { MaxThreads = 1 }), run.Get(Direction.Forward, new PlanOptions { MaxThreads = 2 }), $"{channels} channels");
        }
    }
}
