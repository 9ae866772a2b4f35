using ConvNative.Backends;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OneDnn;

/// <summary>Pointwise convolutions that oneDNN's estimate for brgconv_1x1 may end the process on: another kernel computes them, or none.</summary>
[TestClass]
public sealed class PairTests
{
    [TestMethod]
    [DataRow("mb1ic256ih7oc1024oh7kh1ph0")]
    [DataRow("mb1ic512ih7oc1024oh7kh1ph0")]
    [DataRow("mb1ic1024ih7oc512oh7kh1ph0")]
    [DataRow("mb1ic1024ih7oc2048oh4kh1sh2ph0")]
    [DataRow("mb1ic512ih7oc2048oh7kh1ph0")]
    [DataRow("--dt=bf16 mb1ic512ih7oc2048oh7kh1ph0")]
    [DataRow("--dt=u8:s8:s32 mb1ic256ih7oc1024oh7kh1ph0")]
    [DataRow("--deconv mb1ic1024ih7oc256oh7kh1ph0")]
    public void AnotherKernelServes(string text)
    {
        ConvBackend onednn = Backends.Engines.Find("onednn")!;
        if (!onednn.Status.Available) Engines.Skip("onednn", onednn.Status.Summary);
        int plans = 0;
        foreach (Direction direction in (Direction[])[Direction.Forward, Direction.BackwardData, Direction.BackwardWeights])
            foreach (Layout layout in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast, Layout.Any])
                foreach (Tuning tuning in (Tuning[])[Tuning.Rank, Tuning.Measure])
                {
                    ConvProblem p = ConvProblem.Parse(text).With(s => s with { Direction = direction, InputLayout = layout, OutputLayout = layout });
                    using ConvPlan? plan = onednn.CreatePlan(p, new PlanOptions { Tuning = tuning }).Plan;
                    if (plan is null) continue;
                    plans++;
                    Assert.DoesNotContain("brgconv_1x1", plan.Implementation, p.ToString());
                    Assert.Contains("1x1", plan.Implementation, p.ToString());
                }

        if (!text.Contains("dt=", StringComparison.Ordinal)) Assert.AreEqual(18, plans, "f32 is served in every direction and layout");
    }
}
