using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Oracle.Verdicts;
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
        var specs = kinds.SelectMany(k => ManagedProblems.Linear().Where(s => s.Name is "groups wide" or "depthwise wide" or "1x1" or "1x1 in other rows" or "seven columns" or "tiles alike" or "deconv dcgan" or "rank1 dilated")
            .Select(s => s with { Name = $"{s.Name} {k}", PostOps = new PostOps((int)k % 2 == 0, 0.5, new Activation(k, Alpha(k), Beta(k)), (int)k % 3 == 0 ? 0.3 : null) }))
            .Append(new ConvSpec { Name = "weights that outgrow the cache", InputShape = [1, 530, 7, 7], WeightShape = [96, 530, 3, 3], PadsBegin = [1, 1], PadsEnd = [1, 1], HasBias = true, PostOps = new PostOps(true, 2, new Activation(ActivationKind.Clip, -3, 4), null) })
            .Concat(kinds.Select(k => ManagedProblems.Deformable().First() with { PostOps = new PostOps(true, 2, new Activation(k, Alpha(k), Beta(k)), -0.7) }));
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

    /// <summary>Large enough that rows, channels and pixels are cut into several parts.</summary>
    [TestMethod]
    public void ManyParts()
    {
        ConvSpec Of(Dims x, Dims w, long s = 1) => new() { InputShape = x, WeightShape = w, Strides = [s, s], PadsBegin = [1, 1], PadsEnd = [1, 1], HasBias = true };
        Check(
            ManagedProblems.Spread(
            [
                Of([1, 70, 37, 45], [66, 70, 3, 3]) with { Name = "3x3" },
                Of([1, 260, 7, 9], [300, 260, 3, 3]) with { Name = "large weights" },
                Of([2, 3, 67, 75], [33, 3, 7, 7], 2) with { Name = "first layer" },
                Of([1, 130, 41, 37], [70, 130, 1, 1]) with { Name = "1x1", PadsBegin = null, PadsEnd = null },
                Of([1, 530, 7, 9], [270, 530, 1, 1]) with { Name = "1x1 deep", PadsBegin = null, PadsEnd = null },
                Of([1, 34, 61, 113], [34, 1, 3, 3]) with { Name = "depthwise", Groups = 34 },
                Of([1, 34, 113, 61], [34, 1, 5, 5], 2) with { Name = "depthwise 5x5", Groups = 34 },
                Of([1, 64, 41, 37], [64, 4, 3, 3]) with { Name = "groups", Groups = 16 },
                Of([1, 36, 29, 31], [36, 40, 4, 4], 2) with { Name = "deconv", Op = ConvOp.Transposed },
                Of([1, 530, 7, 7], [70, 530, 3, 3]) with { Name = "weights that outgrow the cache" },
                Of([1, 50, 13, 17], [70, 50, 1, 7]) with { Name = "wide kernel", PadsBegin = [0, 3], PadsEnd = [0, 3] },
                Of([1, 34, 19, 23], [40, 34, 3, 5]) with { Name = "dilated", Dilations = [2, 4], PadsBegin = [3, 7], PadsEnd = [1, 9] },
                Of([1, 2048, 6, 9], [70, 2048, 1, 1], 2) with { Name = "strided pixels a page apart", PadsBegin = null, PadsEnd = null },
                Of([1, 1024, 5, 11], [40, 1024, 1, 1]) with { Name = "pixels a page apart", PadsBegin = null, PadsEnd = null },
            ]).Where(p => p.InputType == DataType.F32),
            [Direction.Forward, Direction.BackwardData, Direction.BackwardWeights], FillKind.ExactInteger);
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

    /// <summary>Nor may an infinite gradient.</summary>
    [TestMethod]
    public void InfiniteGradientsMeetNoPadding()
    {
        foreach (ConvProblem q in ManagedProblems.Spread(ManagedProblems.Linear().Where(s => s.InputShape[0] > 0 && s.PaddingMode == PaddingMode.Zeros)))
        {
            ConvProblem p = With(q, Direction.BackwardWeights);
            OracleTensors t = Fills.Create(p, FillKind.ExactInteger, 3);
            t.OutputGrad![0] = double.PositiveInfinity;
            t.OutputGrad[^1] = double.NegativeInfinity;
            double[] expected = NaiveOracle.Compute(p, t).Values, actual = Run(p, t, new PlanOptions());
            for (int i = 0; i < actual.Length; i++) Assert.AreEqual(expected[i], actual[i], $"element {i} of {p.Name}: {p}");
        }
    }

    /// <summary>Sums over so many pixels are cut into slices, by the shape alone.</summary>
    [TestMethod]
    public void SlicesDoNotFollowTheThreads()
    {
        ConvSpec[] specs =
        [
            new() { Name = "dense", InputShape = [2, 20, 40, 41], WeightShape = [24, 20, 3, 3], PadsBegin = [1, 1], PadsEnd = [1, 1], HasBias = true },
            new() { Name = "few channels", InputShape = [2, 3, 61, 53], WeightShape = [33, 3, 5, 5], Strides = [2, 2], PadsBegin = [2, 2], HasBias = true },
            new() { Name = "very few channels", InputShape = [3, 2, 61, 53], WeightShape = [2, 2, 5, 5], PadsBegin = [2, 2], PadsEnd = [2, 2], HasBias = true },
            new() { Name = "groups", InputShape = [2, 32, 40, 41], WeightShape = [32, 4, 3, 3], Groups = 8, PadsBegin = [1, 1], PadsEnd = [1, 1], HasBias = true },
            new() { Name = "depthwise", InputShape = [3, 35, 60, 51], WeightShape = [35, 1, 5, 5], Groups = 35, PadsBegin = [2, 2], PadsEnd = [2, 2], HasBias = true },
            new() { Name = "transposed", Op = ConvOp.Transposed, InputShape = [2, 20, 40, 41], WeightShape = [20, 24, 2, 2], Strides = [2, 2], HasBias = true },
        ];
        foreach (ConvProblem q in ManagedProblems.Spread(specs))
        {
            ConvProblem p = With(q, Direction.BackwardWeights);
            using (ConvPlan plan = ManagedRun.Plan(p)) Assert.IsFalse(plan.Notes.Any(n => n.StartsWith("1 slice", StringComparison.Ordinal)), $"{p.Name}: {p}");
            OracleTensors t = Fills.Create(p, FillKind.Random, 5);
            double[] one = Run(p, t, new PlanOptions { MaxThreads = 1 });

            // As many as the machine has, at most; DOTNET_PROCESSOR_COUNT makes it more.
            foreach (int threads in (int[])[2, 3, 5, 0]) CollectionAssert.AreEqual(one, Run(p, t, new PlanOptions { MaxThreads = threads }), $"{p.Name}, {threads} threads: {p}");
        }

        Check(ManagedProblems.Spread(specs), [Direction.BackwardWeights], FillKind.Random);
        Check(ManagedProblems.Spread(specs), [Direction.BackwardWeights, Direction.BackwardBias], FillKind.ExactInteger);
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

    /// <summary>Weights so large that kernel rows are cut, by the rows of a part; and pixels that leave kernel columns out.</summary>
    [TestMethod]
    public void ThreadsDoNotChangeABitOfCutKernels()
    {
        ConvSpec Of(Dims x, Dims w) => new() { InputShape = x, WeightShape = w, PadsBegin = [1, 2], PadsEnd = [1, 1], HasBias = true };
        foreach (ConvProblem q in ManagedProblems.Spread([Of([1, 530, 7, 9], [70, 530, 3, 3]), Of([1, 70, 21, 17], [66, 70, 3, 5])]).Where(p => p.InputType == DataType.F32))
            foreach (Direction d in (Direction[])[Direction.Forward, Direction.BackwardData])
            {
                ConvProblem p = With(q, d);
                OracleTensors t = Fills.Create(p, FillKind.Random, 5);
                CollectionAssert.AreEqual(Run(p, t, new PlanOptions { MaxThreads = 1 }), Run(p, t, new PlanOptions()), $"{d}: {p}");
            }
    }

    [TestMethod]
    public void ThreadsDoNotChangeABitOfDeformable()
    {
        ConvSpec large = new() { Op = ConvOp.Deformable, Name = "large", InputShape = [2, 40, 33, 35], WeightShape = [36, 40, 3, 3], OffsetGroups = 2, HasMask = true, HasBias = true };
        foreach (ConvProblem q in ManagedProblems.Spread(ManagedProblems.Deformable().Where(s => s.InputShape[0] > 0).Append(large)))
            foreach (Direction d in (Direction[])[.. s_linear, Direction.BackwardOffset, Direction.BackwardMask])
            {
                if (d == Direction.BackwardMask && !q.HasMask) continue;
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
        Assert.IsGreaterThan(0, compared);
    }
}
