using System.Text.Json;
using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class RunCasesTests
{
    private static string Status(JsonElement line) => line.GetProperty("status").GetString()!;

    private static string Message(JsonElement line) => line.GetProperty("message").GetString()!;

    [TestMethod]
    public void A_hand_computed_correlation()
    {
        using var host = new CliHost();
        host.Singles("x.npy", Dims.Create([1, 1, 2, 3]), 1, 2, 3, 4, 5, 6);
        host.Singles("w.npy", Dims.Create([1, 1, 2, 2]), 1, 10, 100, 1000);
        host.Singles("b.npy", Dims.Create([1]), 0.5f);
        (int code, var lines) = host.Cases(
            "oracle",
            """{"id":"a","op":"correlation","pads_begin":[0,1],"tensors":{"input":"x.npy","weights":"w.npy","bias":"b.npy"},"outputs":{"output":"out/a.npy"}}""",
            "",
            """{"id":"b","op":"convolution","pads_begin":[0,1],"tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"b.npy2"}}""",
            """{"id":"c","op":"transposed","strides":[2,1],"tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"c.npy"}}""");
        Assert.AreEqual(0, code);
        Assert.AreEqual("oracle", lines["a"].GetProperty("backend").GetString());
        CollectionAssert.AreEqual(new[] { 4010.5f, 5421.5f, 6532.5f }, host.ReadSingles("out/a.npy", out Dims shape));
        Assert.AreEqual(Dims.Create([1, 1, 1, 3]), shape);
        CollectionAssert.AreEqual(new[] { 104f, 1245, 2356 }, host.ReadSingles("b.npy2", out _));
        CollectionAssert.AreEqual(new[] { 1f, 12, 23, 30, 100, 1200, 2300, 3000, 4, 45, 56, 60, 400, 4500, 5600, 6000 }, host.ReadSingles("c.npy", out shape));
        Assert.AreEqual(Dims.Create([1, 1, 4, 4]), shape);
    }

    [TestMethod]
    public void One_bad_case_never_stops_the_others()
    {
        using var host = new CliHost();
        host.Integers("x.npy", 2, 3, 7, 5);
        host.Integers("w.npy", 4, 3, 3, 2);
        File.WriteAllText(host.At("bad.npy"), "not npy");
        const string Good = "\"tensors\":{\"input\":\"x.npy\",\"weights\":\"w.npy\"}";
        (int code, var lines) = host.Cases(
            "oracle",
            "not json at all",
            $$$"""{"id":"field","op":"correlation","kernal":[3],{{{Good}}}}""",
            """{"id":"missing","op":"correlation","tensors":{"input":"none.npy","weights":"w.npy"}}""",
            """{"id":"npy","op":"correlation","tensors":{"input":"bad.npy","weights":"w.npy"}}""",
            $$$"""{"id":"stride","op":"correlation","strides":[0,1],{{{Good}}}}""",
            $$$"""{"id":"groups","op":"correlation","groups":2,{{{Good}}}}""",
            $$$"""{"id":"type","op":"correlation","data_type":"f64",{{{Good}}}}""",
            $$$"""{"id":"ok","op":"correlation",{{{Good}}},"outputs":{"output":"y.npy"}}""");
        Assert.AreEqual(2, code);
        Assert.HasCount(8, lines);
        foreach ((string id, string start) in new Dictionary<string, string>
        {
            ["null"] = "line = not json",
            ["field"] = "kernal = [3]: ",
            ["missing"] = "tensors.input = none.npy: ",
            ["npy"] = "tensors.input = bad.npy: ",
            ["stride"] = "strides = [0,1]: ",
            ["groups"] = "groups = 2: ",
            ["type"] = "input = <f4: ",
        })
        {
            Assert.AreEqual("invalid", Status(lines[id]), id);
            Assert.StartsWith(start, Message(lines[id]));
        }

        Assert.AreEqual("ok", Status(lines["ok"]));
        Assert.AreEqual(Dims.Create([2, 4, 5, 4]), NpyFile.Read(host.At("y.npy")).Shape);
    }

    [TestMethod]
    public void A_line_that_is_not_text_or_whose_result_has_no_place_is_invalid()
    {
        using var host = new CliHost();
        host.Integers("x.npy", 2, 3, 7, 5);
        host.Integers("w.npy", 4, 3, 3, 2);
        const string Good = "\"op\":\"correlation\",\"tensors\":{\"input\":\"x.npy\",\"weights\":\"w.npy\"}";
        (int code, var lines) = host.Cases(
            "oracle",
            """{"id":"\ud800","op":"correlation"}""",
            $$$"""{"id":"half","\udc00":1,{{{Good}}}}""",
            $$$"""{"id":"cut",{{{Good}}},""",
            $$$"""{"id":"none",{{{Good}}}}""",
            $$$"""{"id":"folder",{{{Good}}},"outputs":{"output":"."}}""",
            $$$"""{"id":"file",{{{Good}}},"outputs":{"output":"x.npy/y.npy"}}""",
            $$$"""{"id":"huge",{{{Good}}},"pads_begin":[999999999,0],"outputs":{"output":"y.npy"}}""",
            $$$"""{"id":"ok",{{{Good}}},"outputs":{"output":"y.npy"}}""");
        Assert.AreEqual(2, code);
        foreach ((string id, string start) in new Dictionary<string, string>
        {
            ["null"] = "line = ",
            ["half"] = "line = ",
            ["cut"] = "line = ",
            ["none"] = "outputs.output = none",
            ["folder"] = "outputs.output = .: ",
            ["file"] = "outputs.output = x.npy/y.npy: ",
        })
        {
            Assert.AreEqual("invalid", Status(lines[id]), id);
            Assert.StartsWith(start, Message(lines[id]));
        }

        Assert.AreEqual("unsupported", Status(lines["huge"]));
        Assert.AreEqual("ok", Status(lines["ok"]));
    }

    [TestMethod]
    public void Padding_contributes_nothing_beside_infinite_weights()
    {
        using var host = new CliHost();
        host.Singles("x.npy", Dims.Create([1, 1, 3]), 1, 2, 3);
        host.Singles("w.npy", Dims.Create([1, 1, 2]), 1, float.PositiveInfinity);
        host.Singles("x2.npy", Dims.Create([1, 1, 2]), 1, 1);
        host.Singles("w2.npy", Dims.Create([2, 1, 3]), float.PositiveInfinity, 1, 1, 1, 1, 1);
        string[] cases =
        [
            """{"id":"a","op":"transposed","dilations":[3],"output_padding":[2],"tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"y.npy"}}""",
            """{"id":"b","op":"correlation","pads_begin":[1],"pads_end":[1],"tensors":{"input":"x2.npy","weights":"w2.npy"},"outputs":{"output":"y2.npy"}}""",
        ];
        foreach (string backend in (string[])["oracle", "managed", "onednn", "auto"])
        {
            if (backend == "onednn" && Backends.Engines.Find("onednn") is not { Status.Available: true }) continue;
            (_, var lines) = host.Cases(backend, cases);
            foreach (string id in (string[])["a", "b"]) Assert.AreEqual("ok", lines[id].GetProperty("status").GetString(), backend);
            CollectionAssert.AreEqual(new[] { 1, 2, 3, float.PositiveInfinity, float.PositiveInfinity, float.PositiveInfinity, 0, 0 }, host.ReadSingles("y.npy", out _), backend);
            CollectionAssert.AreEqual(new[] { 2, float.PositiveInfinity, 2, 2 }, host.ReadSingles("y2.npy", out _), backend);
        }
    }

    [TestMethod]
    public void An_id_names_one_case()
    {
        using var host = new CliHost();
        host.Integers("x.npy", 2, 3, 7, 5);
        host.Integers("w.npy", 4, 3, 3, 2);
        const string Good = """{"id":"a","op":"correlation","tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"y.npy"}}""";
        File.WriteAllLines(host.At("cases.jsonl"), [Good, Good]);
        (int code, string output, _) = CliHost.Run("run", "--cases", host.At("cases.jsonl"), "--backend", "oracle");
        Assert.AreEqual(2, code);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        StringAssert.Contains(lines[0], "\"status\":\"ok\"");
        StringAssert.Contains(lines[1], "id = a: belongs to an earlier line");
    }

    [TestMethod]
    public void OneDnn_has_transposed_integers_or_says_so()
    {
        ConvTests.Need("onednn");
        using var host = new CliHost();
        File.WriteAllBytes(host.At("x.npy"), [.. NpyFile.Header(NpyType.I1, Dims.Create([1, 2, 3, 2])), .. new byte[12]]);
        File.WriteAllBytes(host.At("w.npy"), [.. NpyFile.Header(NpyType.I1, Dims.Create([2, 1, 3, 2])), .. new byte[12]]);
        (_, var lines) = host.Cases("onednn", """{"id":"a","op":"transposed","strides":[3,3],"dilations":[2,2],"pads_end":[2,3],"output_padding":[1,2],"data_type":"s8","output_type":"s32","w_zero_point":45,"tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"y.npy"}}""");
        Assert.IsTrue(Status(lines["a"]) is "ok" or "unsupported", lines["a"].ToString());
    }

    [TestMethod]
    [DataRow("correlation", "", "\"bias\":\"t.npy\"", new long[] { 1 }, "bias")]
    [DataRow("correlation", "", "\"bias\":\"t.npy\"", new long[] { 1, 4 }, "bias")]
    [DataRow("correlation", "", "\"residual\":\"t.npy\"", new long[] { 2, 4, 7, 5 }, "residual")]
    [DataRow("correlation", "", "\"mask\":\"t.npy\"", new long[] { 2, 6, 5, 4 }, "mask")]
    [DataRow("correlation", "", "\"offset\":\"t.npy\"", new long[] { 2, 12, 5, 4 }, "offset")]
    [DataRow("correlation", "", "\"output_grad\":\"t.npy\"", new long[] { 2, 4, 5, 4 }, "output_grad")]
    [DataRow("correlation", "\"direction\":\"backward_data\",", "\"output_grad\":\"t.npy\"", new long[] { 2, 4, 7, 5 }, "output_grad")]
    [DataRow("correlation", "\"direction\":\"backward_data\",", "\"residual\":\"t.npy\"", new long[] { 2, 4, 5, 4 }, "residual")]
    [DataRow("correlation", "\"direction\":\"backward_offset\",", "\"output_grad\":\"t.npy\"", new long[] { 2, 4, 5, 4 }, "direction")]
    [DataRow("correlation", "\"input_shape\":[2,3,7,6],", "\"input\":\"x.npy\"", new long[] { 1 }, "input_shape")]
    [DataRow("correlation", "\"weight_shape\":[4,3,3,3],", "\"input\":\"x.npy\"", new long[] { 1 }, "weight_shape")]
    [DataRow("correlation", "\"auto_pad\":\"same\",\"strides\":[2,1],", "\"input\":\"x.npy\"", new long[] { 1 }, "auto_pad")]
    [DataRow("correlation", "\"output_padding\":[1,1],", "\"input\":\"x.npy\"", new long[] { 1 }, "output_padding")]
    [DataRow("correlation", "\"x_scale\":0.5,", "\"input\":\"x.npy\"", new long[] { 1 }, "x_scale")]
    [DataRow("deformable", "", "\"offset\":\"t.npy\"", new long[] { 2, 6, 5, 4 }, "offset")]
    [DataRow("deformable", "", "\"mask\":\"t.npy\"", new long[] { 2, 6, 5, 4 }, "offset")]
    [DataRow("im2col", "\"kernel\":[3,2],", "\"input\":\"x.npy\"", new long[] { 1 }, "weights")]
    public void A_tensor_of_another_shape_is_invalid(string op, string fields, string tensor, long[] shape, string field)
    {
        using var host = new CliHost();
        host.Integers("x.npy", 2, 3, 7, 5);
        host.Integers("w.npy", 4, 3, 3, 2);
        host.Integers("t.npy", shape);
        string input = tensor.Contains("\"input\"", StringComparison.Ordinal) ? "" : "\"input\":\"x.npy\",";
        (int code, var lines) = host.Cases("managed", $$$"""{"id":"a","op":"{{{op}}}",{{{fields}}}"tensors":{{{{input}}}{{{tensor}}},"weights":"w.npy"}}""");
        Assert.AreEqual(2, code, lines["a"].ToString());
        Assert.AreEqual("invalid", Status(lines["a"]));
        Assert.StartsWith(field + " = ", Message(lines["a"]));
    }

    [TestMethod]
    [DataRow("channels_first")]
    [DataRow("channels_last")]
    [DataRow("any")]
    public void Engines_agree_with_the_oracle_in_every_layout(string layout)
    {
        using var host = new CliHost();
        host.Integers("x.npy", 2, 6, 7, 5);
        host.Integers("w.npy", 4, 3, 3, 2);
        host.Integers("wt.npy", 6, 2, 3, 2);
        host.Integers("b.npy", 4);
        host.Integers("dy.npy", 2, 4, 5, 6);
        string[] cases =
        [
            $$$"""{"id":"fwd","op":"correlation","groups":2,"pads_end":[0,2],"pads_begin":[0,1],"strides":[2,1],"layout":"{{{layout}}}","activation":"relu","tensors":{"input":"x.npy","weights":"w.npy","bias":"b.npy"},"outputs":{"output":"fwd.npy"}}""",
            $$$"""{"id":"bwd","op":"correlation","direction":"backward_data","groups":2,"pads_begin":[0,2],"layout":"{{{layout}}}","tensors":{"output_grad":"dy.npy","weights":"w.npy"},"outputs":{"output":"bwd.npy"}}""",
            $$$"""{"id":"bww","op":"correlation","direction":"backward_weights","groups":2,"pads_begin":[0,2],"layout":"{{{layout}}}","tensors":{"output_grad":"dy.npy","input":"x.npy"},"outputs":{"output":"bww.npy"}}""",
            $$$"""{"id":"bwb","op":"correlation","direction":"backward_bias","layout":"{{{layout}}}","tensors":{"output_grad":"dy.npy"},"outputs":{"output":"bwb.npy"}}""",
            $$$"""{"id":"tr","op":"transposed","groups":2,"strides":[2,3],"output_padding":[1,0],"layout":"{{{layout}}}","tensors":{"input":"x.npy","weights":"wt.npy"},"outputs":{"output":"tr.npy"}}""",
        ];
        (int code, var lines) = host.Cases("oracle", cases);
        Assert.AreEqual(0, code, string.Join('\n', lines.Values));
        Dictionary<string, NpyArray> expected = lines.Keys.ToDictionary(id => id, id => NpyFile.Read(host.At(id + ".npy")));
        Assert.AreEqual(Dims.Create([2, 6, 7, 5]), expected["bwd"].Shape);
        Assert.AreEqual(Dims.Create([4, 3, 3, 2]), expected["bww"].Shape);
        Assert.AreEqual(Dims.Create([4]), expected["bwb"].Shape);
        foreach (string backend in (string[])["managed", "onednn", "auto"])
        {
            foreach (string id in expected.Keys) File.Delete(host.At(id + ".npy"));
            (code, lines) = host.Cases(backend, cases);
            if (code == 3) continue;
            Assert.AreEqual(0, code, string.Join('\n', lines.Values));
            foreach ((string id, JsonElement line) in lines)
            {
                if (Status(line) == "unsupported" && backend == "onednn") continue;
                Assert.AreEqual("ok", Status(line), line.ToString());
                Assert.AreNotEqual("", line.GetProperty("implementation").GetString());
                NpyArray y = NpyFile.Read(host.At(id + ".npy"));
                Assert.AreEqual(expected[id].Shape, y.Shape, id);
                Assert.IsTrue(Equal(expected[id], y), $"{backend} {id} differs");
            }
        }
    }

    private static bool Equal(NpyArray a, NpyArray b)
    {
        for (int i = 0; i < a.Data.Length; i += 4)
            if (BitConverter.ToSingle(a.Data, i) != BitConverter.ToSingle(b.Data, i)) return false;
        return a.Data.Length == b.Data.Length;
    }

    [TestMethod]
    public void Operations_without_weights_run_on_the_managed_engine()
    {
        using var host = new CliHost();
        host.Singles("x.npy", Dims.Create([1, 4, 2]), 0, 1, 2, 3, 4, 5, 6, 7);
        (int code, var lines) = host.Cases(
            "managed",
            """{"id":"s","op":"channel_shuffle","groups":2,"tensors":{"input":"x.npy"},"outputs":{"output":"s.npy"}}""",
            """{"id":"sb","op":"channel_shuffle","groups":2,"direction":"backward_data","tensors":{"output_grad":"s.npy"},"outputs":{"output":"sb.npy"}}""",
            """{"id":"i","op":"im2col","kernel":[2],"pads_begin":[1],"tensors":{"input":"x.npy"},"outputs":{"output":"i.npy"}}""",
            """{"id":"c","op":"col2im","kernel":[2],"pads_begin":[1],"image_shape":[2],"tensors":{"input":"i.npy"},"outputs":{"output":"c.npy"}}""",
            """{"id":"cb","op":"col2im","direction":"backward_data","kernel":[2],"pads_begin":[1],"image_shape":[2],"tensors":{"output_grad":"c.npy"},"outputs":{"output":"cb.npy"}}""");
        Assert.AreEqual(0, code, string.Join('\n', lines.Values));
        CollectionAssert.AreEqual(new float[] { 0, 1, 4, 5, 2, 3, 6, 7 }, host.ReadSingles("s.npy", out _));
        CollectionAssert.AreEqual(new float[] { 0, 1, 2, 3, 4, 5, 6, 7 }, host.ReadSingles("sb.npy", out _));
        CollectionAssert.AreEqual(new float[] { 0, 0, 0, 1, 0, 2, 2, 3, 0, 4, 4, 5, 0, 6, 6, 7 }, host.ReadSingles("i.npy", out Dims shape));
        Assert.AreEqual(Dims.Create([1, 8, 2]), shape);
        CollectionAssert.AreEqual(new float[] { 0, 1, 4, 3, 8, 5, 12, 7 }, host.ReadSingles("c.npy", out shape));
        Assert.AreEqual(Dims.Create([1, 4, 2]), shape);
        Assert.AreEqual(Dims.Create([1, 8, 2]), NpyFile.Read(host.At("cb.npy")).Shape);
    }

    [TestMethod]
    public void Shapes_that_cannot_be_inferred_are_asked_for()
    {
        using var host = new CliHost();
        host.Integers("w.npy", 4, 3, 3);
        host.Integers("dy.npy", 2, 4, 5);
        host.Integers("x.npy", 2, 3, 12);
        const string Case = "\"op\":\"correlation\",\"strides\":[2],\"tensors\":{\"output_grad\":\"dy.npy\"";
        (int code, var lines) = host.Cases(
            "oracle",
            $$$"""{"id":"a",{{{Case}}},"weights":"w.npy"},"direction":"backward_data"}""",
            $$$"""{"id":"b",{{{Case}}},"weights":"w.npy"},"direction":"backward_data","input_shape":[2,3,12],"outputs":{"output":"b.npy"}}""",
            $$$"""{"id":"c",{{{Case}}},"input":"x.npy"},"direction":"backward_weights"}""",
            $$$"""{"id":"d",{{{Case}}},"input":"x.npy"},"direction":"backward_weights","weight_shape":[4,3,4],"outputs":{"output":"d.npy"}}""",
            $$$"""{"id":"e",{{{Case}}},"input":"x.npy"},"direction":"backward_weights","kernel":[4],"outputs":{"output":"e.npy"}}""");
        Assert.AreEqual(2, code);
        Assert.StartsWith("input_shape = none", Message(lines["a"]));
        Assert.StartsWith("weight_shape = none", Message(lines["c"]));
        Assert.AreEqual("ok", Status(lines["b"]), Message(lines["b"]));
        Assert.AreEqual(Dims.Create([2, 3, 12]), NpyFile.Read(host.At("b.npy")).Shape);
        Assert.AreEqual(Dims.Create([4, 3, 4]), NpyFile.Read(host.At("d.npy")).Shape);
        CollectionAssert.AreEqual(NpyFile.Read(host.At("d.npy")).Data, NpyFile.Read(host.At("e.npy")).Data);
    }

    [TestMethod]
    public void An_unavailable_backend_is_exit_code_3()
    {
        using var host = new CliHost();
        host.Integers("x.npy", 1, 1, 5);
        host.Integers("w.npy", 1, 1, 3);
        if (Backends.Engines.Find("cudnn") is { Status.Available: true }) Assert.Inconclusive("cudnn is available here");
        (int code, var lines) = host.Cases("cudnn", """{"id":"a","op":"correlation","tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"y.npy"}}""");
        Assert.AreEqual(3, code);
        Assert.AreEqual("unavailable", Status(lines["a"]));
        (code, string output, string error) = CliHost.Run("run", "--backend", "cudnn", "--input", host.At("x.npy"), "--weights", host.At("w.npy"), "--output", host.At("y.npy"));
        Assert.AreEqual(3, code);
        Assert.AreEqual("", output);
        Assert.StartsWith("error: unavailable (cudnn): ", error);
    }

    [TestMethod]
    [DataRow("oracle")]
    [DataRow("managed")]
    [DataRow("onednn")]
    public void Quantised_cases_are_validated_and_computed(string backend)
    {
        if (backend != "oracle" && Backends.Engines.Find(backend) is not { Status.Available: true }) Engines.Skip(backend, "not available");
        using var host = new CliHost();
        NpyFile.Write(host.At("x.npy"), new NpyArray(NpyType.U1, [1, 1, 5], [1, 2, 3, 4, 5]));
        NpyFile.Write(host.At("w.npy"), new NpyArray(NpyType.I1, [2, 1, 3], [1, 2, 3, 4, 5, 6]));
        const string Case = "\"op\":\"correlation\",\"data_type\":\"u8\",\"tensors\":{\"input\":\"x.npy\",\"weights\":\"w.npy\"}";
        (int code, var lines) = host.Cases(
            backend,
            $$$"""{"id":"zp","x_zero_point":128,"w_zero_point":[1,-2],"outputs":{"output":"zp.npy"},{{{Case}}}}""",
            $$$"""{"id":"all","x_scale":0.5,"x_zero_point":3,"w_scale":[0.5,0.25],"y_scale":2,"y_zero_point":7,"outputs":{"output":"all.npy"},{{{Case}}}}""",
            $$$"""{"id":"real","x_scale":0.5,"w_scale":[0.5,0.25],"output_type":"f32","outputs":{"output":"real.npy"},{{{Case}}}}""",
            $$$"""{"id":"range","x_zero_point":256,{{{Case}}}}""",
            $$$"""{"id":"count","w_zero_point":[1,2,3],{{{Case}}}}""",
            $$$"""{"id":"scale","x_scale":-1,"w_scale":1,"y_scale":1,{{{Case}}}}""",
            $$$"""{"id":"some","x_scale":1,{{{Case}}}}""");
        Assert.AreEqual(2, code);
        bool has = backend != "onednn" || !Backends.OneDnn.Integers.OneDnnIntegers.Saturates;
        foreach (string id in new[] { "zp", "all", "real" }) Assert.AreEqual(has ? "ok" : "unsupported", Status(lines[id]), Message(lines[id]));

        // w - w_zero_point is 0 1 2 and 6 7 8; x - 128 is -127 -126 -125 and so on.
        if (has) CollectionAssert.AreEqual(new[] { -376, -373, -370, -2644, -2623, -2602 }, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, int>(NpyFile.Read(host.At("zp.npy")).Data).ToArray());

        // x - 3 is -2 -1 0 1 2: sums -4 2 8 and -13 2 17; times 1/8 and 1/16, halves to even, plus 7.
        if (has) CollectionAssert.AreEqual(new byte[] { 7, 7, 8, 6, 7, 8 }, NpyFile.Read(host.At("all.npy")).Data);
        if (has) CollectionAssert.AreEqual(new[] { 3.5f, 5, 6.5f, 4, 5.875f, 7.75f }, host.ReadSingles("real.npy", out _));
        foreach ((string id, string field) in new Dictionary<string, string> { ["range"] = "x_zero_point", ["count"] = "w_zero_point", ["scale"] = "x_scale", ["some"] = "w_scale" })
        {
            Assert.AreEqual("invalid", Status(lines[id]), id);
            Assert.StartsWith(field + " = ", Message(lines[id]));
        }
    }

    [TestMethod]
    public void Bf16_goes_out_as_it_came_in()
    {
        using var host = new CliHost();
        host.Singles("x.npy", Dims.Create([1, 1, 3]), 1, 1.00390625f, 3);
        host.Singles("w.npy", Dims.Create([1, 1, 2]), 1, 1);
        NpyFile.Write(host.At("xb.npy"), new NpyArray(NpyType.U2, [1, 1, 3], [0x80, 0x3F, 0x80, 0x3F, 0x40, 0x40]));
        NpyFile.Write(host.At("wb.npy"), new NpyArray(NpyType.V2, [1, 1, 2], [0x80, 0x3F, 0x80, 0x3F]));
        const string Case = "\"op\":\"correlation\",\"data_type\":\"bf16\",\"tensors\":";
        (int code, var lines) = host.Cases(
            "oracle",
            $$$"""{"id":"f","outputs":{"output":"yf.npy"},{{{Case}}}{"input":"x.npy","weights":"w.npy"}}""",
            $$$"""{"id":"u","outputs":{"output":"yu.npy"},{{{Case}}}{"input":"xb.npy","weights":"wb.npy"}}""");
        Assert.AreEqual(0, code, string.Join('\n', lines.Values));
        CollectionAssert.AreEqual(new[] { 2f, 4 }, host.ReadSingles("yf.npy", out _));
        NpyArray y = NpyFile.Read(host.At("yu.npy"));
        Assert.AreEqual(NpyType.U2, y.Type);
        CollectionAssert.AreEqual(new byte[] { 0x00, 0x40, 0x80, 0x40 }, y.Data);
    }

    [TestMethod]
    public void A_single_run_takes_options_or_a_problem_string()
    {
        using var host = new CliHost();
        string x = host.Integers("x.npy", 1, 3, 7, 5), w = host.Integers("w.npy", 4, 3, 3, 2), y = host.At("y.npy"), z = host.At("z.npy");
        (int code, string output, string error) = CliHost.Run("run", "--backend", "managed", "--input", x, "--weights", w, "--strides", "2,1", "--pads-begin", "1,0", "--pads-end", "[0,1]", "--output", y);
        Assert.AreEqual(0, code, error);
        StringAssert.Contains(output, "managed");
        (code, output, error) = CliHost.Run("run", "--json", "--backend", "oracle", "--problem", "--dir=FWD_D mb1ic3ih7iw5oc4oh3ow5kh3kw2sh2sw1ph1pw0", "--input", x, "--weights", w, "--output", z);
        Assert.AreEqual(0, code, error);
        Assert.AreEqual("ok", JsonDocument.Parse(output).RootElement.GetProperty("status").GetString());
        Assert.IsTrue(Equal(NpyFile.Read(y), NpyFile.Read(z)));
        (code, _, error) = CliHost.Run("run", "--problem", "--dir=FWD_D mb1ic3ih7iw6oc4kh3kw2", "--input", x, "--weights", w, "--output", z);
        Assert.AreEqual(2, code);
        StringAssert.Contains(error, "input = [1,3,7,5]");
        (code, _, error) = CliHost.Run("run", "--input", x, "--weights", w, "--strides", "two", "--output", z);
        Assert.AreEqual(2, code);
        StringAssert.Contains(error, "strides = \"two\"");
    }
}
