using System.Text.Json;
using ConvNative.Cli.Execution;
using static ConvNative.Tests.OnnxFolder;

namespace ConvNative.Tests;

/// <summary>The verb onnx: its lines, totals, exit codes, and the tests of the package libonnx-testdata.</summary>
[TestClass]
public sealed class OnnxCommandTests
{
    private const string Package = "/usr/share/libonnx-testdata/data";

    private static readonly Proto s_input = Singles([1, 1, 3], 1, 2, 3), s_weights = Singles([1, 1, 2], 1, 10);

    [TestMethod]
    public void A_wrong_output_fails_and_says_where()
    {
        using var folder = new OnnxFolder();
        folder.Add("right", Node("Conv", "x,w"), "x,w", Singles([1, 1, 2], 21, 32.03f), s_input, s_weights);
        folder.Add("shape", Node("Conv", "x,w"), "x,w", Singles([1, 2, 1], 21, 32), s_input, s_weights);
        folder.Add("type", Node("Conv", "x,w"), "x,w", Tensor(F64, [1, 1, 2]).PackedDoubles(10, 21, 32), s_input, s_weights);
        folder.Add("wrong", Node("Conv", "x,w"), "x,w", Singles([1, 1, 2], 21, 32.04f), s_input, s_weights);
        folder.Add("nan", Node("Conv", "x,w"), "x,w", Singles([1, 1, 2], 21, float.NaN), s_input, s_weights);
        (int code, string output, _) = folder.Run("--backend", "oracle");
        Assert.AreEqual(1, code);
        StringAssert.Contains(output, "pass right oracle naive:double largest error 0.03, 0.937 of its tolerance");
        StringAssert.Contains(output, "fail shape oracle naive:double the output's shape is [1,1,2], expected [1,2,1]");
        StringAssert.Contains(output, "fail type oracle naive:double the output is <f4, expected <f8");
        StringAssert.Contains(output, "fail wrong oracle naive:double 1 of 2 elements differ, most at [0,0,1]: 32, expected 32.0400009");
        StringAssert.Contains(output, "fail nan oracle naive:double 1 of 2 elements differ, most at [0,0,1]: 32, expected NaN");
        StringAssert.Contains(output, "1 passed, 4 failed, 0 unsupported, 0 errors; 0 models are not ours");
    }

    [TestMethod]
    public void Integers_are_compared_exactly()
    {
        using var folder = new OnnxFolder();
        Proto x = Tensor(U8, [1, 1, 3]).PackedInts(5, 100, 200, 250), w = Tensor(S8, [1, 1, 2]).PackedInts(5, 100, -100);
        folder.Add("integer", Node("ConvInteger", "x,w"), "x,w", Tensor(S32, [1, 1, 2]).PackedInts(5, -10000, -5001), x, w);
        StringAssert.StartsWith(folder.Only(), "fail integer oracle naive:double 1 of 2 elements differ, most at [0,0,1]: -5000, expected -5001");
    }

    [TestMethod]
    public void What_is_not_ours_is_counted_and_what_is_broken_stops_nothing()
    {
        using var folder = new OnnxFolder();
        folder.Add("a/broken", Node("Conv", "x,w"), "x,w", s_input, s_input, s_weights);
        File.WriteAllText(Path.Combine(folder.Path, "a/broken/model.onnx"), "no model");
        folder.Add("b/empty", Node("Conv", "x,w"), "x,w", s_input, s_input, s_weights);
        Directory.Delete(Path.Combine(folder.Path, "b/empty/test_data_set_0"), recursive: true);
        folder.Add("c/ours", Node("Conv", "x,w"), "x,w", Singles([1, 1, 2], 21, 32), s_input, s_weights);
        folder.Add("d/relu", Node("Relu", "x"), "x", s_input, s_input);
        folder.Add("e/foreign", Node("Conv", "x,w").Text(7, "com.example"), "x,w", s_input, s_input, s_weights);
        folder.Add("f/two", Model("x,w", [Node("Conv", "x,w"), Node("Relu", "y")]), s_input, s_input, s_weights);
        (int code, string output, string error) = folder.Run("--backend", "oracle");
        Assert.AreEqual(1, code, error);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(5, lines, output);
        StringAssert.StartsWith(lines[0], "error a/broken oracle - model.onnx: ");
        StringAssert.StartsWith(lines[1], "error b/empty oracle - there is no folder test_data_set_N");
        StringAssert.StartsWith(lines[2], "pass c/ours oracle naive:double largest error 0, ");
        Assert.AreEqual("not ours: (several nodes, a convolution among them) 1, Relu 1, com.example.Conv 1", lines[3]);
        Assert.AreEqual("1 passed, 0 failed, 0 unsupported, 2 errors; 3 models are not ours", lines[4]);
    }

