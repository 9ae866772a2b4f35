using ConvNative.Backends.OneDnn.Choice;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Verdicts;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Every way to compute that a plan may choose by measurement is as right as the one that it chooses by rank.</summary>
[TestClass]
public class CandidateTests
{
    public static IEnumerable<object[]> Problems =>
        from layout in new[] { "", "--stag=axb --dtag=axb ", "--stag=axb ", "--dtag=axb " }
        from text in new[]
        {
            "mb2ic5ih7iw9oc6oh4ow9kh3kw3sh2sw1ph1pw1",
            "mb1ic33ih9iw8oc18oh9ow8kh3kw3ph1pw1",
            "mb1ic17ih5iw6oc35oh5ow6kh1kw1ph0pw0",
            "g4mb1ic8ih9iw7oc12oh9ow7kh3kw3ph1pw1",
            "g19mb1ic19ih8iw9oc19oh8ow9kh3kw3ph1pw1",
            "mb1ic1ih8iw8oc1oh8ow8kh3kw3ph1pw1",
            "mb1ic7iw33oc5ow25kw5pw0dw1",
            "mb1ic3id4ih5iw6oc4od4oh5ow6kd3kh3kw3pd1ph1pw1",
            "--attr-post-ops=sum+relu mb1ic6ih7iw5oc9oh7ow5kh3kw3ph1pw1",
            "--deconv g2mb1ic6ih5iw7oc4oh9ow13kh3kw3sh2sw2ph1pw1",

            // The stride steps over the whole input, from padding to padding.
            "mb1ic1iw1oc1ow3kw1sw2pw1",
            "--attr-post-ops=sum+relu mb1ic16ih5iw2oc32oh5ow3kh1kw1sh1sw3ph0pw1",

            // One channel a group, where the matrix-product kernel is wrong.
            "mb1ic1ih8iw1oc1oh3ow1kh4kw3sh1sw2ph1pw1dh1dw0",
            "mb1ic1ih8iw3oc4oh3ow1kh4kw4sh1sw2ph1pw0dh1dw0",
            "--dt=bf16 mb1ic1id1ih3iw2oc2od3oh5ow5kd3kh2kw3sh1sw1pd2ph2pw3dd0dh1dw0",
            "--dt=u8:s8:s32 --dir=FWD_D mb1ic1id1ih3iw3oc3od3oh4ow4kd3kh3kw3pd3ph3pw1dd1dh1dw0",
            "--dir=BWD_D mb1ic7ih9iw8oc6oh5ow4kh3kw3sh2sw2ph1pw1",
            "--dir=BWD_D g3mb1ic9ih6iw7oc6oh6ow7kh3kw3ph1pw1",
            "--dir=BWD_WB mb2ic7ih9iw8oc6oh5ow4kh3kw3sh2sw2ph1pw1",
            "--dir=BWD_W g5mb1ic10ih6iw7oc15oh6ow7kh3kw3ph1pw1",
            "--deconv --dir=BWD_D mb1ic5ih6iw7oc4oh11ow13kh3kw3sh2sw2ph1pw1",
            "--deconv --dir=BWD_W g2mb1ic6ih5iw7oc4oh9ow13kh3kw3sh2sw2ph1pw1",
        }
        select new object[] { layout + text };

    [TestMethod]
    [DynamicData(nameof(Problems))]
    public void EveryCandidateAgreesWithTheOracle(string text)
    {
        ConvTests.Need("onednn");
        ConvProblem p = ConvProblem.Parse(text);
        OracleTensors t = Fills.Create(p, FillKind.ExactInteger, 7);
        OracleResult oracle = NaiveOracle.Compute(p, t);
        int made = 0;
        foreach (OneDnnCandidate c in OneDnnCandidate.For(p, 2))
        {
            using OneDnnKernel? kernel = OneDnnKernel.TryCreate(p, c);
            if (kernel is null) continue;
            made++;
            double[] actual = Run(p, kernel, t);
            Comparison verdict = Verdict.Compare(p, FillKind.ExactInteger, oracle, actual);
            Assert.AreEqual(Outcome.Pass, verdict.Outcome, $"{c} {kernel.Implementation}: {verdict.Summary}");
        }

        if (made == 0 && p.InputType == DataType.BF16 && Backends.Engines.Find("onednn")!.CreatePlan(p, PlanOptions.Default) is { Plan: null } none) Assert.Inconclusive(none.Reason ?? "");
        Assert.IsGreaterThan(1, made, "there should be a choice");
    }

    /// <summary>Plans around kernels that are wrong or crash, where no other candidate may be left.</summary>
    [TestMethod]
    [DataRow("--deconv --dir=BWD_D mb2ic3ih2iw2oc4oh1ow1kh3kw1sh2sw2ph3pw1")]
    public void PlansWithoutTheFaultyKernelAgreeWithTheOracle(string text) => OneDnnRun.Check(ConvProblem.Parse(text), FillKind.ExactInteger, "");

    private static unsafe double[] Run(ConvProblem p, OneDnnKernel kernel, OracleTensors t)
    {
        byte[] Bytes(double[]? values, Dims shape, DataType type, Layout layout) => values is null ? [] : TensorBytes.ToBytes(values, type, shape, layout);
        byte[] x = Bytes(t.Input, p.InputShape, p.InputType, p.InputLayout), w = Bytes(t.Weights, p.WeightShape, p.WeightType, p.WeightLayout);
        byte[] b = Bytes(t.Bias, p.BiasShape, p.BiasType, Layout.ChannelsFirst), r = Bytes(t.Residual, p.OutputShape, p.OutputType, p.OutputLayout);
        byte[] g = Bytes(t.OutputGrad, p.OutputShape, p.OutputType, p.OutputLayout);
        Layout layout = p.Direction switch { Direction.Forward => p.OutputLayout, Direction.BackwardData => p.InputLayout, _ => p.WeightLayout };
        var y = new byte[p.ResultShape.Product * p.ResultType.SizeOf()];
        y.AsSpan().Fill(0xFF);
        fixed (byte* px = x, pw = w, pb = b, pr = r, pg = g, py = y)
        {
            switch (p.Direction)
            {
                case Direction.Forward:
                    kernel.SetWeights(pw, b.Length > 0 ? pb : null);
                    kernel.Forward(px, r.Length > 0 ? pr : null, py);
                    break;
                case Direction.BackwardData:
                    kernel.SetWeights(pw, null);
                    kernel.BackwardData(pg, py);
                    break;
                default:
                    kernel.BackwardWeights(px, pg, py, null);
                    break;
            }
        }

        return TensorBytes.Read(y, p.ResultType, p.ResultShape, layout);
    }
}
