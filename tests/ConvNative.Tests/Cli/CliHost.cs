using System.Text.Json;
using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Runs the tool in-process, with files in a folder of its own.</summary>
internal sealed class CliHost : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("convnative-test-").FullName;

    public static (int Code, string Output, string Error) Run(params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = Cli.Program.Run(args, output, error);
        return (code, output.ToString(), error.ToString());
    }

    public string At(string name) => Path.Combine(Folder, name);

    /// <summary>Writes an f32 tensor of small integers, all different in pattern.</summary>
    public string Integers(string name, params long[] shape)
    {
        Dims dims = Dims.Create(shape);
        var values = new float[dims.Product];
        for (int i = 0; i < values.Length; i++) values[i] = ((i * 7) + name.Length) % 11 - 5;
        return Singles(name, dims, values);
    }

    public string Singles(string name, Dims shape, params float[] values)
    {
        var data = new byte[values.Length * 4];
        Buffer.BlockCopy(values, 0, data, 0, data.Length);
        NpyFile.Write(At(name), new NpyArray(NpyType.F4, shape, data));
        return At(name);
    }

    public float[] ReadSingles(string name, out Dims shape)
    {
        NpyArray array = NpyFile.Read(At(name));
        Assert.AreEqual(NpyType.F4, array.Type);
        shape = array.Shape;
        var values = new float[array.Data.Length / 4];
        Buffer.BlockCopy(array.Data, 0, values, 0, array.Data.Length);
        return values;
    }

    /// <summary>Writes a cases file and runs it; a line of output a case, as id -> (status, message).</summary>
    public (int Code, Dictionary<string, JsonElement> Lines) Cases(string backend, params string[] lines)
    {
        File.WriteAllLines(At("cases.jsonl"), lines);
        (int code, string output, string error) = Run("run", "--cases", At("cases.jsonl"), "--backend", backend);
        Assert.AreEqual("", error);
        var results = new Dictionary<string, JsonElement>();
        foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            JsonElement parsed = JsonDocument.Parse(line).RootElement;
            CollectionAssert.AreEqual(new[] { "id", "status", "backend", "implementation", "message" }, parsed.EnumerateObject().Select(p => p.Name).ToArray());
            results.Add(parsed.GetProperty("id").GetString() ?? "null", parsed);
        }

        return (code, results);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
