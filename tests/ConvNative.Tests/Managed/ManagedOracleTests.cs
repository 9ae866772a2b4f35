using ConvNative.Oracle;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>The managed engine against the oracle: every variant, direction, layout, type and fill of the table.</summary>
[TestClass]
public class ManagedOracleTests
{
    private static readonly Direction[] s_linear = [Direction.Forward, Direction.BackwardData, Direction.BackwardWeights, Direction.BackwardBias];

    [TestMethod]
    [DataRow(FillKind.ExactInteger)]
    [DataRow(FillKind.Random)]
    [DataRow(FillKind.FullRange)]
    public void LinearVariants(FillKind fill) => Check(ManagedProblems.Spread(ManagedProblems.Linear()), s_linear, fill);

    [TestMethod]
    [DataRow(FillKind.ExactInteger)]
    [DataRow(FillKind.Random)]
    public void DeformableVariants(FillKind fill) =>
        Check(ManagedProblems.Spread(ManagedProblems.Deformable()), [.. s_linear, Direction.BackwardOffset, Direction.BackwardMask], fill);

    [TestMethod]
    public void Rearrangements() =>
        Check(ManagedProblems.Spread(ManagedProblems.Rearrangements()), [Direction.Forward, Direction.BackwardData], FillKind.ExactInteger);

    [TestMethod]
    public void PostOps()
    {
        ActivationKind[] kinds = Enum.GetValues<ActivationKind>();
        var specs = kinds.SelectMany(k => ManagedProblems.Linear().Where(s => s.Name is "groups wide" or "depthwise wide" or "1x1" or "deconv dcgan" or "rank1 dilated")
            .Select(s => s with { Name = $"{s.Name} {k}", PostOps = new PostOps((int)k % 2 == 0, 0.5, new Activation(k, Alpha(k), Beta(k))) }))
            .Concat(kinds.Select(k => ManagedProblems.Deformable().First() with { PostOps = new PostOps(true, 2, new Activation(k, Alpha(k), Beta(k))) }));
        Check(ManagedProblems.Spread(specs), [Direction.Forward], FillKind.Random);

        static double Alpha(ActivationKind k) => k switch
        {
            ActivationKind.LeakyRelu => 0.125,
            ActivationKind.Clip => -0.25,
            ActivationKind.Silu => 1,
            ActivationKind.HardSwish => 1.0 / 6,
            _ => 0,
        };

        static double Beta(ActivationKind k) => k switch
        {
            ActivationKind.Clip => 0.75,
            ActivationKind.HardSwish => 0.5,
            _ => 0,
        };
    }

    /// <summary>Padding contributes nothing, so an infinite weight must not make NaN of it.</summary>
    [TestMethod]
    public void InfiniteWeightsMeetNoPadding()
    {
        foreach (ConvProblem q in ManagedProblems.Spread(ManagedProblems.Linear().Where(s => s.InputShape[0] > 0 && s.PaddingMode == PaddingMode.Zeros)))
            foreach (Direction d in (Direction[])[Direction.Forward, Direction.BackwardData])
            {
                ConvProblem p = q.With(s => s with { Direction = d, HasBias = false });
                OracleTensors t = Fills.Create(p, FillKind.ExactInteger, 3);
                t.Weights![0] = double.PositiveInfinity;
                t.Weights[^1] = double.NegativeInfinity;
                double[] expected = NaiveOracle.Compute(p, t).Values, actual = Run(p, t, new PlanOptions());
                for (int i = 0; i < actual.Length; i++) Assert.AreEqual(expected[i], actual[i], $"element {i} of {p.Name} {d}: {p}");
            }
    }

    [TestMethod]
    public void ThreadsDoNotChangeABit()
    {
        foreach (ConvProblem q in ManagedProblems.Spread(ManagedProblems.Linear().Where(s => s.InputShape[0] > 0)))
            foreach (Direction d in s_linear)
            {
                ConvProblem p = With(q, d);
                OracleTensors t = Fills.Create(p, FillKind.Random, 5);
                CollectionAssert.AreEqual(Run(p, t, new PlanOptions { MaxThreads = 1 }), Run(p, t, new PlanOptions()), $"{p.Name} {d}: {p}");
            }
    }

    private static ConvProblem With(ConvProblem p, Direction d) =>
        p.With(s => s with { Direction = d, HasBias = s.HasBias && d is Direction.Forward or Direction.BackwardWeights });

    private static double[] Run(ConvProblem p, OracleTensors t, PlanOptions options)
    {
        var run = new ManagedRun(p)
        {
            Input = t.Input ?? [], Weights = t.Weights ?? [], Bias = t.Bias ?? [], Residual = t.Residual ?? [],
            Offset = t.Offset ?? [], Mask = t.Mask ?? [], OutputGradient = t.OutputGrad ?? [],
        };
        if (p.HasMask && t.Mask is null) run.Mask = new double[p.MaskShape.Product];
        return run.Get(p.Direction, options);
    }

    private static void Check(IEnumerable<ConvProblem> problems, Direction[] directions, FillKind fill)
    {
        var failures = new List<string>();
        int compared = 0;
        foreach (ConvProblem q in problems)
            foreach (Direction d in directions)
            {
                if (d == Direction.BackwardMask && !q.HasMask) continue;
                ConvProblem p = With(q, d);
                OracleTensors t = Fills.Create(p, fill, 11);
                OracleResult expected;
                try
                {
                    expected = NaiveOracle.Compute(p, t);
                }
                catch (NotSupportedException)
                {
                    continue;
                }

                compared++;
                Comparison c = Verdict.Compare(p, fill, expected, Run(p, t, PlanOptions.Default));
                if (c.FailCount > 0) failures.Add($"{p.Name} {d}: {c.Summary} ({p})");
            }

        Assert.IsEmpty(failures, $"{failures.Count} of {compared}\n{string.Join('\n', failures.Take(12))}");
        if (compared == 0) Assert.Inconclusive("the oracle has none of these");
    }
}
