using ConvNative.Backends.OneDnn;
using ConvNative.Oracle.Operands;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Deformable convolution around oneDNN against the oracle: groups against offset groups, blocks with a rest, layouts, post-ops, threads.</summary>
[TestClass]
public class OneDnnDeformTests
{
    private static readonly string[] s_shapes =
    [
        "mb2ic6ih7iw9oc4kh3kw2ph1pw1",
        "mb1ic37ih17iw19oc35kh3kw3ph1pw1",
        "--offset-groups=3 --mask=1 g2mb2ic12ih13iw11oc10kh3kw2ph1pw2sh2dh1",
        "--offset-groups=4 g6mb1ic12ih14iw11oc18kh2kw3ph1pw2sw2dw2",
        "--offset-groups=12 --mask=1 g4mb3ic12ih13iw11oc8kh1kw2ph1pw2",
        "--mask=1 g12mb2ic12ih13iw11oc12kh3kw2ph1pw0",
        "g5mb1ic5ih13iw11oc5kh1kw1ph0pw0",
        "--mask=1 mb2ic3ih23iw25oc1kh3kw3ph1pw2",
        "--mask=1 mb1ic129ih15iw13oc17kh3kw3ph2pw2dh1dw1",
    ];

    public static IEnumerable<object[]> Forward => Rows("FWD_B", FillKind.ExactInteger, FillKind.Random);

    [TestMethod]
    [DynamicData(nameof(Forward))]
    public void ForwardAgreesWithTheOracle(string text, FillKind fill) => OneDnnRun.Check(ConvProblem.Parse(text), fill, "gather:");

    public static IEnumerable<object[]> Data => Rows("BWD_D", FillKind.ExactInteger, FillKind.Random);

    public static IEnumerable<object[]> Weights => Rows("BWD_WB", FillKind.ExactInteger, FillKind.Random);

    public static IEnumerable<object[]> Offsets => Rows("BWD_D", FillKind.ExactInteger, FillKind.Random);

    [TestMethod]
    [DynamicData(nameof(Data))]
    public void DataGradientAgreesWithTheOracle(string text, FillKind fill) => OneDnnRun.Check(ConvProblem.Parse(text), fill, "matmul:");

    [TestMethod]
    [DynamicData(nameof(Weights))]
    public void WeightsGradientAgreesWithTheOracle(string text, FillKind fill) => OneDnnRun.Check(ConvProblem.Parse(text), fill, "gather:");

    [TestMethod]
    [DynamicData(nameof(Offsets))]
    public void OffsetMaskAndBiasGradientsAgreeWithTheOracle(string text, FillKind fill)
    {
        ConvProblem p = ConvProblem.Parse(text);
        OneDnnRun.Check(p.With(s => s with { Direction = Direction.BackwardOffset }), fill, "matmul:");
        OneDnnRun.Check(p.With(s => s with { Direction = Direction.BackwardBias }), fill, "sum:");
        if (p.HasMask) OneDnnRun.Check(p.With(s => s with { Direction = Direction.BackwardMask }), fill, "matmul:");
    }

    [TestMethod]
    [DataRow("sum+relu", "")]
    [DataRow("sum:0.5+tanh", "--stag=axb --dtag=axb ")]
    [DataRow("gelu_erf", "--dtag=axb ")]
    [DataRow("sum+relu+linear:0.3", "")]
    public void PostOps(string ops, string layout)
    {
        foreach (string shape in s_shapes)
            OneDnnRun.Check(ConvProblem.Parse($"{layout}--op=deform --attr-post-ops={ops} {shape}"), FillKind.Random, "gather:");
    }

    [TestMethod]
    [DataRow("g37mb2ic37ih9iw7oc37kh3kw2ph1pw0")]
    [DataRow("g37mb2ic37ih9iw7oc74kh3kw2ph1pw0")]
    [DataRow("g33mb1ic33ih15iw13oc99kh2kw3sh2ph1pw2dw1")]
    public void DepthwiseNeedsNoProduct(string shape)
    {
        foreach (string knobs in (string[])["", "--stag=axb --dtag=axb --mask=1 ", "--dtag=axb --attr-post-ops=relu+linear:0.3 ", "--attr-post-ops=sum:0.5+tanh "])
            foreach (int offsetGroups in (int[])[1, 3, 11])
                foreach (FillKind fill in (FillKind[])[FillKind.ExactInteger, FillKind.Random])
                {
                    string groups = shape.StartsWith("g33", StringComparison.Ordinal) ? $"{offsetGroups}" : offsetGroups == 11 ? "37" : "1";
                    ConvProblem p = ConvProblem.Parse($"--op=deform {knobs}--offset-groups={groups} {shape}");
                    OneDnnRun.Check(p, fill, "gather:");
                    StringAssert.Contains(Implementation(p), "+depthwise");
                    CollectionAssert.AreEqual(OneDnnRun.Run(p, fill, new PlanOptions { MaxThreads = 1 }), OneDnnRun.Run(p, fill, new PlanOptions()), $"{p}");
                }
    }

    private static string Implementation(ConvProblem p)
    {
        using ConvPlan plan = ConvPlan.Create(p, backend: "onednn");
        return plan.Implementation;
    }

    [TestMethod]
    public void ThreadsDoNotChangeABit()
    {
        foreach (object[] row in Forward.Concat(Data).Concat(Weights))
        {
            if ((FillKind)row[1] != FillKind.Random) continue;
            ConvProblem p = ConvProblem.Parse((string)row[0]);
            CollectionAssert.AreEqual(OneDnnRun.Run(p, FillKind.Random, new PlanOptions { MaxThreads = 1 }), OneDnnRun.Run(p, FillKind.Random, new PlanOptions()), $"{p}");
        }
    }

    [TestMethod]
    public void TheWorkspaceIsLimited()
    {
        OneDnnRun.Require();
        PlanResult r = new OneDnnBackend().CreatePlan(ConvProblem.Parse("--op=deform " + s_shapes[0]), new PlanOptions { MaxWorkspaceBytes = 1000 });
        StringAssert.Contains(r.Reason, "MaxWorkspaceBytes");
    }

    private static IEnumerable<object[]> Rows(string direction, params FillKind[] fills)
    {
        string[] layouts = ["", "--stag=axb --dtag=axb --wtag=axb ", "--stag=axb ", "--dtag=axb ", "--stag=any --dtag=any --wtag=axb "];
        int i = 0;
        foreach (string shape in s_shapes)
            foreach (FillKind fill in fills)
                for (int twice = 0; twice < 2; twice++)
                    yield return [$"--dir={direction} {layouts[i++ % layouts.Length]}--op=deform {shape}", fill];
    }
}
