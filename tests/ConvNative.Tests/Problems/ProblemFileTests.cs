using ConvNative.Problems;

namespace ConvNative.Tests.Problems;

/// <summary>Lists: sticky knobs, cross products, includes, and the files that ship.</summary>
[TestClass]
public sealed class ProblemFileTests
{
    /// <summary>Every file of tests/problems and of the tool's suites.</summary>
    public static IEnumerable<object[]> Files()
    {
        string problems = Path.Combine(AppContext.BaseDirectory, "problems");
        foreach (string f in Directory.GetFiles(problems, "*.txt").Order(StringComparer.Ordinal)) yield return [f];
        foreach (string f in Directory.GetFiles(SuitesDirectory(), "*.txt").Order(StringComparer.Ordinal)) yield return [f];
    }

    [TestMethod]
    [DynamicData(nameof(Files))]
    public void ShippedFilesParseAndPrint(string path)
    {
        IReadOnlyList<ConvProblem> problems = ProblemFile.Read(path);
        Assert.IsNotEmpty(problems);
        foreach (ConvProblem p in problems)
        {
            ConvProblem again = ConvProblem.Parse(p.ToString());
            Assert.AreEqual(p, again);
            Assert.AreEqual(p.ToString(), again.ToString());
            Assert.IsNotNull(p.Name);
        }
    }

    [TestMethod]
    public void SetMultipliesIncludedShapes()
    {
        string set = Path.Combine(AppContext.BaseDirectory, "problems", "benchdnn_set_small.txt");
        IReadOnlyList<ConvProblem> p = ProblemFile.Read(set);
        Assert.HasCount((2 * 2 * 10) + 10, p);
        Assert.AreEqual("--stag=any mb2ic11iw23oc6ow23kw5pw2n\"small:1d\"", p[0].ToString());
        Assert.AreEqual("--dir=FWD_D --stag=any mb2ic11iw23oc6ow23kw5pw2n\"small:1d\"", p[2].ToString().Replace("axb", "any", StringComparison.Ordinal));
        Assert.AreEqual(5, p[^1].Batch);
    }

    [TestMethod]
    public void HarnessFilesContinueMatchAndReset()
    {
        string file = Path.Combine(AppContext.BaseDirectory, "problems", "benchdnn_harness_small.txt");
        ProblemList list = ProblemFile.Load(file);
        int squares = list.Problems.Count - (2 * 2 * 4 * 10) - 3;
        Assert.IsGreaterThan(0, squares);
        Assert.IsLessThan(10, squares);
        ProblemNote note = list.Notes.Single();
        Assert.AreEqual($"left out {10 - squares} problems that do not match", note.Reason);
        Assert.AreEqual("--dir=FWD_D mb1ic3ih8oc4oh8kh3ph1n\"harness:plain\"", list.Problems[^3].ToString());
        Assert.AreEqual(ActivationKind.Tanh, list.Problems[^1].PostOps.Activation.Kind);
    }

    private static string SuitesDirectory()
    {
        for (string? d = AppContext.BaseDirectory; d is not null; d = Path.GetDirectoryName(d))
            if (Directory.Exists(Path.Combine(d, "src", "Cli", "Suites"))) return Path.Combine(d, "src", "Cli", "Suites");
        throw new DirectoryNotFoundException("src/Cli/Suites");
    }
}
