using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.Managed;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public class ManagedKernelTests
{
    [TestMethod]
    public void RunsAllocateNothing()
    {
        foreach (ConvSpec spec in ManagedProblems.Linear().Where(s => s.InputShape[0] > 0))
            foreach (Layout layout in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast])
            {
                ConvProblem p = new(spec with { InputLayout = layout, OutputLayout = layout });
                using ConvPlan plan = ManagedRun.Plan(p, new PlanOptions());
                float[] x = new float[p.InputShape.Product], y = new float[p.OutputShape.Product];
                plan.SetWeights(new float[p.WeightCount], new float[p.OutputChannels]);
                Assert.AreEqual(0, ManagedRun.Allocated(() => plan.Run(x, y)), $"{plan.Implementation}: {p}");
            }
    }

    [TestMethod]
    public void GradientsAllocateNothing()
    {
        foreach (ConvSpec spec in ManagedProblems.Linear().Where(s => s.InputShape[0] > 0))
            foreach (Layout layout in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast])
                foreach (Direction d in (Direction[])[Direction.BackwardData, Direction.BackwardWeights, Direction.BackwardBias])
                {
                    ConvProblem p = new(spec with { InputLayout = layout, OutputLayout = layout, Direction = d });
                    using ConvPlan plan = ManagedRun.Plan(p, new PlanOptions());
                    byte[] x = new byte[p.InputShape.Product * 4], dy = new byte[p.OutputShape.Product * 4], result = new byte[plan.ResultBytes], bias = new byte[plan.BiasBytes];
                    if (plan.NeedsWeights) plan.SetWeights(new byte[p.WeightCount * 4], []);
                    Assert.AreEqual(0, ManagedRun.Allocated(Execute), $"{plan.Implementation}: {p}");

                    void Execute() => plan.Execute(new ConvArguments
                    {
                        Input = d == Direction.BackwardWeights ? x : default,
                        OutputGradient = dy,
                        Result = result,
                        BiasResult = d == Direction.BackwardWeights ? bias : default,
                    });
                }
    }

    [TestMethod]
    public void PlansSayWhatTheyAre()
    {
        Assert.StartsWith("managed:matrix:", Implementation(new ConvSpec { InputShape = [1, 64, 7, 9], WeightShape = [32, 64, 1, 1] }));
        Assert.StartsWith("managed:dot:", Implementation(new ConvSpec { InputShape = [1, 64, 7, 9], WeightShape = [64, 1, 7, 9], Groups = 64 }));
        Assert.StartsWith("managed:direct:", Implementation(new ConvSpec { InputShape = [1, 64, 7, 9], WeightShape = [32, 64, 3, 3] }));
        Assert.StartsWith("managed:phases:", Implementation(new ConvSpec { Op = ConvOp.Transposed, InputShape = [1, 64, 7, 9], WeightShape = [64, 32, 3, 3], Strides = [2, 2] }));
        ConvSpec gradient = new() { Direction = Direction.BackwardWeights, InputShape = [1, 64, 7, 9], WeightShape = [32, 64, 3, 3] };
        Assert.StartsWith("managed:gradient:", Implementation(gradient));
        if (InstructionSet.VectorBits >= 256)
        {
            Assert.StartsWith("managed:gradient-groups:", Implementation(gradient with { WeightShape = [64, 4, 3, 3], Groups = 16 }));
            Assert.StartsWith("managed:gradient-planes:", Implementation(gradient with { InputShape = [1, 2, 7, 9], WeightShape = [1, 2, 3, 3] }));
            Assert.StartsWith("managed:gradient-planes:", Implementation(gradient with { InputShape = [1, 64, 32, 34], WeightShape = [64, 1, 3, 3], Groups = 64 }));
            Assert.StartsWith("managed:gradient-groups:", Implementation(gradient with { InputShape = [1, 64, 9, 11], WeightShape = [64, 1, 3, 3], Groups = 64, Strides = [2, 2] }));
            Assert.StartsWith("managed:planes:", Implementation(new ConvSpec { InputShape = [1, 3, 70, 70], WeightShape = [64, 3, 7, 7], Strides = [2, 2] }));
            Assert.StartsWith("managed:direct:", Implementation(new ConvSpec { InputShape = [1, 5, 70, 70], WeightShape = [64, 5, 7, 7], Strides = [2, 2] }));
        }

        var engine = new ManagedBackend();
        Assert.AreEqual("managed", engine.Name);
        Assert.IsTrue(engine.Status.Available);
        Assert.IsNotEmpty(engine.Devices);
        PlanResult small = engine.CreatePlan(
            new ConvProblem(new ConvSpec { InputShape = [1, 64, 7, 9], WeightShape = [32, 64, 3, 3] }), new PlanOptions { MaxWorkspaceBytes = 100 });
        Assert.Contains("MaxWorkspaceBytes", small.Reason!);

        static string Implementation(ConvSpec spec)
        {
            using ConvPlan plan = ManagedRun.Plan(new ConvProblem(spec));
            Assert.IsNotEmpty(plan.Notes);
            return plan.Implementation;
        }
    }
}
