using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>The signal modes against values of scipy.signal.convolve, correlate and convolve2d, worked out by hand.</summary>
[TestClass]
public sealed class SignalModeTests
{
    [TestMethod]
    [DataRow("convolution", "full", new[] { 1f, 2, 3 }, new[] { 0f, 1, 0.5f }, new[] { 0f, 1, 2.5f, 4, 1.5f })]
    [DataRow("convolution", "same", new[] { 1f, 2, 3 }, new[] { 0f, 1, 0.5f }, new[] { 1f, 2.5f, 4 })]
    [DataRow("convolution", "valid", new[] { 1f, 2, 3 }, new[] { 0f, 1, 0.5f }, new[] { 2.5f })]
    [DataRow("convolution", "full", new[] { 1f, 2, 3, 4 }, new[] { 1f, 10 }, new[] { 1f, 12, 23, 34, 40 })]
    [DataRow("convolution", "same", new[] { 1f, 2, 3, 4 }, new[] { 1f, 10 }, new[] { 1f, 12, 23, 34 })]
    [DataRow("convolution", "same", new[] { 1f, 10 }, new[] { 1f, 2, 3, 4 }, new[] { 12f, 23 })]
    [DataRow("convolution", "full", new[] { 1f, 10 }, new[] { 1f, 2, 3, 4 }, new[] { 1f, 12, 23, 34, 40 })]
    [DataRow("convolution", "valid", new[] { 1f, 10 }, new[] { 1f, 2, 3, 4 }, new[] { 12f, 23, 34 })]
    [DataRow("correlation", "full", new[] { 1f, 2, 3 }, new[] { 0f, 1, 0.5f }, new[] { 0.5f, 2, 3.5f, 3, 0 })]
    [DataRow("correlation", "same", new[] { 1f, 2, 3 }, new[] { 0f, 1, 0.5f }, new[] { 2f, 3.5f, 3 })]
    [DataRow("correlation", "valid", new[] { 1f, 2, 3 }, new[] { 0f, 1, 0.5f }, new[] { 3.5f })]
    [DataRow("correlation", "full", new[] { 1f, 2, 3, 4 }, new[] { 1f, 10 }, new[] { 10f, 21, 32, 43, 4 })]
    [DataRow("correlation", "same", new[] { 1f, 2, 3, 4 }, new[] { 1f, 10 }, new[] { 10f, 21, 32, 43 })]
    [DataRow("correlation", "valid", new[] { 1f, 10 }, new[] { 1f, 2, 3, 4 }, new[] { 43f, 32, 21 })]
    public void One_dimension(string op, string mode, float[] x, float[] w, float[] expected)
    {
        foreach (string backend in (string[])["oracle", "managed"])
        {
            using var host = new CliHost();
            host.Singles("x.npy", [x.Length], x);
            host.Singles("w.npy", [w.Length], w);
            (int code, var lines) = host.Cases(backend, $$$"""{"id":"a","op":"{{{op}}}","mode":"{{{mode}}}","tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"y.npy"}}""");
            Assert.AreEqual(0, code, lines["a"].ToString());
            CollectionAssert.AreEqual(expected, host.ReadSingles("y.npy", out Dims shape), backend);
            Assert.AreEqual(Dims.Create([expected.Length]), shape);
        }
    }

    [TestMethod]
    [DataRow("zeros", "0", new[] { 1f, 3, 4, 10 })]
    [DataRow("circular", "0", new[] { 10f, 10, 10, 10 })]
    [DataRow("symmetric", "0", new[] { 4f, 6, 8, 10 })]
    [DataRow("constant", "5", new[] { 16f, 13, 14, 10 })]
    public void Padding_modes_extend_the_signal_as_convolve2d_does(string padding, string value, float[] expected)
    {
        using var host = new CliHost();
        host.Singles("x.npy", [2, 2], 1, 2, 3, 4);
        host.Singles("w.npy", [2, 2], 1, 1, 1, 1);
        (int code, var lines) = host.Cases("oracle", $$$"""{"id":"a","op":"convolution","mode":"same","padding_mode":"{{{padding}}}","pad_value":{{{value}}},"tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"y.npy"}}""");
        Assert.AreEqual(0, code, lines["a"].ToString());
        CollectionAssert.AreEqual(expected, host.ReadSingles("y.npy", out Dims shape));
        Assert.AreEqual(Dims.Create([2, 2]), shape);
    }

