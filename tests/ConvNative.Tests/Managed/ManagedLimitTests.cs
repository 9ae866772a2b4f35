using ConvNative.Backends.Managed;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Sizes that are refused, memory that is told, callers that run at the same time.</summary>
[TestClass]
public class ManagedLimitTests
{
    [TestMethod]
    public void TensorsBeyondASpanAreRefused()
    {
        var engine = new ManagedBackend();
        PlanResult large = engine.CreatePlan(new ConvProblem(new ConvSpec { InputShape = [1, 64, 8192, 8192], WeightShape = [64, 1, 3, 3], Groups = 64 }), PlanOptions.Default);
        Assert.IsNull(large.Plan);
        Assert.Contains("more than 2147483647 elements", large.Reason!);
        PlanResult axis = engine.CreatePlan(new ConvProblem(new ConvSpec { InputShape = [1, 1, 40_000_000], WeightShape = [1, 1, 1] }), PlanOptions.Default);
        Assert.Contains("a tensor axis of 40000000", axis.Reason!);

        // What Execute takes as bytes, for other than plain f32, has at most so many of them.
        ConvSpec bytes = new() { InputShape = [1, 64, 8192, 1050], WeightShape = [64, 1, 3, 3], Groups = 64, InputType = DataType.F64, WeightType = DataType.F64, OutputType = DataType.F64 };
        foreach (ConvSpec s in (ConvSpec[])[bytes, bytes with { InputType = DataType.F32, WeightType = DataType.F32, OutputType = DataType.F32, Direction = Direction.BackwardData }])
            Assert.Contains("more than 2147483647 bytes", engine.CreatePlan(new ConvProblem(s), PlanOptions.Default).Reason!);
    }

    [TestMethod]
    public void WorkspaceIsTold()
    {
        ConvSpec spec = new() { InputShape = [1, 64, 15, 17], WeightShape = [66, 64, 3, 3], PadsBegin = [1, 1], PadsEnd = [1, 1] };
        using ConvPlan single = ManagedRun.Plan(new ConvProblem(spec));
        using ConvPlan half = ManagedRun.Plan(new ConvProblem(spec with { InputType = DataType.BF16, WeightType = DataType.BF16, OutputType = DataType.BF16 }));
        using ConvPlan fast = ManagedRun.Plan(new ConvProblem(spec), new PlanOptions { Math = MathMode.Fast });

        // 16 bits are widened: an f32 copy of input and output.
        Assert.AreEqual(single.WorkspaceBytes + (4 * ((64 * 15 * 17) + (66 * 15 * 17))), half.WorkspaceBytes);

        // 36 points of 4 x 5 tiles, for 64 and for 66 channels at least.
        Assert.IsGreaterThan(36L * 20 * (64 + 66) * 4, fast.WorkspaceBytes);
    }

    [TestMethod]
    public void RunsOfEveryKindAllocateNothing()
    {
        ConvSpec spec = new() { InputShape = [1, 64, 15, 17], WeightShape = [66, 64, 3, 3], PadsBegin = [1, 1], PadsEnd = [1, 1] };
        foreach (DataType type in (DataType[])[DataType.BF16, DataType.F16, DataType.F32])
        {
            var p = new ConvProblem(spec with { InputType = type, WeightType = type, OutputType = type });
            using ConvPlan plan = ManagedRun.Plan(p, new PlanOptions { Math = MathMode.Fast });
            byte[] x = new byte[plan.InputBytes], y = new byte[plan.OutputBytes];
            plan.SetWeights(new byte[plan.WeightBytes], new byte[plan.BiasBytes]);
            Assert.AreEqual(0, ManagedRun.Allocated(() => plan.Execute(new ConvArguments { Input = x, Result = y })), $"{plan.Implementation}: {p}");
        }
    }

    /// <summary>Callers share one pool: whoever finds it busy works alone, and nobody waits for ever or reads another's results.</summary>
    [TestMethod]
    public void CallersAtTheSameTimeGetTheirOwnResults()
    {
        var p = new ConvProblem(new ConvSpec { InputShape = [1, 33, 29, 31], WeightShape = [34, 33, 3, 3], PadsBegin = [1, 1], PadsEnd = [1, 1] });
        double[][] alone = [.. Enumerable.Range(1, 4).Select(seed => new ManagedRun(p, seed).Get(Direction.Forward))];
        Parallel.For(0, 24, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
            CollectionAssert.AreEqual(alone[i % 4], new ManagedRun(p, (i % 4) + 1).Get(Direction.Forward)));
    }
}
