using System.Text.Json;

namespace ConvNative.Tests;

[TestClass]
public sealed class ExplainTests
{
    private static JsonElement Explain(params string[] tokens)
    {
        (int code, string output, string error) = CliHost.Run(["explain", "--json", .. tokens]);
        Assert.AreEqual(0, code, error);
        return JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Single()).RootElement;
    }

    private static void Expect(JsonElement actual, string expected)
    {
        foreach (JsonProperty p in JsonDocument.Parse(expected).RootElement.EnumerateObject())
            Assert.IsTrue(JsonElement.DeepEquals(p.Value, actual.GetProperty(p.Name)), $"{p.Name}: expected {p.Value.GetRawText()}, is {actual.GetProperty(p.Name).GetRawText()}");
    }

    [TestMethod]
    public void Every_field_of_a_grouped_strided_dilated_problem()
    {
        JsonElement e = Explain("--dir=FWD_D", "g2mb3ic10ih17iw13oc14oh6ow11kh3kw5sh3sw1ph2pw2dh1dw0n\"some:layer\"");
        Expect(e, """
            {"name":"some:layer","op":"correlation","direction":"forward","data_type":"f32","input_type":"f32","weights_type":"f32","output_type":"f32",
             "layout":"channels_first","rank":2,"batch":3,"groups":2,"input_shape":[3,10,17,13],"weight_shape":[14,5,3,5],"output_shape":[3,14,6,11],
             "kernel":[3,5],"strides":[3,1],"dilations":[2,1],"pads_begin":[2,2],"pads_end":[1,0],"output_padding":[0,0],"padding_mode":"zeros","pad_value":0,
             "offset_groups":1,"mask":false,"bias":false,"activation":"none","residual":false,"multiply_adds":207900,"parameters":1050,"weights":1050,
             "bytes":41808,"receptive_field":[5,5],"checkerboard":null}
            """);
        Assert.AreEqual(2.0 * 207900 / 41808, e.GetProperty("arithmetic_intensity").GetDouble(), 1e-12);
        Assert.IsTrue(e.GetProperty("backends").EnumerateArray().Any(b => b.GetProperty("name").GetString() == "managed" && b.GetProperty("supported").GetBoolean() && b.GetProperty("implementation").GetString()!.Length > 0));
        Expect(Explain(e.GetProperty("problem").GetString()!), e.GetRawText());
    }

    [TestMethod]
    [DataRow(3, 2, 0, "[1]", "[2]", "true")]
    [DataRow(4, 2, 0, "[2]", "[2]", "false")]
    [DataRow(2, 3, 0, "[0]", "[1]", "true")]
    [DataRow(3, 2, 1, "[0]", "[3]", "true")]
    [DataRow(6, 3, 0, "[2]", "[2]", "false")]
    public void The_checkerboard_of_a_transposed_convolution(int kernel, int stride, int dilation, string min, string max, string uneven)
    {
        JsonElement e = Explain("--deconv", $"mb1ic3iw9oc5kw{kernel}sw{stride}dw{dilation}pw0");
        Expect(e, $$$"""{"op":"transposed","checkerboard":{"min":{{{min}}},"max":{{{max}}},"uneven":{{{uneven}}}}}""");
    }

    [TestMethod]
    public void Tokens_that_begin_with_dashes_belong_to_the_problem()
    {
        Assert.AreEqual("backward_data", Explain("--dir=BWD_D", "ic16ih28oc32kh3ph1").GetProperty("direction").GetString());
        Assert.AreEqual("backward_data", Explain("--dir=BWD_D ic16ih28oc32kh3ph1").GetProperty("direction").GetString());
        (int code, string output, _) = CliHost.Run("explain", "--dir=BWD_W", "ic4ih7oc6kh3", "ic5ih9oc7kh3", "--json");
        Assert.AreEqual(0, code);
        Assert.HasCount(2, output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [TestMethod]
    public void A_batch_is_a_line_a_problem()
    {
        using var host = new CliHost();
        File.WriteAllText(host.At("p.txt"), "--reset --dir=FWD_D\n# a comment\nmb1ic3ih9oc5kh3\nmb1ic4ih9oc5kh3n\"second\"\n");
        (int code, string output, string error) = CliHost.Run("explain", "--batch", host.At("p.txt"), "--json");
        Assert.AreEqual(0, code, error);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(2, lines);
        Assert.AreEqual("second", JsonDocument.Parse(lines[1]).RootElement.GetProperty("name").GetString());
        (code, output, _) = CliHost.Run("explain", $"--batch={host.At("p.txt")}");
        Assert.AreEqual(0, code);
        StringAssert.Contains(output, "multiply-adds");
        Assert.DoesNotContain('\u001b', output);
    }

    [TestMethod]
    [DataRow("ic16ih28oc32kh3ph1zz1", "column")]
    [DataRow("ic16ih2oc32kh3", "weight_shape")]
    [DataRow("--jsn", "column")]
    public void Bad_problems_are_bad_usage(string token, string expected)
    {
        (int code, string output, string error) = CliHost.Run("explain", token);
        Assert.AreEqual(2, code);
        Assert.AreEqual("", output);
        StringAssert.Contains(error, expected);
    }

    [TestMethod]
    [DataRow("explain")]
    [DataRow("explain --batch /nonexistent/file.txt")]
    [DataRow("")]
    [DataRow("nonsense")]
    [DataRow("devices --nonsense")]
    [DataRow("run --nonsense")]
    [DataRow("run --cases /nonexistent/cases.jsonl")]
    [DataRow("run --cases x --strides 1")]
    [DataRow("run --backend nonsense --output y.npy")]
    [DataRow("run --input x.npy")]
    public void Bad_usage_is_one_line_on_standard_error(string line)
    {
        (int code, string output, string error) = CliHost.Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.AreEqual(2, code);
        Assert.AreEqual("", output);
        Assert.HasCount(1, error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("error: ", error);
    }

    [TestMethod]
    [DataRow("devices")]
    [DataRow("explain")]
    [DataRow("run")]
    public void Every_verb_has_help_with_an_example(string verb)
    {
        (int code, string output, string error) = CliHost.Run(verb, "--help");
        Assert.AreEqual(0, code, error);
        StringAssert.Contains(output, "Examples:");
        StringAssert.Contains(output, $"  convnative {verb}");
        StringAssert.Contains(output, "--json");
    }

    [TestMethod]
    public void Devices_tell_every_backend()
    {
        (int code, string output, _) = CliHost.Run("devices", "--json");
        Assert.AreEqual(0, code);
        JsonElement e = JsonDocument.Parse(output).RootElement;
        Assert.AreEqual(Environment.ProcessorCount, e.GetProperty("logical_cores").GetInt32());
        string[] names = [.. e.GetProperty("backends").EnumerateArray().Select(b => b.GetProperty("name").GetString()!)];
        CollectionAssert.IsSubsetOf(new[] { "managed", "onednn", "opencl", "cudnn" }, names);
        foreach (JsonElement b in e.GetProperty("backends").EnumerateArray())
            Assert.IsTrue(b.GetProperty("status").GetString() == "available" || b.GetProperty("summary").GetString()!.Length > 0);
        Assert.AreEqual(0, CliHost.Run("devices").Code);
    }
}