    [TestMethod]
    public void Every_data_set_runs_and_json_has_it_all()
    {
        using var folder = new OnnxFolder();
        folder.Add("conv", Node("Conv", "x,w"), "x,w", Singles([1, 1, 2], 21, 32), s_input, s_weights);
        folder.AddData("conv", 10, Singles([1, 1, 1], 12), Singles([1, 1, 2], 2, 1), s_weights);
        folder.AddData("conv", 2, Singles([1, 1, 1], 13), Singles([1, 1, 2], 2, 1), s_weights);
        folder.Add("relu", Node("Relu", "x"), "x", s_input, s_input);
        (int code, string output, string error) = folder.Run("--backend", "managed,oracle", "--json");
        Assert.AreEqual(1, code, error);
        JsonElement report = JsonDocument.Parse(output).RootElement;
        CollectionAssert.AreEqual(
            new[] { "pass conv/test_data_set_0 managed", "pass conv/test_data_set_0 oracle", "fail conv/test_data_set_2 managed", "fail conv/test_data_set_2 oracle", "pass conv/test_data_set_10 managed", "pass conv/test_data_set_10 oracle" },
            Outcomes(output).Select(t => $"{t.GetProperty("status")} {t.GetProperty("name")} {t.GetProperty("backend")}").ToArray());
        Assert.AreEqual(1, Outcomes(output)[2].GetProperty("largest_error").GetDouble());
        Assert.AreEqual("Conv", Outcomes(output)[2].GetProperty("operator").GetString());
        Assert.AreEqual(2, report.GetProperty("totals").GetProperty("fail").GetInt32());
        Assert.AreEqual("relu", report.GetProperty("not_ours").GetProperty("Relu")[0].GetString());
    }

    [TestMethod]
    public void Match_and_bad_arguments()
    {
        using var folder = new OnnxFolder();
        folder.Add("first", Node("Conv", "x,w"), "x,w", Singles([1, 1, 2], 21, 32), s_input, s_weights);
        folder.Add("second", Node("Conv", "x,w"), "x,w", Singles([1, 1, 2], 0, 0), s_input, s_weights);
        Assert.AreEqual(0, folder.Run("--backend", "oracle", "--match", "^fir").Code);
        Assert.AreEqual(2, folder.Run("--match", "third").Code);
        Assert.AreEqual(2, folder.Run("--match", "(").Code);
        StringAssert.Contains(folder.Run("--backend", "oracel").Error, "--backend = oracel: must be one of oracle, managed");
        Assert.AreEqual(2, CliHost.Run("onnx", Path.Combine(folder.Path, "none")).Code);
        Assert.AreEqual(2, CliHost.Run("onnx", Path.Combine(folder.Path, "first", "test_data_set_0")).Code);
        (int code, string output, _) = CliHost.Run("onnx", Path.Combine(folder.Path, "first"), "--backend", "oracle");
        Assert.AreEqual(0, code);
        StringAssert.StartsWith(output, "pass first oracle ");
    }

    [TestMethod]
    public void A_named_engine_that_is_missing_makes_the_code_3()
    {
        string? missing = Executor.Backends.FirstOrDefault(b => Executor.Missing(b) is not null);
        if (missing is null) Assert.Inconclusive("every engine is here");
        using var folder = new OnnxFolder();
        folder.Add("conv", Node("Conv", "x,w"), "x,w", Singles([1, 1, 2], 21, 32), s_input, s_weights);
        (int code, string output, _) = folder.Run("--backend", $"{missing},oracle");
        Assert.AreEqual(3, code, output);
        StringAssert.StartsWith(output, $"{missing} is unavailable: ");
        StringAssert.Contains(output, "pass conv oracle ");
        Assert.AreEqual(3, folder.Run("--backend", missing).Code);
        Assert.AreEqual(0, folder.Run().Code);
    }

    [TestMethod]
    [DataRow("oracle")]
    [DataRow("managed")]
    [DataRow("onednn")]
    public void The_tests_of_the_package(string backend)
    {
        if (!Directory.Exists(Package)) Engines.Skip("onnx-testdata", $"{Package} is not here (Debian's package libonnx-testdata)");
        if (Executor.Missing(backend) is { } missing) Engines.Skip(backend, missing);
        (int code, string output, string error) = CliHost.Run("onnx", Package, "--backend", backend, "--json");
        Assert.AreEqual(0, code, error + string.Join('\n', Outcomes(output).Where(t => t.GetProperty("status").GetString() is "fail" or "error")));
        List<JsonElement> passed = [.. Outcomes(output).Where(t => t.GetProperty("status").GetString() == "pass")];

        // ONNX 1.12 has 46 of them; the integer operators are the only ones that an engine may refuse.
        Assert.IsGreaterThanOrEqualTo(46, passed.Count);
        foreach (JsonElement t in Outcomes(output).Except(passed).Where(t => t.GetProperty("status").GetString() == "unsupported"))
            Assert.IsTrue(t.GetProperty("operator").GetString() is "ConvInteger" or "QLinearConv", t.ToString());
    }
}
