using ConvNative.Cli.Cases;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class CaseParserTests
{
    [TestMethod]
    [DataRow("", "line")]
    [DataRow("[]", "line")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\"} x", "line")]
    [DataRow("{\"op\":\"correlation\"}", "id")]
    [DataRow("{\"id\":\"a\"}", "op")]
    [DataRow("{\"id\":1,\"op\":\"correlation\"}", "id")]
    [DataRow("{\"id\":\"a\",\"id\":\"b\",\"op\":\"correlation\"}", "id")]
    [DataRow("{\"id\":\"a\",\"op\":\"Correlation\"}", "op")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"stride\":[1]}", "stride")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"strides\":2}", "strides")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"strides\":[2.5]}", "strides")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"strides\":[\"2\"]}", "strides")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"strides\":null}", "strides")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"strides\":[99999999999999999999]}", "strides")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"groups\":\"2\"}", "groups")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"groups\":[2]}", "groups")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"pad_value\":1e999}", "pad_value")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"pad_value\":true}", "pad_value")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"data_type\":\"float\"}", "data_type")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"direction\":\"backward\"}", "direction")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"layout\":\"nchw\"}", "layout")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"padding_mode\":\"edge\"}", "padding_mode")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"auto_pad\":\"SAME_UPPER\"}", "auto_pad")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"mode\":\"Full\"}", "mode")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"activation\":\"elu\"}", "activation")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"activation\":\"clip\"}", "activation")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"activation\":\"clip:2:1\"}", "activation")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"activation\":\"relu:x\"}", "activation")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"tensors\":\"x.npy\"}", "tensors")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"tensors\":{\"x\":\"x.npy\"}}", "tensors.x")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"tensors\":{\"input\":3}}", "tensors.input")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"tensors\":{\"input\":\"a\",\"input\":\"b\"}}", "tensors.input")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"outputs\":{\"y\":\"y.npy\"}}", "outputs.y")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"x_scale\":\"1\"}", "x_scale")]
    [DataRow("{\"id\":\"a\",\"op\":\"correlation\",\"w_scale\":[1,\"1\"]}", "w_scale")]
    public void What_is_not_understood_names_its_field(string line, string field)
    {
        ConvProblemException e = Assert.ThrowsExactly<ConvProblemException>(() => CaseParser.Parse(line));
        Assert.AreEqual(field, e.Field);
    }

    [TestMethod]
    public void The_documented_line_is_read_field_by_field()
    {
        CaseSpec c = CaseParser.Parse("""
            {"id":"c1","op":"correlation","direction":"forward","data_type":"f32","layout":"channels_first",
             "strides":[2,3],"dilations":[1,4],"pads_begin":[1,5],"pads_end":[6,1],"padding_mode":"zeros","auto_pad":"notset",
             "pad_value":0,"output_padding":[0,0],"groups":7,"offset_groups":8,"mode":"none","activation":"none",
             "tensors":{"input":"x.npy","weights":"w.npy","bias":"b.npy","offset":"o.npy","mask":"m.npy","residual":"r.npy","output_grad":"dy.npy"},
             "input_shape":[1,3,8,8],"weight_shape":[4,3,3,3],
             "outputs":{"output":"y.npy"}}
            """.ReplaceLineEndings(" "));
        Assert.AreEqual("c1", c.Id);
        Assert.AreEqual(Dims.Create([2, 3]), c.Strides);
        Assert.AreEqual(Dims.Create([1, 4]), c.Dilations);
        Assert.AreEqual(Dims.Create([1, 5]), c.PadsBegin);
        Assert.AreEqual(Dims.Create([6, 1]), c.PadsEnd);
        Assert.AreEqual(7, c.Groups);
        Assert.AreEqual(8, c.OffsetGroups);
        Assert.AreEqual(Dims.Create([1, 3, 8, 8]), c.InputShape);
        Assert.AreEqual(Dims.Create([4, 3, 3, 3]), c.WeightShape);
        Assert.AreEqual("y.npy", c.Output);
        Assert.AreEqual("input=x.npy weights=w.npy bias=b.npy offset=o.npy mask=m.npy residual=r.npy output_grad=dy.npy", string.Join(' ', c.Tensors.Select(t => $"{t.Key}={t.Value}")));
    }

    [TestMethod]
    public void Same_is_same_upper_with_stride_1()
    {
        CaseSpec c = CaseParser.Parse("{\"id\":\"a\",\"op\":\"correlation\",\"auto_pad\":\"same\"}");
        Assert.AreEqual(AutoPad.SameUpper, c.AutoPad);
        Assert.IsTrue(c.SameNeedsStride1);
    }

    [TestMethod]
    [DataRow("none")]
    [DataRow("leaky_relu:0.25")]
    [DataRow("relu6")]
    [DataRow("clip:-1.5:2")]
    [DataRow("gelu_erf")]
    [DataRow("gelu_tanh")]
    [DataRow("hard_swish")]
    [DataRow("silu")]
    public void Activation_names_are_read_and_written(string name) => Assert.AreEqual(name, ActivationNames.Of(ActivationNames.Parse("activation", name)));
}
