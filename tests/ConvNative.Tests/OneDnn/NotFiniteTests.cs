using ConvNative.Backends.OneDnn;
using ConvNative.Cli.Checking;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Oracle.Verdicts;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Infinities and NaNs on the oneDNN engine: padding contributes nothing, whatever kernel multiplies its zeros.</summary>
[TestClass]
public sealed class NotFiniteTests
{
    [TestMethod]
    [DataRow(ConvOp.Correlation)]
    [DataRow(ConvOp.Convolution)]
    [DataRow(ConvOp.Transposed)]
    public void RandomGeometry(ConvOp op)
    {
        OneDnnRun.Require();
        var r = new Random(60 + (int)op);
        for (int i = 0; i < 40; i++)
        {
            Layout input = (Layout)r.Next(2), output = (Layout)r.Next(2);
            bool residual = r.Next(2) == 0;
            ConvProblem p = BruteForce.RandomProblem(r, op).With(s => s with { InputLayout = input, OutputLayout = output, HasBias = true });
            foreach (Direction d in (Direction[])[Direction.Forward, Direction.BackwardData, Direction.BackwardWeights])
                Check(p.With(s => s with { Direction = d, HasBias = d != Direction.BackwardData, PostOps = d == Direction.Forward && residual ? new PostOps(true, 2, default) : default }), (ulong)i);
        }
    }

    [TestMethod]
    [DataRow("mb1ic1iw2oc2kw3pw1")]
    [DataRow("--dir=FWD_D mb1ic3ih56iw56oc8kh3kw3ph1pw1")]
    [DataRow("--dir=FWD_D --stag=axb --dtag=axb mb1ic16ih14iw14oc24kh3kw3ph1pw1")]
    [DataRow("--dir=FWD_D --attr-post-ops=sum+relu mb1ic16ih14iw14oc24kh3kw3ph1pw1")]
    [DataRow("--dir=BWD_D mb1ic16ih14iw14oc24kh3kw3ph1pw1")]
    [DataRow("--dir=BWD_WB --stag=axb --dtag=axb mb2ic16ih14iw14oc24kh3kw3ph1pw1")]
    [DataRow("--dir=BWD_W mb1ic96ih3iw4oc80kh3kw3ph1pw1")]
    [DataRow("--dir=FWD_D --stag=any --dtag=any mb1ic20ih9iw11oc24kh3kw3ph1pw1")]
    [DataRow("--dir=BWD_D --stag=any --dtag=any mb1ic20ih9iw11oc24kh3kw3ph1pw1")]
    [DataRow("--dir=BWD_W --stag=any --dtag=any mb1ic20ih9iw11oc24kh3kw3ph1pw1")]
    [DataRow("--dir=FWD_D --dt=bf16 mb1ic16ih14iw14oc24kh3kw3ph1pw1")]
    [DataRow("--dir=BWD_D --dt=bf16 --pad-mode=reflect mb1ic6ih8iw7oc4kh3kw3ph2pw1")]
    [DataRow("--dir=BWD_W --dt=bf16 mb1ic16ih14iw14oc24kh3kw3ph1pw1")]
    [DataRow("--dir=FWD_D --dt=f16 mb1ic16ih14iw14oc24kh3kw3ph1pw1")]
    [DataRow("--deconv --dir=FWD_D --dt=bf16 mb2ic11ih6iw5oc7kh3kw4sh2sw3ph1pw0")]
    [DataRow("--deconv --dir=FWD_D --output-padding=2 ic1iw5oc3kw2dw2")]
    public void ChosenKernels(string text)
    {
        OneDnnRun.Require();
        CellResult cell = new Checker().Check(ConvProblem.Parse(text), [new OneDnnBackend()]).Single();
        if (cell.Status == CellStatus.Unsupported) Assert.Inconclusive(cell.Message ?? "");
        Assert.AreEqual(CellStatus.Pass, cell.Status, $"{cell.Implementation}: {cell.Message}");
        Assert.AreEqual("not_finite", cell.Fills[^1].Fill);
        Assert.AreEqual(CellStatus.Pass, cell.Fills[^1].Status);
    }

    /// <summary>Weights are looked at each time they are set.</summary>
    [TestMethod]
    public void NotesSayWhoComputesTheBorder()
    {
        OneDnnRun.Require();
        using ConvPlan plan = ConvPlan.Create(ConvProblem.Parse("--dir=FWD_D mb1ic3ih5iw6oc4kh3kw3ph1pw1"), null, "onednn");
        float[] w = new float[plan.WeightBytes / 4];
        plan.SetWeights(w);
        Assert.IsFalse(plan.Notes.Any(n => n.Contains("not finite", StringComparison.Ordinal)));
        w[5] = float.NaN;
        w[^1] = float.PositiveInfinity;
        plan.SetWeights(w);
        Assert.IsTrue(plan.Notes.Any(n => n.Contains("2 channel(s) are not finite", StringComparison.Ordinal)));
        w.AsSpan().Clear();
        plan.SetWeights(w);
        Assert.IsFalse(plan.Notes.Any(n => n.Contains("not finite", StringComparison.Ordinal)));
    }

    private static void Check(ConvProblem p, ulong seed)
    {
        OracleTensors t = Fills.Create(p, FillKind.NotFinite, seed);
        Comparison c = Verdict.Compare(p, FillKind.NotFinite, NaiveOracle.Compute(p, t), OneDnnRun.Run(p, t, PlanOptions.Default, out string name));
        Assert.AreEqual(0, c.FailCount, $"{name}: {c.Summary} ({p})");
    }
}
