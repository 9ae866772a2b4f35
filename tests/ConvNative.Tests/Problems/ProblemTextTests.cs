using ConvNative.Problems;

namespace ConvNative.Tests.Problems;

/// <summary>Single problem strings: benchdnn's deductions, and what is printed.</summary>
[TestClass]
public sealed class ProblemTextTests
{
    /// <summary>Text, and the canonical string that it must become.</summary>
    [TestMethod]
    // Ranks and promotion.
    [DataRow("ic3iw17oc5kw4pw2", "mb2ic3iw17oc5ow18kw4pw2")]
    [DataRow("ic9ih13oc14kh3ph1", "mb2ic9ih13oc14oh13kh3ph1")]
    [DataRow("ic3id6oc2kd3pd1", "mb2ic3id6oc2od6kd3pd1")]
    [DataRow("mb1ic5id6ih7iw9oc8kd3kh3kw2pd1ph1pw0", "mb1ic5id6ih7iw9oc8od6oh7ow8kd3kh3kw2pd1ph1pw0")]
    [DataRow("mb1ic2id6ih6iw6oc3kd3kh3kw3", "mb1ic2id6oc3od4kd3pd0")]
    // Missing output, missing pad, both, none.
    [DataRow("ic7ih15oc10oh8kh3sh2ph1", "mb2ic7ih15oc10oh8kh3sh2ph1")]
    [DataRow("ic7ih15oc10oh8kh3sh2", "mb2ic7ih15oc10oh8kh3sh2ph1")]
    [DataRow("ic7ih15oc10kh3sh2ph1", "mb2ic7ih15oc10oh8kh3sh2ph1")]
    [DataRow("ic7ih15oc10kh3sh2", "mb2ic7ih15oc10oh7kh3sh2ph0")]
    [DataRow("ic4ih9oc3oh9kh4", "mb2ic4ih9oc3oh9kh4ph1")]
    [DataRow("mb1ic8ih32oc4oh10kh5sh3", "mb1ic8ih32oc4oh10kh5sh3ph0")]
    // Dilation: 0 is dense.
    [DataRow("ic3iw29oc3kw3pw4dw3", "mb2ic3iw29oc3ow29kw3pw4dw3")]
    [DataRow("ic3iw29oc3kw3dw0", "mb2ic3iw29oc3ow27kw3pw0")]
    // Order, underscores, groups, names.
    [DataRow("mb2_ic32oc32_ih41oh16kh10sh2ph0_iw79ow75kw5sw1pw0n\"ds2\"", "mb2ic32ih41iw79oc32oh16ow75kh10kw5sh2sw1ph0pw0n\"ds2\"")]
    [DataRow("g1mb1_ic4_ih5_oc3_kh3_n", "mb1ic4ih5oc3oh3kh3ph0")]
    [DataRow("g32mb1ic128ih28oc128oh28kh3ph1n\"resnext:conv3\"", "g32mb1ic128ih28oc128oh28kh3ph1n\"resnext:conv3\"")]
    [DataRow("ic5ih7oc3kh3noc%simd_width_!=0", "mb2ic5ih7oc3oh5kh3ph0n\"oc%simd_width_!=0\"")]
    [DataRow("ic5ih7oc3kh3n\"two words # and \\\"quotes\\\"\"", "mb2ic5ih7oc3oh5kh3ph0n\"two words # and \\\"quotes\\\"\"")]
    [DataRow("mb0ic3iw9oc4kw2", "mb0ic3iw9oc4ow8kw2pw0")]
    [DataRow("--mb=7 mb3ic3iw9oc4kw2", "mb7ic3iw9oc4ow8kw2pw0")]
    [DataRow("--mb=0 mb3ic3iw9oc4kw2", "mb3ic3iw9oc4ow8kw2pw0")]
    // Transposed: roles of input and output change, output padding extends the end.
    [DataRow("--deconv ic5ih7oc3kh4sh2ph1", "--deconv mb2ic5ih7oc3oh14kh4sh2ph1")]
    [DataRow("--deconv ic5ih7oc3oh14kh3sh2", "--deconv mb2ic5ih7oc3oh14kh3sh2ph0")]
    [DataRow("--deconv ic5ih7oc3oh13kh3sh2", "--deconv mb2ic5ih7oc3oh13kh3sh2ph1")]
    [DataRow("--op=deconv --output-padding=1 ic5ih7oc3kh3sh2ph1", "--deconv --output-padding=1 mb2ic5ih7oc3oh14kh3sh2ph1")]
    [DataRow("--deconv --output-padding=1x0 ic5ih7oc3kh3sh2ph1", "--deconv --output-padding=1x0 mb2ic5ih7iw7oc3oh14ow13kh3kw3sh2sw2ph1pw1")]
    // Knobs.
    [DataRow("--dir=fwd_b ic3iw9oc4kw2", "mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--dir=FWD_I ic3iw9oc4kw2", "--dir=FWD_D mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--dir=BWD_WB --dt=bf16 ic3iw9oc4kw2", "--dir=BWD_WB --dt=bf16 mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--cfg=u8s8s32 ic3iw9oc4kw2", "--dt=u8:s8:s32 mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--dt=u8:s8:f32 ic3iw9oc4kw2", "--dt=u8:s8:f32 mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--stag=nwc --wtag=oiw --dtag=any ic3iw9oc4kw2", "--stag=axb --dtag=any mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--stag=abcd --wtag=gohwi g2ic4ih9oc4kh2", "--wtag=axb g2mb2ic4ih9oc4oh8kh2ph0")]
    [DataRow("--attr-post-ops=sum:1+relu:0 ic3iw9oc4kw2", "--attr-post-ops=sum+relu mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--attr-post-ops='sum:0.5;clip_v2:0:6' ic3iw9oc4kw2", "--attr-post-ops=sum:0.5+clip:0:6 mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--attr-post-ops='sum:25e17;clip:0:3e20' ic3iw9oc4kw2", "--attr-post-ops=sum:2.5E18+clip:0:3E20 mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--attr-post-ops=linear:0.5 ic3iw9oc4kw2", "--attr-post-ops=linear:0.5 mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--attr-post-ops=sum:2+eltwise_relu+eltwise_linear:3e-20:0 ic3iw9oc4kw2", "--attr-post-ops=sum:2+relu+linear:3E-20 mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--attr-post-ops=tanh+linear:1 ic3iw9oc4kw2", "--attr-post-ops=tanh mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--attr-post-ops=hardswish ic3iw9oc4kw2", "--attr-post-ops=hardswish mb2ic3iw9oc4ow8kw2pw0")]
    [DataRow("--pad-mode=constant:-1e-3 ic3iw9oc4kw2pw1", "--pad-mode=constant:-0.001 mb2ic3iw9oc4ow10kw2pw1")]
    [DataRow("--op=conv --pad-mode=reflect ic3iw9oc4kw2pw1", "--op=conv --pad-mode=reflect mb2ic3iw9oc4ow10kw2pw1")]
    [DataRow("--op=deform --offset-groups=3 --mask=1 ic6ih9oc4kh3ph1", "--op=deform --offset-groups=3 --mask=1 mb2ic6ih9oc4oh9kh3ph1")]
    // Operations without weights.
    [DataRow("--op=shuffle g3ic6ih5iw4", "--op=shuffle g3mb2ic6ih5iw4")]
    [DataRow("--op=im2col ic3ih7kh3ph1", "--op=im2col mb2ic3ih7oh7kh3ph1")]
    [DataRow("--op=im2col mb1ic3ih7iw9oh3ow4kh3kw2sh2sw2ph0pw0dh0dw1", "--op=im2col mb1ic3ih7iw9oh3ow4kh3kw2sh2sw2ph0pw0dh0dw1")]
    [DataRow("--op=col2im mb1oc4ih5iw6kh3kw2", "--op=col2im mb1ih5iw6oc4oh7ow7kh3kw2ph0pw0")]
    public void Canonical(string text, string canonical)
    {
        ConvProblem p = ConvProblem.Parse(text);
        Assert.AreEqual(canonical, p.ToString());
        Assert.AreEqual(p, ConvProblem.Parse(canonical));
        Assert.AreEqual(canonical, ConvProblem.Parse(canonical).ToString());
    }

