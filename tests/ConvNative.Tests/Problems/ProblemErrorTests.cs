using ConvNative.Problems;

namespace ConvNative.Tests.Problems;

/// <summary>Malformed text: line, column, what was expected; wrong geometry: field, value, rule.</summary>
[TestClass]
public sealed class ProblemErrorTests
{
    [TestMethod]
    [DataRow("", 1, 1, "one problem")]
    [DataRow("   # only a comment", 1, 20, "one problem")]
    [DataRow("ic3iw9oc4kw2 ic3iw9oc4kw3", 1, 26, "one problem")]
    [DataRow("ic3iw9oc4kw2zz", 1, 13, "a field: g, mb, ic, oc")]
    [DataRow("ic3ixoc4kw2", 1, 4, "a field: g, mb, ic, oc")]
    [DataRow("ic3iw9ockw2", 1, 9, "a whole number after 'oc'")]
    [DataRow("ic3iw9oc4kw-2", 1, 12, "a whole number after 'kw'")]
    [DataRow("ic3iw99999999999999999999oc4kw2", 1, 6, "a number below 2^60")]
    [DataRow("ic3iw9oc4kw2kw3", 1, 13, "each field once")]
    [DataRow("iw9oc4kw2", 1, 10, "ic followed by a size")]
    [DataRow("ic3iw9kw2", 1, 10, "oc followed by a size")]
    [DataRow("ic3iw9oc4", 1, 10, "kw followed by a size")]
    [DataRow("ic3oc4kw2", 1, 10, "iw followed by a size")]
    [DataRow("ic3oc4", 1, 7, "iw and kw, ih and kh, or id and kd")]
    [DataRow("ic3ih9oc4kh2sw2", 1, 16, "iw followed by a size")]
    [DataRow("ic3id9ih9oc4kd2kh2", 1, 19, "iw followed by a size")]
    [DataRow("--dir=FWD_X ic3iw9oc4kw2", 1, 7, "FWD_B, FWD_D")]
    [DataRow("--dir=FWD_B,FWD_D ic3iw9oc4kw2", 1, 31, "one problem")]
    [DataRow("\n --dt=f32:f31:f32\nic3iw9oc4kw2", 2, 11, "f32, f64, bf16")]
    [DataRow("--dt=u8:s8 ic3iw9oc4kw2", 1, 6, "input:weights:output")]
    [DataRow("--dt=f8_e5m2 ic3iw9oc4kw2", 1, 6, "f32, f64, bf16")]
    [DataRow("--cfg=u8s8 ic3iw9oc4kw2", 1, 7, "input, weights and output")]
    [DataRow("--stag=nchw ic3iw9oc4kw2", 1, 8, "abx, axb or any, which fit every rank")]
    [DataRow("--stag=aBx16b ic3iw9oc4kw2", 1, 8, "a plain name such as nchw")]
    [DataRow("--dtag=n-c ic3iw9oc4kw2", 1, 8, "a plain name such as nchw")]
    [DataRow("--mb=two ic3iw9oc4kw2", 1, 6, "a whole number")]
    [DataRow("--attr-post-ops=sum+reloo ic3iw9oc4kw2", 1, 21, "relu[:alpha]")]
    [DataRow("--attr-post-ops=relu+sum ic3iw9oc4kw2", 1, 17, "sum[:scale] then at most one")]
    [DataRow("--attr-post-ops=relu+tanh ic3iw9oc4kw2", 1, 17, "at most one of")]
    [DataRow("--attr-post-ops=linear:2+relu ic3iw9oc4kw2", 1, 17, "then at most one linear:scale")]
    [DataRow("--attr-post-ops=linear:2+sum ic3iw9oc4kw2", 1, 17, "sum[:scale] then")]
    [DataRow("--attr-post-ops=linear:2+linear:2 ic3iw9oc4kw2", 1, 17, "at most one linear:scale")]
    [DataRow("--attr-post-ops=linear:2:1 ic3iw9oc4kw2", 1, 17, "linear:scale")]
    [DataRow("--attr-post-ops=linear ic3iw9oc4kw2", 1, 17, "linear:scale, as in linear:0.5")]
    [DataRow("--attr-post-ops=elu:1 ic3iw9oc4kw2", 1, 17, "hardswish")]
    [DataRow("--attr-post-ops=clip:0 ic3iw9oc4kw2", 1, 17, "clip:a:b")]
    [DataRow("--attr-post-ops=relu:half ic3iw9oc4kw2", 1, 22, "a number")]
    [DataRow("--attr-scales=src:common:0.5 ic3iw9oc4kw2", 1, 15, "no --attr-scales")]
    [DataRow("--pad-mode=mirror ic3iw9oc4kw2", 1, 12, "zeros, constant:V, reflect")]
    [DataRow("--pad-mode=constant ic3iw9oc4kw2", 1, 12, "constant:V")]
    [DataRow("--pad-mode=reflect:1 ic3iw9oc4kw2", 1, 20, "constant:V")]
    [DataRow("--mask=yes ic3iw9oc4kw2", 1, 8, "0 or 1")]
    [DataRow("--op=lstm ic3iw9oc4kw2", 1, 6, "corr, conv, deconv, deform")]
    [DataRow("--alg=fft ic3iw9oc4kw2", 1, 7, "direct, auto or wino")]
    [DataRow("--match=[ ic3iw9oc4kw2", 1, 9, "a regular expression")]
    [DataRow("--match=kh ic3iw9oc4kw2", 1, 12, "a problem that matches")]
    [DataRow("--frobnicate=1 ic3iw9oc4kw2", 1, 1, "--dir, --dt, --mb")]
    [DataRow("--matmul ic3iw9oc4kw2", 1, 1, "--dir, --dt, --mb")]
    [DataRow("-dir=FWD_B ic3iw9oc4kw2", 1, 1, "--dir, --dt, --mb")]
    [DataRow("--batch=x ic3iw9oc4kw2", 1, 1, "lists are for files")]
    [DataRow("--op=shuffle ic6ih5kh3", 1, 14, "g, mb, ic and the sizes")]
    [DataRow("--op=im2col ic3ih7kh3oc5", 1, 13, "ic times the kernel's elements")]
    [DataRow("\\ ic3iw9oc4kw2", 1, 1, "before '\\'")]
    public void SyntaxErrorSaysWhereAndWhatWasExpected(string text, int line, int column, string expected)
    {
        var e = Assert.ThrowsExactly<ProblemSyntaxException>(() => ConvProblem.Parse(text));
        Assert.AreEqual((line, column), (e.Line, e.Column), e.Message);
        StringAssert.Contains(e.Expected, expected);
        StringAssert.Contains(e.Message, $"line {line}, column {column}: ");
        string[] lines = e.Message.Split('\n');
        Assert.AreEqual(2 + column - 1, lines[^1].IndexOf('^', StringComparison.Ordinal), e.Message);
        Assert.AreEqual(text.Split('\n')[line - 1], lines[^2][2..]);
        Assert.IsFalse(ConvProblem.TryParse(text, out _, out string? error));
        Assert.AreEqual(e.Message, error);
    }

