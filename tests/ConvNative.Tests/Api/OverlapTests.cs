using ConvNative.Backends;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Tests.OpenCl;

namespace ConvNative.Tests.Api;

/// <summary>A result that shares memory with another tensor is refused by name.</summary>
[TestClass]
public sealed class OverlapTests
{
    private static readonly ConvProblem s_sum = ConvProblem.Parse("--dir=FWD_D --attr-post-ops=sum:0.5 mb1ic2ih4iw5oc2kh3kw3ph1pw1");

    [TestMethod]
    public void ResultsLieApart()
    {
        using ConvPlan plan = Plan(s_sum, "managed");
        var x = new byte[plan.InputBytes];
        var both = new byte[plan.OutputBytes + 4];
        int n = (int)plan.OutputBytes;
        plan.Execute(new ConvArguments { Input = x, Residual = new byte[n], Result = both.AsSpan(0, n) });
        Refused("residual", () => plan.Execute(new ConvArguments { Input = x, Residual = both.AsSpan(0, n), Result = both.AsSpan(0, n) }));
        Refused("residual", () => plan.Execute(new ConvArguments { Input = x, Residual = both.AsSpan(4, n), Result = both.AsSpan(0, n) }));
        Refused("input", () => plan.Execute(new ConvArguments { Input = x, Residual = both.AsSpan(0, n), Result = x }));
    }

    [TestMethod]
    public void GradientsOfWeightsAndBiasLieApart()
    {
        using ConvPlan plan = Plan(ConvProblem.Parse("--dir=BWD_WB mb1ic2ih4iw5oc2kh3kw3ph1pw1"), "managed");
        byte[] x = new byte[plan.InputBytes], dy = new byte[plan.OutputBytes], dw = new byte[plan.WeightBytes];
        Refused("result", () => plan.Execute(new ConvArguments { Input = x, OutputGradient = dy, Result = dw, BiasResult = dw.AsSpan(0, (int)plan.BiasBytes) }));
        Refused("output_grad", () => plan.Execute(new ConvArguments { Input = x, OutputGradient = dy, Result = dw, BiasResult = dy.AsSpan(0, (int)plan.BiasBytes) }));
    }

    [TestMethod]
    public void SimpleRunsToo()
    {
        foreach (string engine in (string[])["managed", ConvPlan.Auto])
        {
            using ConvPlan plan = Plan(ConvProblem.Parse("--dir=FWD_D mb1ic2ih4iw5oc2kh3kw3ph1pw1"), engine);
            var both = new float[79];
            Refused("input", () => plan.Run(both.AsSpan(0, 40), both.AsSpan(0, 40)));
            Refused("input", () => plan.Run(both.AsSpan(0, 40), both.AsSpan(39)));
            Refused("input", () => plan.Run(both.AsSpan(39), both.AsSpan(0, 40)));
        }

        // Side by side is apart.
        using ConvPlan beside = Plan(ConvProblem.Parse("--dir=FWD_D mb1ic2ih4iw5oc2kh3kw3ph1pw1"), "managed");
        var line = new float[80];
        beside.Run(line.AsSpan(0, 40), line.AsSpan(40));
    }

    [TestMethod]
    public void BuffersOnADeviceToo()
    {
        OpenClDevices.Engine();
        using ConvPlan plan = Plan(s_sum, "opencl");
        using DeviceBuffer x = plan.Device!.Allocate(plan.InputBytes), y = plan.Device.Allocate(plan.OutputBytes);
        Refused("residual", () => _ = plan.ExecuteAsync(new DeviceArguments { Input = x, Residual = y, Result = y }));
        Refused("input", () => _ = plan.ExecuteAsync(new DeviceArguments { Input = x, Residual = y, Result = x }));
    }

    private static ConvPlan Plan(ConvProblem p, string engine)
    {
        ConvPlan plan = ConvPlan.Create(p, null, engine);
        if (plan.NeedsWeights) plan.SetWeights(new byte[plan.WeightBytes], new byte[plan.BiasBytes]);
        return plan;
    }

    private static void Refused(string name, Action run) => Assert.Contains($"overlaps {name}", Assert.ThrowsExactly<ArgumentException>(run).Message);
}
