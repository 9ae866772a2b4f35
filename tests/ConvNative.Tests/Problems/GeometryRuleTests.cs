using ConvNative.Problems;

namespace ConvNative.Tests.Problems;

/// <summary>DESIGN's rules of geometry, through ConvSpec: auto padding, wanted output shapes, limits, identity.</summary>
[TestClass]
public sealed class GeometryRuleTests
{
    /// <summary>ONNX Conv: output ceil(I/s); the odd element at the end (upper) or the begin (lower).</summary>
    [TestMethod]
    [DataRow(7L, 2L, 1L, 1L, 7L, 0L, 1L)]
    [DataRow(7L, 3L, 2L, 1L, 4L, 1L, 1L)]
    [DataRow(8L, 3L, 2L, 1L, 4L, 0L, 1L)]
    [DataRow(9L, 4L, 2L, 1L, 5L, 1L, 2L)]
    [DataRow(9L, 2L, 3L, 1L, 3L, 0L, 0L)]
    [DataRow(9L, 1L, 4L, 1L, 3L, 0L, 0L)]
    [DataRow(10L, 3L, 1L, 4L, 10L, 4L, 4L)]
    [DataRow(11L, 4L, 2L, 3L, 6L, 4L, 5L)]
    public void SamePaddingOfACorrelation(long input, long kernel, long stride, long dilation, long output, long small, long large)
    {
        ConvProblem upper = Line(input, kernel, stride, dilation, AutoPad.SameUpper), lower = Line(input, kernel, stride, dilation, AutoPad.SameLower);
        Assert.AreEqual(output, upper.OutputSpatial[0]);
        Assert.AreEqual(output, lower.OutputSpatial[0]);
        Assert.AreEqual(small, upper.PadsBegin[0]);
        Assert.AreEqual(large, lower.PadsBegin[0]);

        // Where a stride leaves elements unread the end pad says so; else it is the other half.
        Assert.AreEqual(((output - 1) * stride) + (dilation * (kernel - 1)) + 1 - input - small, upper.PadsEnd[0]);
        if (small + large > 0) Assert.AreEqual(large, upper.PadsEnd[0]);
        Assert.AreEqual(ConvProblem.Parse(upper.ToString()), upper);
    }

    /// <summary>ONNX ConvTranspose: output I*s, or the wanted one; without same_upper the larger half goes to the begin.</summary>
    [TestMethod]
    [DataRow(5L, 3L, 2L, 1L, 0L, null, AutoPad.SameUpper, 10L, 0L, 1L)]
    [DataRow(5L, 3L, 2L, 1L, 0L, null, AutoPad.SameLower, 10L, 1L, 0L)]
    [DataRow(5L, 4L, 2L, 2L, 0L, null, AutoPad.SameUpper, 10L, 2L, 3L)]
    [DataRow(5L, 2L, 3L, 1L, 0L, null, AutoPad.SameUpper, 15L, 0L, -1L)]
    [DataRow(5L, 3L, 2L, 1L, 0L, 8L, AutoPad.NotSet, 8L, 2L, 1L)]
    [DataRow(5L, 3L, 2L, 1L, 0L, 8L, AutoPad.SameUpper, 8L, 1L, 2L)]
    [DataRow(5L, 3L, 2L, 1L, 1L, 8L, AutoPad.SameUpper, 8L, 2L, 2L)]
    [DataRow(5L, 3L, 2L, 1L, 0L, 14L, AutoPad.NotSet, 14L, 0L, -3L)]
    public void WantedOutputOfATransposedConvolution(
        long input, long kernel, long stride, long dilation, long outputPadding, long? wanted, AutoPad auto, long output, long begin, long end)
    {
        ConvProblem p = new ConvSpec
        {
            Op = ConvOp.Transposed,
            InputShape = [2, 3, input],
            WeightShape = [3, 4, kernel],
            Strides = [stride],
            Dilations = [dilation],
            OutputPadding = [outputPadding],
            OutputShape = wanted is { } w ? Dims.Repeat(w, 1) : null,
            AutoPad = auto,
        }.Build();
        Assert.AreEqual(output, p.OutputSpatial[0]);
        Assert.AreEqual(begin, p.PadsBegin[0]);
        Assert.AreEqual(end, p.PadsEnd[0]);
        Assert.AreEqual(outputPadding, p.OutputPadding[0]);
        Assert.AreEqual(output, ((input - 1) * stride) - begin - end + (dilation * (kernel - 1)) + outputPadding + 1);
        Assert.AreEqual(p, ConvProblem.Parse(p.ToString()), p.ToString());
    }

    /// <summary>-1/2 is -1 by a true floor: no output, where a truncating division would give one.</summary>
    [TestMethod]
    public void OutputSizeTakesATrueFloor()
    {
        Assert.AreEqual(0, ConvGeometry.OutputSize(2, 3, 2, 1, 0, 0));
        Assert.AreEqual(-1, ConvGeometry.FloorDiv(-1, 2));
        Assert.AreEqual(-2, ConvGeometry.FloorDiv(-4, 2));
        var e = Assert.ThrowsExactly<ConvProblemException>(() => Line(2, 3, 2, 1, AutoPad.NotSet));
        StringAssert.Contains(e.Message, "the dilated kernel of 3 is larger than the padded input of 2 on spatial axis 0");
    }

