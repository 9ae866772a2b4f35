using System.Runtime.CompilerServices;

namespace ConvNative.Tests;

[TestClass]
public class ReadmeTests
{
    [TestMethod]
    public void TheExampleInTheReadmeIsTheOneThatCompilesHere()
    {
        string source = File.ReadAllText(Path.Combine(Here(), "ReadmeExample.cs"));
        string[] body = source.Split("// README begins")[1].Split("// README ends")[0].Split('\n')[1..^1];
        string example = string.Join('\n', body.Select(l => l.Length > 8 ? l[8..] : "")).Trim();
        string readme = File.ReadAllText(Path.Combine(Here(), "../../../README.md"));
        Assert.IsTrue(readme.Contains(example, StringComparison.Ordinal), $"README.md lacks the example:\n{example}");
    }

    [TestMethod]
    public void TheExampleRuns()
    {
        System.Numerics.Tensors.Tensor<float> y = ReadmeExample.Run();
        CollectionAssert.AreEqual(new nint[] { 1, 64, 112, 112 }, y.Lengths.ToArray());
        // An inner output sums 3*7*7 taps of 0.01.
        Assert.AreEqual(1.47f, y[0, 5, 50, 50], 1e-4f);
    }

    [TestMethod]
    public void TheReadmeHasExactlyTwoCommandsForAFreshMachine()
    {
        string readme = File.ReadAllText(Path.Combine(Here(), "../../../README.md"));
        string block = readme.Split("```sh")[1].Split("```")[0];
        string[] commands = [.. block.Split('\n').Select(l => l.Split('#')[0].Trim()).Where(l => l.Length > 0)];
        CollectionAssert.AreEqual(new[] { "./build.sh", "./build.sh --target=Test" }, commands);
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