    [TestMethod]
    [DataRow("g0ic4iw9oc4kw2", "groups", "0", "at least 1")]
    [DataRow("g3ic4iw9oc6kw2", "groups", "3", "must divide the 4 input channels")]
    [DataRow("g2ic4iw9oc5kw2", "groups", "2", "must divide the 5 output channels")]
    [DataRow("--deconv g2ic4iw9oc5kw2", "groups", "2", "must divide the 5 output channels")]
    [DataRow("ic3iw9oc4kw2sw0", "strides", "sw0", "at least 1")]
    [DataRow("ic3iw9oc4kw6dw1", "weight_shape", "[4,3,6]", "the dilated kernel of 11 is larger than the padded input of 9 on spatial axis 0")]
    [DataRow("ic3ih9iw7oc4kh2kw4ph0pw1dh0dw2", "weight_shape", "[4,3,2,4]", "the dilated kernel of 10 is larger than the padded input of 9 on spatial axis 1")]
    [DataRow("ic3iw2oc4kw3sw2", "weight_shape", "[4,3,3]", "the dilated kernel of 3 is larger than the padded input of 2 on spatial axis 0")]
    [DataRow("--deconv ic3iw2oc4kw3pw3", "pads_begin", "[3]", "remove all of the 4 output elements")]
    [DataRow("--pad-mode=reflect ic3iw4oc4kw3pw4", "pads_begin", "4", "less than the size 4")]
    [DataRow("--pad-mode=reflect ic3iw4oc4ow9kw3pw3", "pads_end", "4", "less than the size 4")]
    [DataRow("--pad-mode=circular ic3iw4oc4kw3pw5", "pads_begin", "5", "at most the size 4")]
    [DataRow("--pad-mode=circular ic3iw4oc4ow11kw3pw4", "pads_end", "5", "at most the size 4")]
    [DataRow("--deconv --output-padding=2 ic3iw9oc4kw3sw2", "output_padding", "[2]", "less than max(stride, dilation) = 2")]
    [DataRow("--deconv --output-padding=1x0x1 ic3iw9oc4kw3sw2", "output_padding", "1x0x1", "one number or 1")]
    [DataRow("--offset-groups=2 ic4iw9oc4kw2", "offset_groups", "2", "only a deformable")]
    [DataRow("--mask=1 ic4iw9oc4kw2", "mask", "given", "only a deformable")]
    [DataRow("--op=deform ic4iw9oc4kw2", "input_shape", "[2,4,9]", "2-D")]
    [DataRow("--dir=BWD_M --op=deform ic4ih9oc4kh2", "direction", "backward_mask", "no mask")]
    [DataRow("--dir=BWD_D --attr-post-ops=relu ic4iw9oc4kw2", "activation", "relu", "forward")]
    [DataRow("--dt=f32:s8:f32 ic4iw9oc4kw2", "data_type", "f32:s8:f32", "share one type")]
    [DataRow("--dir=FWD_B --op=im2col ic4iw9kw2", "bias", "given", "im2col has no bias")]
    [DataRow("--op=shuffle g4ic6iw9", "groups", "4", "must divide the 6 input channels")]
    [DataRow("--dir=BWD_D --attr-post-ops=sum ic4iw9oc4kw2", "residual", "given", "forward")]
    [DataRow("--dir=BWD_W --attr-post-ops=linear:0.5 ic4iw9oc4kw2", "output_scale", "0.5", "forward")]
    [DataRow("--attr-post-ops=linear:NaN ic4iw9oc4kw2", "output_scale", "NaN", "finite")]
    [DataRow("--attr-post-ops=clip:6:0 ic4iw9oc4kw2", "activation", "6", "upper limit 0")]
    [DataRow("--attr-post-ops=relu:NaN ic4iw9oc4kw2", "activation", "NaN", "finite alpha")]
    [DataRow("ic1iw7oc1kw1sw2000000000ow1000000000000000000pw0", "output_shape", "too large", "60 bits")]
    public void GeometryErrorNamesFieldValueAndRule(string text, string field, string value, string rule)
    {
        var e = Assert.ThrowsExactly<ConvProblemException>(() => ConvProblem.Parse(text));
        Assert.AreEqual((field, value), (e.Field, e.Value), e.Message);
        StringAssert.Contains(e.Rule, rule);
        Assert.IsFalse(ConvProblem.TryParse(text, out _, out string? error));
        Assert.AreEqual(e.Message, error);
    }

    [TestMethod]
    public void CaretStandsUnderTabs()
    {
        var e = Assert.ThrowsExactly<ProblemSyntaxException>(() => ConvProblem.Parse("\t\tic3iw9oc4kw2!"));
        StringAssert.EndsWith(e.Message, "\n  \t\tic3iw9oc4kw2!\n  \t\t            ^");
    }
}