    [TestMethod]
    [DataRow(2L, 1L, 1L, true)]
    [DataRow(2L, 1L, 2L, false)]
    [DataRow(1L, 3L, 2L, true)]
    [DataRow(1L, 3L, 3L, false)]
    [DataRow(1L, 1L, -1L, false)]
    public void OutputPaddingIsBelowStrideOrDilation(long stride, long dilation, long outputPadding, bool valid)
    {
        ConvSpec s = new()
        {
            Op = ConvOp.Transposed,
            InputShape = [1, 2, 5],
            WeightShape = [2, 3, 3],
            Strides = [stride],
            Dilations = [dilation],
            OutputPadding = [outputPadding],
        };
        if (valid) Assert.AreEqual(outputPadding, s.Build().OutputPadding[0]);
        else Assert.AreEqual("output_padding", Assert.ThrowsExactly<ConvProblemException>(() => s.Build()).Field);
    }

    /// <summary>The limits hold for the pads as given, even where a stride leaves the last of them unread.</summary>
    [TestMethod]
    [DataRow(PaddingMode.Reflect, 3L, 3L, true)]
    [DataRow(PaddingMode.Reflect, 4L, 0L, false)]
    [DataRow(PaddingMode.Reflect, 0L, 4L, false)]
    [DataRow(PaddingMode.Circular, 4L, 4L, true)]
    [DataRow(PaddingMode.Circular, 5L, 0L, false)]
    [DataRow(PaddingMode.Circular, 0L, 5L, false)]
    [DataRow(PaddingMode.Symmetric, 9L, 9L, true)]
    [DataRow(PaddingMode.Replicate, 9L, 9L, true)]
    [DataRow(PaddingMode.Constant, 9L, 9L, true)]
    public void PaddingModesHaveTheirLimits(PaddingMode mode, long begin, long end, bool valid)
    {
        ConvSpec s = new() { InputShape = [1, 2, 4], WeightShape = [3, 2, 2], Strides = [7], PadsBegin = [begin], PadsEnd = [end], PaddingMode = mode };
        if (valid)
        {
            Assert.IsFalse((s with { UnlimitedExtension = true }).Build().UnlimitedExtension, "the flag counts only where it is needed");
            return;
        }

        var e = Assert.ThrowsExactly<ConvProblemException>(() => s.Build());
        Assert.AreEqual(begin > end ? "pads_begin" : "pads_end", e.Field);
        ConvProblem unlimited = (s with { UnlimitedExtension = true, Strides = null }).Build();
        Assert.IsTrue(unlimited.UnlimitedExtension);
        StringAssert.Contains(unlimited.ToString(), "--pad-limit=none");
        Assert.AreEqual(unlimited, ConvProblem.Parse(unlimited.ToString()));
    }

    [TestMethod]
    public void EmptyBatchIsValid()
    {
        ConvProblem p = ConvProblem.Parse("mb0ic3ih7iw5oc4kh3kw2ph1pw0");
        Assert.AreEqual("[0,4,7,4]", p.OutputShape.ToString());
        Assert.AreEqual(0, p.MultiplyAdds);
        Assert.AreEqual(72 + 4, p.Parameters);
    }

    /// <summary>Two descriptions with the same answer are one problem.</summary>
    [TestMethod]
    public void IdentityIsMeaning()
    {
        ConvSpec s = new() { InputShape = [1, 3, 9], WeightShape = [4, 3, 3], Strides = [2] };
        Same(s with { PadsEnd = [1] }, s, "an end pad that no output reads");
        Same(s with { AutoPad = AutoPad.SameLower }, s with { PadsBegin = [1], PadsEnd = [1] }, "auto padding and its pads");
        Same(s with { PostOps = new PostOps(false, 3, Activation.LeakyRelu(0)) }, s with { PostOps = new PostOps(false, 1, Activation.Relu) }, "post-ops' unused numbers");
        Same(s with { PostOps = new PostOps(false, 0, Activation.Relu, 1) }, s with { PostOps = new PostOps(false, 0, Activation.Relu) }, "a scale of 1");
        Same(s with { Direction = Direction.BackwardData, HasBias = true }, s with { Direction = Direction.BackwardData }, "a bias that its direction does not see");
        Same(s with { Direction = Direction.BackwardBias }, s with { Direction = Direction.BackwardBias, HasBias = true }, "a bias that its direction needs");
        Assert.AreNotEqual(s.Build(), (s with { HasBias = true }).Build());
        Assert.AreNotEqual(s.Build(), (s with { PadsBegin = [1] }).Build());
        Assert.AreNotEqual((s with { PaddingMode = PaddingMode.Constant }).Build(), s.Build());

        static void Same(ConvSpec a, ConvSpec b, string why)
        {
            Assert.AreEqual(a.Build(), b.Build(), why);
            Assert.AreEqual(a.Build().GetHashCode(), b.Build().GetHashCode(), why);
            Assert.AreEqual(a.Build().ToString(), b.Build().ToString(), why);
        }
    }

    [TestMethod]
    public void ChannelShuffleTakesNoGeometry()
    {
        ConvSpec s = new() { Op = ConvOp.ChannelShuffle, InputShape = [1, 6, 5], Groups = 3 };
        Assert.AreEqual("[1,6,5]", s.Build().OutputShape.ToString());
        Assert.AreEqual("strides", Assert.ThrowsExactly<ConvProblemException>(() => (s with { Strides = [2] }).Build()).Field);
        Assert.AreEqual("pads_begin", Assert.ThrowsExactly<ConvProblemException>(() => (s with { PadsBegin = [1] }).Build()).Field);
        Assert.AreEqual("data_type", Assert.ThrowsExactly<ConvProblemException>(() => (s with { OutputType = DataType.BF16 }).Build()).Field);
    }

    private static ConvProblem Line(long input, long kernel, long stride, long dilation, AutoPad auto) => new ConvSpec
    {
        InputShape = [1, 3, input],
        WeightShape = [4, 3, kernel],
        Strides = [stride],
        Dilations = [dilation],
        AutoPad = auto,
    }.Build();
}
