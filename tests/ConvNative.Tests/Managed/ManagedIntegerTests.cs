using ConvNative.Backends.Managed.Integers;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>8-bit convolutions of the managed engine: each arithmetic where its sums are exact, at the ends of the types too.</summary>
[TestClass]
public sealed class ManagedIntegerTests
{
    [TestMethod]
    [DataRow("mb1ic8ih5oc3kh3ph1", "Pairs")]
    [DataRow("mb1ic7ih5oc3kh3ph1", "Single")]
    [DataRow("g32mb1ic32ih9oc32kh3ph1", "Single")]
    [DataRow("mb1ic3ih40oc3kh11ph1", "Double")]
    [DataRow("mb1ic3ih40oc3kh9ph1", "Single")]
    [DataRow("mb1ic33026iw1oc1kw1pw0", "Double")]
    [DataRow("mb1ic33025iw1oc1kw1pw0", "Pairs")]
    [DataRow("mb1ic4ih5oc3kh3ph1", "Single")]
    public void TheFastestExactOneServes(string problem, string elements)
    {
        // Zero points at the ends: 255 * 255 a product.
        ConvProblem p = ConvProblem.Parse($"--dir=FWD_D --dt=u8:s8:s32 --quant=xz:0+wz:127 {problem}");
        Assert.AreEqual(elements, IntegerPlans.Choose(p).ToString(), p.ToString());
    }

    /// <summary>Every operand as far out as its type and zero point allow, so that sums reach their bound.</summary>
    [TestMethod]
    [DataRow("--dt=u8:s8:s32 --quant=wz:127 mb1ic33025iw1oc3kw1pw0", 255, -128)]
    [DataRow("--dt=u8:s8:s32 --quant=wz:127 mb1ic33026iw1oc3kw1pw0", 255, -128)]
    [DataRow("--dt=s8:s8:s32 --quant=xz:127+wz:127 mb1ic9ih9oc5kh9ph4", -128, -128)]
    [DataRow("--dt=s8:s8:s32 --quant=xz:-128+wz:-128 mb1ic37ih9oc5kh3ph1", 127, 127)]
    [DataRow("--dt=u8:u8:s32 --quant=wz:255 mb1ic65ih9oc19kh3ph1", 255, 0)]
    [DataRow("--dt=u8:s8:f32 --quant=wz:127 mb1ic28ih9oc19kh3ph1", 255, -128)]
    public void ExtremeOperands(string text, int x, int w)
    {
        ConvProblem p = ConvProblem.Parse("--dir=FWD_D " + text);
        var run = new ManagedRun(p);
        Array.Fill(run.Input, x);
        Array.Fill(run.Weights, w);
        Check(p, run.Input, run.Weights, run);
    }

    /// <summary>Odd channels, groups, layouts, strides, both kinds of convolution and of padding, zero points per channel.</summary>
    [TestMethod]
    [DataRow("g2mb2ic18ih9iw11oc6kh3kw3ph1pw1")]
    [DataRow("g3mb1ic33ih7iw21oc6kh3kw3sh2sw2ph1pw1")]
    [DataRow("g1mb1ic16ih40iw3oc40kh1kw1ph0pw0")]
    [DataRow("g1mb2ic67id3ih7iw5oc33kd2kh3kw3pd1ph1pw1")]
    [DataRow("g1mb1ic31iw90oc17kw5pw2")]
    [DataRow("g2mb1ic18ih9iw11oc70kh3kw3ph2pw2dh1dw1")]
    [DataRow("g2mb1ic18ih9iw11oc40kh3kw3ph1pw1")]
    [DataRow("g1mb1ic9ih9iw11oc24kh3kw3ph1pw1")]
    [DataRow("g1mb1ic16ih5iw6oc52kh1kw1ph0pw0")]
    [DataRow("g1mb1ic8ih5iw9oc84kh1kw1ph0pw0")]
    public void PairsEqualTheOracle(string shape)
    {
        foreach (string tags in (string[])["--stag=abx --dtag=abx", "--stag=axb --dtag=axb", "--stag=abx --dtag=axb --wtag=axb", "--stag=axb --dtag=abx"])
            foreach (string types in (string[])["u8:s8:s32 --quant=xz:200+wz:-100", "s8:s8:s8 --quant=xs:0.5+xz:-128+ws:0.01+wz:127+ys:0.3+yz:4", "u8:u8:f32 --quant=xz:3+wz:9"])
                foreach (string how in (string[])["", "--pad-mode=constant:7", "--pad-mode=reflect"])
                {
                    ConvProblem p = ConvProblem.Parse($"--dir=FWD_B --dt={types} {tags} {how} {shape}");
                    Assert.AreEqual(IntegerPlans.Elements.Pairs, IntegerPlans.Choose(p), p.ToString());
                    OracleTensors t = Fills.Create(p, FillKind.Random, 7);
                    Check(p, t.Input!, t.Weights!, new ManagedRun(p) { Bias = t.Bias! });
                }
    }

    [TestMethod]
    public void TransposedPairsEqualTheOracle()
    {
        foreach (Layout layout in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast])
            foreach (long groups in (long[])[1, 2])
            {
                ConvProblem p = new ConvSpec
                {
                    Op = ConvOp.Transposed, InputShape = [2, groups * 19, 6, 7], WeightShape = [groups * 19, 5, 3, 4], Strides = [2, 3], PadsBegin = [1, 0], Groups = groups, HasBias = true,
                    InputType = DataType.U8, WeightType = DataType.S8, OutputType = DataType.S32, InputLayout = layout, OutputLayout = layout, WeightLayout = layout,
                    Quantization = new Quantization { InputZeroPoint = 255, WeightZeroPoints = [-128] },
                }.Build();
                Assert.AreEqual(IntegerPlans.Elements.Pairs, IntegerPlans.Choose(p), p.ToString());
                OracleTensors t = Fills.Create(p, FillKind.Random, 7);
                Check(p, t.Input!, t.Weights!, new ManagedRun(p) { Bias = t.Bias! });
            }
    }

    private static void Check(ConvProblem p, double[] input, double[] weights, ManagedRun run)
    {
        (run.Input, run.Weights) = (input, weights);
        double[] expected = NaiveOracle.Compute(p, new OracleTensors { Input = input, Weights = weights, Bias = p.HasBias ? run.Bias : null }).Values;
        foreach (int threads in (int[])[1, 2]) CollectionAssert.AreEqual(expected, run.Get(Direction.Forward, new PlanOptions { MaxThreads = threads }), p.ToString());
    }
}
