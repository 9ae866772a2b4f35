using System.Runtime.InteropServices;
using System.Text.Json;

namespace ConvNative.Tests;

/// <summary>A folder of hand-made ONNX tests, and the verb run on it.</summary>
internal sealed class OnnxFolder : IDisposable
{
    public const int F32 = 1, U8 = 2, S8 = 3, S32 = 6, S64 = 7, F16 = 10, F64 = 11, BF16 = 16;

    private readonly CliHost _host = new();

    public string Path => _host.Folder;

    public static Proto Tensor(int type, long[] shape) => new Proto().PackedInts(1, shape).Int(2, type);

    /// <summary>An f32 tensor in <c>raw_data</c>.</summary>
    public static Proto Singles(long[] shape, params float[] values) => Tensor(F32, shape).Bytes(9, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public static Proto Ints(string name, params long[] values) => new Proto().Text(1, name).Int(8, values).Int(20, 7);

    public static Proto Int(string name, long value) => new Proto().Text(1, name).Int(3, value).Int(20, 2);

    public static Proto Text(string name, string value) => new Proto().Text(1, name).Text(4, value).Int(20, 3);

    /// <summary>A node with inputs named by <paramref name="inputs"/>, separated by commas, and the output y.</summary>
    public static Proto Node(string op, string inputs, params Proto[] attributes)
    {
        Proto node = new Proto().Text(1, inputs.Split(',')).Text(2, "y").Text(4, op);
        foreach (Proto a in attributes) node.Message(5, a);
        return node;
    }

    /// <summary>A model of nodes whose graph inputs are <paramref name="inputs"/>; initializers carry their names.</summary>
    public static Proto Model(string inputs, Proto[] nodes, params Proto[] initializers)
    {
        var graph = new Proto();
        foreach (Proto n in nodes) graph.Message(1, n);
        graph.Text(2, "hand-made");
        foreach (Proto t in initializers) graph.Message(5, t);
        foreach (string i in inputs.Split(',')) graph.Message(11, new Proto().Text(1, i));
        graph.Message(12, new Proto().Text(1, "y"));
        return new Proto().Int(1, 8).Message(7, graph).Message(8, new Proto().Int(2, 19));
    }

    /// <summary>Writes a test of one node, all of whose inputs the data set gives.</summary>
    public void Add(string name, Proto node, string inputs, Proto expected, params Proto[] given) => Add(name, Model(inputs, [node]), expected, given);

    /// <summary>Writes a test.</summary>
    public void Add(string name, Proto model, Proto expected, params Proto[] given)
    {
        Directory.CreateDirectory(_host.At(name));
        File.WriteAllBytes(_host.At($"{name}/model.onnx"), model.ToBytes());
        AddData(name, 0, expected, given);
    }

    /// <summary>Writes one data set of a test.</summary>
    public void AddData(string name, int number, Proto expected, params Proto[] given)
    {
        string folder = Directory.CreateDirectory(_host.At($"{name}/test_data_set_{number}")).FullName;
        for (int i = 0; i < given.Length; i++) File.WriteAllBytes(System.IO.Path.Combine(folder, $"input_{i}.pb"), given[i].ToBytes());
        File.WriteAllBytes(System.IO.Path.Combine(folder, "output_0.pb"), expected.ToBytes());
    }

    public (int Code, string Output, string Error) Run(params string[] options) => CliHost.Run(["onnx", Path, .. options]);

    /// <summary>The one test of the folder on the oracle: its line, which the exit code must agree with.</summary>
    public string Only(string backend = "oracle")
    {
        (int code, string output, string error) = Run("--backend", backend);
        Assert.AreEqual("", error);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(2, lines, output);
        Assert.AreEqual(lines[0].StartsWith("pass", StringComparison.Ordinal) || lines[0].StartsWith("unsupported", StringComparison.Ordinal) ? 0 : 1, code, output);
        return lines[0];
    }

    public static List<JsonElement> Outcomes(string json) => [.. JsonDocument.Parse(json).RootElement.GetProperty("tests").EnumerateArray()];

    public void Dispose() => _host.Dispose();
}
