using ConvNative.Backends.OneDnn;
using ConvNative.Oracle;
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

        Assert.IsGreaterThan(1, made, "there should be a choice");
    }

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