    /// <summary>Gradients of sum(dy * y), worked out by hand; the last two rows swap their operands, the very last reverses the result.</summary>
    [TestMethod]
    [DataRow("convolution", "full", "backward_data", new[] { 1f, 10 }, new[] { 1f, 2, 3, 4 }, "", new[] { 21f, 32, 43 })]
    [DataRow("convolution", "full", "backward_weights", new[] { 1f, 10, 100 }, new[] { 1f, 2, 3, 4 }, "", new[] { 321f, 432 })]
    [DataRow("convolution", "same", "backward_data", new[] { 1f, 10 }, new[] { 1f, 2, 3 }, "", new[] { 21f, 32, 3 })]
    [DataRow("correlation", "valid", "backward_weights", new[] { 1f, 10, 100 }, new[] { 1f, 2 }, "\"weight_shape\":[2],", new[] { 21f, 210 })]
    [DataRow("convolution", "valid", "backward_data", new[] { 1f, 10, 100 }, new[] { 1f, 2 }, "\"input_shape\":[2],", new[] { 210f, 21 })]
    [DataRow("correlation", "valid", "backward_data", new[] { 1f, 10, 100 }, new[] { 1f, 2 }, "\"input_shape\":[2],", new[] { 12f, 120 })]
    public void Gradients(string op, string mode, string direction, float[] operand, float[] dy, string shape, float[] expected)
    {
        foreach (string backend in (string[])["oracle", "managed"])
        {
            using var host = new CliHost();
            host.Singles("a.npy", [operand.Length], operand);
            host.Singles("dy.npy", [dy.Length], dy);
            string name = direction == "backward_data" ? "weights" : "input";
            (int code, var lines) = host.Cases(backend, $$$"""{"id":"a","op":"{{{op}}}","mode":"{{{mode}}}","direction":"{{{direction}}}",{{{shape}}}"tensors":{"{{{name}}}":"a.npy","output_grad":"dy.npy"},"outputs":{"output":"g.npy"}}""");
            Assert.AreEqual(0, code, lines["a"].ToString());
            CollectionAssert.AreEqual(expected, host.ReadSingles("g.npy", out Dims given), backend);
            Assert.AreEqual(Dims.Create([expected.Length]), given);
        }
    }

    [TestMethod]
    public void Circular_extension_has_no_limit()
    {
        using var host = new CliHost();
        host.Singles("x.npy", [2], 1, 2);
        host.Singles("w.npy", [7], 1, 1, 1, 1, 1, 1, 1);
        (int code, var lines) = host.Cases("oracle", """{"id":"a","op":"convolution","mode":"same","padding_mode":"circular","tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"y.npy"}}""");
        Assert.AreEqual(0, code, lines["a"].ToString());
        CollectionAssert.AreEqual(new[] { 11f, 10 }, host.ReadSingles("y.npy", out _));
    }

    [TestMethod]
    public void Swapped_valid_in_two_dimensions_reverses_both_axes()
    {
        using var host = new CliHost();
        host.Singles("x.npy", [1, 2], 1, 10);
        host.Singles("w.npy", [2, 3], 1, 2, 3, 4, 5, 6);
        (int code, var lines) = host.Cases("oracle", """{"id":"a","op":"correlation","mode":"valid","tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"y.npy"}}""");
        Assert.AreEqual(0, code, lines["a"].ToString());
        CollectionAssert.AreEqual(new[] { 65f, 54, 32, 21 }, host.ReadSingles("y.npy", out Dims shape));
        Assert.AreEqual(Dims.Create([2, 2]), shape);
    }

    [TestMethod]
    [DataRow("\"pads_begin\":[1]", "pads_begin")]
    [DataRow("\"strides\":[2]", "strides")]
    [DataRow("\"dilations\":[2]", "dilations")]
    [DataRow("\"strides\":[1,1]", "strides")]
    [DataRow("\"groups\":2", "groups")]
    [DataRow("\"auto_pad\":\"same\"", "auto_pad")]
    [DataRow("\"direction\":\"backward_bias\"", "direction")]
    [DataRow("\"direction\":\"backward_data\"", "output_grad")]
    [DataRow("\"activation\":\"relu\"", "activation")]
    public void What_a_mode_excludes_is_invalid(string field, string name)
    {
        using var host = new CliHost();
        host.Integers("x.npy", 5);
        host.Integers("w.npy", 3);
        (int code, var lines) = host.Cases("oracle", $$$"""{"id":"a","op":"convolution","mode":"full",{{{field}}},"tensors":{"input":"x.npy","weights":"w.npy"}}""");
        Assert.AreEqual(2, code);
        Assert.AreEqual("invalid", lines["a"].GetProperty("status").GetString());
        Assert.StartsWith(name + " = ", lines["a"].GetProperty("message").GetString()!);
    }

    [TestMethod]
    public void Valid_needs_one_operand_that_dominates()
    {
        using var host = new CliHost();
        host.Integers("x.npy", 5, 2);
        host.Integers("w.npy", 3, 3);
        host.Integers("c.npy", 1, 1, 5, 2);
        (int code, var lines) = host.Cases(
            "oracle",
            """{"id":"a","op":"convolution","mode":"valid","tensors":{"input":"x.npy","weights":"w.npy"}}""",
            """{"id":"b","op":"transposed","mode":"valid","tensors":{"input":"x.npy","weights":"w.npy"}}""",
            """{"id":"c","op":"convolution","mode":"full","tensors":{"input":"c.npy","weights":"w.npy"}}""",
            """{"id":"d","op":"convolution","mode":"full","tensors":{"input":"x.npy"}}""");
        Assert.AreEqual(2, code);
        Assert.IsTrue(lines.Values.All(l => l.GetProperty("status").GetString() == "invalid"));
        StringAssert.Contains(lines["a"].GetProperty("message").GetString(), "weights = [3,3]");
        StringAssert.Contains(lines["b"].GetProperty("message").GetString(), "mode = valid");
        StringAssert.Contains(lines["c"].GetProperty("message").GetString(), "input = [1,1,5,2]");
        StringAssert.Contains(lines["d"].GetProperty("message").GetString(), "weights = none");
    }
}
