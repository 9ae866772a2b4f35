using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OneDnn;

/// <summary>Pointwise convolutions that oneDNN's brgconv_1x1 gets wrong or ends the process on where it doesn't know the caches: another kernel computes them, or none.</summary>
[TestClass]
public sealed class PointwiseTests
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
    [DataRow("g3mb2ic60ih7iw9oc240oh7ow9kh1kw1ph0pw0")]
    [DataRow("--attr-post-ops=sum+relu g3mb2ic60ih7iw9oc240oh7ow9kh1kw1ph0pw0")]
    public void AnotherKernelServes(string text)
    {
        ConvBackend onednn = Backends.Engines.Find("onednn")!;
        if (!onednn.Status.Available) Engines.Skip("onednn", onednn.Status.Summary);
        int plans = 0;
        foreach (Direction direction in (Direction[])[Direction.Forward, Direction.BackwardData, Direction.BackwardWeights])
            foreach (Layout layout in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast, Layout.Any])
                foreach (Tuning tuning in (Tuning[])[Tuning.Rank, Tuning.Measure])
                {
                    if (direction != Direction.Forward && text.Contains("post-ops", StringComparison.Ordinal)) continue;
                    ConvProblem p = ConvProblem.Parse(text).With(s => s with { Direction = direction, InputLayout = layout, OutputLayout = layout });
                    using ConvPlan? plan = onednn.CreatePlan(p, new PlanOptions { Tuning = tuning }).Plan;
                    if (plan is null) continue;
                    plans++;
                    Assert.DoesNotContain("brgconv_1x1", plan.Implementation, p.ToString());
                }

        if (!text.Contains("--", StringComparison.Ordinal)) Assert.AreEqual(18, plans, "f32 is served in every direction and layout");
    }

    /// <summary>Outputs of a group on both sides of the blocks of 32, 48 and 64, channels last, on the engine, against the oracle.</summary>
    [TestMethod]
    public void GroupsOfAnyNumberOfOutputsAreRight()
    {
        ConvBackend onednn = Backends.Engines.Find("onednn")!;
        if (!onednn.Status.Available) Engines.Skip("onednn", onednn.Status.Summary);
        foreach (int outputs in (int[])[20, 32, 40, 48, 72, 80, 96, 112])
        {
            CellResult cell = new Checker(new PlanOptions { Tuning = Tuning.Rank }).Check(ConvProblem.Parse($"--stag=axb --dtag=axb g3mb1ic60ih5iw7oc{3 * outputs}oh5ow7kh1kw1ph0pw0"), [onednn])[0];
            Assert.AreEqual(CellStatus.Pass, cell.Status, $"{outputs} outputs: {cell.Message}");
        }
    }
}