    /// <summary>The end pads that a string implies, per axis.</summary>
    [TestMethod]
    [DataRow("ic4ih9oc3oh9kh4", "[2,2]")]
    [DataRow("ic32ih7oc32oh11kh3ph2", "[4,4]")]
    [DataRow("ic16oc16kd1kh1kw1id1ih2iw1od1oh1ow1sd1sh3sw1", "[0,-1,0]")]
    [DataRow("mb1_ic1oc16_iw1_ow29_kw14_pw28_dw1", "[26]")]
    [DataRow("--deconv ic5ih7oc3oh14kh3sh2ph1", "[0,0]")]
    [DataRow("--deconv ic5ih7oc3oh16kh3sh2ph0", "[-1,-1]")]
    [DataRow("--deconv --output-padding=1 ic5ih7oc3oh16kh3sh2ph0", "[0,0]")]
    public void ImpliedEndPads(string text, string pads) => Assert.AreEqual(pads, ConvProblem.Parse(text).PadsEnd.ToString());

    /// <summary>The examples of ProblemFile's remarks: columns and rows.</summary>
    [TestMethod]
    public void ColumnsAreWrittenAsTheirGrid()
    {
        Assert.AreEqual("[1,27,25]", ConvProblem.Parse("--op=im2col mb1ic3ih7oh5kh3ph0").OutputShape.ToString());
        ConvProblem fold = ConvProblem.Parse("--op=col2im mb1ih5oc3oh7kh3ph0");
        Assert.AreEqual("[1,27,25]", fold.InputShape.ToString());
        Assert.AreEqual("[1,3,7,7]", fold.OutputShape.ToString());
    }

    /// <summary>No bias where an operation has none, a bias elsewhere unless the direction says otherwise.</summary>
    [TestMethod]
    public void BiasFollowsDirection()
    {
        Assert.IsTrue(ConvProblem.Parse("ic3iw9oc4kw2").HasBias);
        Assert.IsFalse(ConvProblem.Parse("--dir=FWD_D ic3iw9oc4kw2").HasBias);
        Assert.IsFalse(ConvProblem.Parse("--op=shuffle g3ic6ih5").HasBias);
        Assert.AreEqual(Direction.BackwardWeights, ConvProblem.Parse("--dir=BWD_W ic3iw9oc4kw2").Direction);
        Assert.IsFalse(ConvProblem.Parse("--dir=BWD_W ic3iw9oc4kw2").HasBias);
        Assert.IsTrue(ConvProblem.Parse("--dir=BWD_WB ic3iw9oc4kw2").HasBias);
    }

    /// <summary>The name is kept and is not part of equality.</summary>
    [TestMethod]
    public void NameIsNotIdentity()
    {
        ConvProblem a = ConvProblem.Parse("ic3iw9oc4kw2n\"a\""), b = ConvProblem.Parse("ic3iw9oc4kw2nb");
        Assert.AreEqual("a", a.Name);
        Assert.AreEqual("b", b.Name);
        Assert.AreEqual(a, b);
        Assert.AreNotEqual(a.ToString(), b.ToString());
    }
}
