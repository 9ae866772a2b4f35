using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class QuantizationTests
{
    private static readonly ConvSpec s_spec = new() { InputShape = [1, 2, 5, 7], WeightShape = [3, 2, 2, 3], InputType = DataType.U8, WeightType = DataType.S8, OutputType = DataType.U8 };

    [TestMethod]
    [DataRow("xz:3", "xz:3")]
    [DataRow("xs:0.5+xz:3+ws:0.25:0.5:1+wz:1:-2:0+ys:2+yz:7", "xs:0.5+xz:3+ws:0.25:0.5:1+wz:1:-2:0+ys:2+yz:7")]
    [DataRow("ws:2:2:2+wz:5:5:5", "ws:2+wz:5")]
    [DataRow("xs:1e20+ys:1E-7", "xs:1E20+ys:1E-07")]
    [DataRow("ys:0.1+yz:255+xs:0.0036920469", "xs:0.0036920469+ys:0.1+yz:255")]
    [DataRow("xs:1+wz:0:0:0", "")]
    public void AProblemStringComesBack(string written, string canonical)
    {
        ConvProblem p = ConvProblem.Parse($"--dir=FWD_D --dt=u8:s8:u8 --quant={written} mb1ic2ih5iw7oc3kh2kw3ph0pw0");
        Assert.AreEqual(canonical, p.Quantization?.ToString() ?? "");
        Assert.AreEqual(p, ConvProblem.Parse(p.ToString()));
        Assert.AreEqual(canonical.Length > 0, p.ToString().Contains("--quant=" + canonical, StringComparison.Ordinal) && canonical.Length > 0);
        Assert.AreEqual(canonical.Length == 0, p == s_spec.Build() || p.Equals(s_spec.Build()), "what changes nothing is no quantization");
    }

    [TestMethod]
    public void EqualityIsByValue()
    {
        Quantization a = new() { WeightScales = [0.5, 0.25, 2], WeightZeroPoints = [1, 2, 3] }, b = new() { WeightScales = [0.5, 0.25, 2], WeightZeroPoints = [1, 2, 3] };
        Assert.AreEqual(a, b);
        Assert.AreEqual(a.GetHashCode(), b.GetHashCode());
        Assert.AreEqual((s_spec with { Quantization = a }).Build(), (s_spec with { Quantization = b }).Build());
        foreach (Quantization other in new[]
        {
            a with { WeightScales = [0.5, 0.25, 1] }, a with { WeightZeroPoints = [1, 2, 4] }, a with { InputScale = 2 }, a with { InputZeroPoint = 1 },
            a with { OutputScale = 2 }, a with { OutputZeroPoint = 1 },
        })
        {
            Assert.AreNotEqual(a, other);
            Assert.AreNotEqual((s_spec with { Quantization = a }).Build(), (s_spec with { Quantization = other }).Build());
        }
    }

    [TestMethod]
    [DataRow("--dt=f32", "xz:3", "quantization")]
    [DataRow("--dt=u8:s8:u8", "xs:0", "x_scale")]
    [DataRow("--dt=u8:s8:u8", "ws:1:NaN:1", "w_scale")]
    [DataRow("--dt=u8:s8:u8", "ws:1:2", "w_scale")]
    [DataRow("--dt=u8:s8:u8", "xz:-1", "x_zero_point")]
    [DataRow("--dt=u8:s8:u8", "wz:128", "w_zero_point")]
    [DataRow("--dt=u8:s8:s8", "yz:128", "y_zero_point")]
    [DataRow("--dt=u8:s8:s32", "ws:2", "w_scale")]
    [DataRow("--dt=u8:s8:f32", "ys:2", "y_scale")]
    [DataRow("--dt=u8:s8:f32", "yz:2", "y_zero_point")]
    [DataRow("--dir=BWD_D --dt=u8:s8:u8", "xz:2", "quantization")]
    public void AWrongNumberIsNamed(string knobs, string quantization, string field)
    {
        var e = Assert.ThrowsExactly<ConvProblemException>(() => ConvProblem.Parse($"{knobs} --quant={quantization} mb1ic2ih5iw7oc3kh2kw3ph0pw0"));
        Assert.AreEqual(field, e.Field);
    }

    [TestMethod]
    [DataRow("xs:a")]
    [DataRow("xz:1.5")]
    [DataRow("q:1")]
    [DataRow("xs:1:2")]
    [DataRow("xs")]
    [DataRow("xz:1+xz:2")]
    public void AMalformedKnobIsASyntaxError(string quantization) =>
        Assert.ThrowsExactly<ProblemSyntaxException>(() => ConvProblem.Parse($"--dt=u8:s8:u8 --quant={quantization} mb1ic2ih5iw7oc3kh2kw3ph0pw0"));

    [TestMethod]
    public void AGradientOfHalfPrecisionMayBeSingle()
    {
        Assert.AreEqual(DataType.F32, ConvProblem.Parse("--dir=BWD_D --dt=f32:bf16:bf16 mb1ic2ih5oc3kh2ph0").ResultType);
        Assert.AreEqual(DataType.F32, ConvProblem.Parse("--dir=BWD_W --dt=bf16:f32:bf16 mb1ic2ih5oc3kh2ph0").ResultType);
        Assert.ThrowsExactly<ConvProblemException>(() => ConvProblem.Parse("--dir=FWD_D --dt=f32:bf16:bf16 mb1ic2ih5oc3kh2ph0"));
        Assert.ThrowsExactly<ConvProblemException>(() => ConvProblem.Parse("--dir=BWD_W --dt=f32:bf16:bf16 mb1ic2ih5oc3kh2ph0"));
    }
}
