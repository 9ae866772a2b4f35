using System.CommandLine;
using System.Text.Json;
using System.Xml.Linq;
using ConvNative.Backends;
using ConvNative.Cli;
using ConvNative.Cli.Commands;

namespace ConvNative.Tests.Matrix;

[TestClass]
public sealed class CommandTests
{
    private const string Good = "mb1ic3ih7iw6oc5oh8kh3kw2ph2pw0";
    private string _folder = "";

    [TestInitialize]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("convnative-test").FullName;

    [TestCleanup]
    public void DropFolder() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [DataRow(Sabotage.None, "", ExitCode.Done)]
    [DataRow(Sabotage.DropTap, "", ExitCode.Failed)]
    [DataRow(Sabotage.ThrowOnRun, "", ExitCode.Failed)]
    [DataRow(Sabotage.Unsupported, "", ExitCode.Done)]
    [DataRow(Sabotage.Unavailable, "fake", ExitCode.Unavailable)]
    [DataRow(Sabotage.Unavailable, "", ExitCode.Done)]
    public void CheckExitsAsDesigned(Sabotage sabotage, string backend, int code)
    {
        string[] named = backend.Length == 0 ? [] : ["--backend", backend];
        (int exit, string output, _) = Run([new FakeBackend(sabotage), new FakeBackend(Sabotage.None, "good")], ["check", .. named, Good]);
        Assert.AreEqual(code, exit, output);
        Assert.Contains("cells: ", output);
        if (code == ExitCode.Failed) Assert.Contains($"convnative check --backend fake {ConvNative.Problems.ConvProblem.Parse(Good)}", output);
        if (sabotage == Sabotage.Unavailable) Assert.Contains("fake is unavailable: libfake.so: not found; install libfake", output);
    }

    [TestMethod]
    public void AWrongEngineNameIsBadUsage()
    {
        CliException e = Assert.ThrowsExactly<CliException>(() => Run([new FakeBackend()], ["check", "--backend", "nosuch", Good]));
        Assert.AreEqual(ExitCode.Usage, e.Code);
        Assert.Contains("--backend = nosuch: must be one of fake", e.Message);
    }

    [TestMethod]
    public void CheckReadsFilesAndPastedStringsAndWritesJson()
    {
        string file = Path.Combine(_folder, "shapes");
        File.WriteAllText(file, "# two\n--mb=1\nic3ih7oc5kh3ph1n\"one\"\nic2ih6oc3kh1ph0\n");
        (int exit, string output, _) = Run([new FakeBackend()], ["check", "--json", "--batch", file, Good]);
        Assert.AreEqual(0, exit);
        using JsonDocument d = JsonDocument.Parse(output);
        Assert.AreEqual(3, d.RootElement.GetProperty("totals").GetProperty("pass").GetInt32());
        (exit, output, _) = Run([new FakeBackend()], ["check", "--mb=1 ic3ih7oc5kh3ph1"]);
        Assert.Contains("cells: 1 pass", output);
        Assert.AreEqual(0, exit);
    }

    [TestMethod]
    public void MatrixWritesAllReports()
    {
        string suite = Path.Combine(_folder, "mine.txt");
        File.WriteAllText(suite, $"{Good}n\"mine:first\"\n--deconv\nmb1ic3ih7oc2kh3ph1n\"mine:second\"\n");
        (int exit, string output, _) = Run([new FakeBackend(), new FakeBackend(Sabotage.SwapPads, "bad"), new FakeBackend(Sabotage.Unavailable, "gone")], ["matrix", "--suite", suite, "--output", _folder]);
        Assert.AreEqual(ExitCode.Failed, exit, output);
        Assert.Contains("cells: 1 pass, 1 fail, 2 unsupported, 2 unavailable, 0 mistrusted", output);
        Assert.AreEqual(1, Count(output, "gone is unavailable"), output);
        Assert.AreEqual(1, Count(output, "convnative check --backend bad"), output);

        using JsonDocument d = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, "results.json")));
        JsonElement root = d.RootElement;
        Assert.AreEqual(1, root.GetProperty("schema_version").GetInt32());
        Assert.AreEqual("matrix", root.GetProperty("kind").GetString());
        Assert.IsTrue(root.GetProperty("complete").GetBoolean());
        JsonElement machine = root.GetProperty("machines")[0];
        foreach (string field in new[] { "cpu", "cores", "isa", "os", "dotnet", "tool_version" }) Assert.IsTrue(machine.TryGetProperty(field, out _), field);
        Assert.AreEqual(6, root.GetProperty("cells").GetArrayLength());
        JsonElement cell = root.GetProperty("cells")[0];
        Assert.AreEqual("mine", cell.GetProperty("suite").GetString());
        Assert.AreEqual("mine:first", cell.GetProperty("name").GetString());
        Assert.AreEqual("pass", cell.GetProperty("status").GetString());
        Assert.AreEqual("fake 1.0", cell.GetProperty("backend_version").GetString());
        Assert.AreEqual(4, cell.GetProperty("fills").GetArrayLength());

        XElement junit = XDocument.Load(Path.Combine(_folder, "junit.xml")).Root!;
        Assert.AreEqual("testsuites", junit.Name.LocalName);
        Assert.AreEqual("6", junit.Attribute("tests")!.Value);
        Assert.AreEqual("1", junit.Attribute("failures")!.Value);
        Assert.AreEqual("4", junit.Attribute("skipped")!.Value);
        Assert.HasCount(6, junit.Element("testsuite")!.Elements("testcase"));
        Assert.AreEqual("mine.bad", junit.Descendants("failure").Single().Parent!.Attribute("classname")!.Value);

        string md = File.ReadAllText(Path.Combine(_folder, "results.md"));
        Assert.Contains("cells: 1 pass, 1 fail, 2 unsupported, 2 unavailable, 0 mistrusted", md);
        Assert.Contains("| correlation 2-D | forward | f32 | 1 pass (", md);
        Assert.Contains("correlation 2-D     forward  f32  fake: 1 pass (", output);
        Assert.Contains("unsupported by fake: 1 problem: the fake does forward correlation only", output);
        Assert.Contains("the fake does forward correlation only", md);
        Assert.HasCount(6, File.ReadAllLines(Path.Combine(_folder, "results.jsonl")), "four distinct cells of engines that are there, two of one that is not");
    }

    [TestMethod]
    public void MergeKeepsMachinesApartAndShardsTogether()
    {
        string suite = Path.Combine(_folder, "mine.txt"), a = Path.Combine(_folder, "a"), b = Path.Combine(_folder, "b"), c = Path.Combine(_folder, "c");
        File.WriteAllText(suite, "mb1ic3ih7oc5kh3ph1\nmb1ic2ih6oc3kh1ph0\nmb1ic5ih4oc2kh3ph1\n");
        Run([new FakeBackend()], ["matrix", "--suite", suite, "--output", a, "--shard", "1/2"]);
        Run([new FakeBackend()], ["matrix", "--suite", suite, "--output", b, "--shard", "2/2"]);
        (int exit, string output, _) = Run([], ["merge", Path.Combine(a, "results.json"), Path.Combine(b, "results.json"), Path.Combine(b, "results.json"), "--output", c]);
        Assert.AreEqual(0, exit, output);
        Assert.Contains("cells: 3 pass, 0 fail", output);

        // The same cells from another machine are other cells.
        string other = File.ReadAllText(Path.Combine(b, "results.json")).Replace($"\"host\": \"{Environment.MachineName}\"", "\"host\": \"elsewhere\"", StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(b, "results.json"), other);
        (_, output, _) = Run([], ["merge", Path.Combine(a, "results.json"), Path.Combine(b, "results.json"), "--output", c]);
        Assert.Contains("fake@elsewhere", File.ReadAllText(Path.Combine(c, "results.md")));
        CliException e = Assert.ThrowsExactly<CliException>(() => Run([], ["merge", suite, "--output", c]));
        Assert.Contains("kind = none: must be matrix", e.Message);
    }

    [TestMethod]
    public void BenchWritesRowsAndRatios()
    {
        string suite = Path.Combine(_folder, "mine.txt"), a = Path.Combine(_folder, "a"), b = Path.Combine(_folder, "b");
        File.WriteAllText(suite, "mb1ic3ih7iw6oc5oh8kh3kw2ph2pw0n\"mine:layer*3\"\n");
        string[] common = ["bench", "--suite", suite, "--layout", "given", "--rounds", "2", "--budget", "2", "--threads", "1", "--output"];
        (int exit, string output, _) = Run([new FakeBackend(), new FakeBackend(Sabotage.Unsupported, "not")], [.. common, a]);
        Assert.AreEqual(0, exit, output);
        using JsonDocument d = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(a, "results.json")));
        JsonElement row = d.RootElement.GetProperty("rows")[0];
        Assert.AreEqual("bench", d.RootElement.GetProperty("kind").GetString());
        Assert.IsGreaterThan(0, d.RootElement.GetProperty("peak_gflops").GetDouble());
        Assert.AreEqual("ok", row.GetProperty("status").GetString());
        Assert.AreEqual(3, row.GetProperty("count").GetInt32());
        Assert.AreEqual(8 * 5 * 5 * 3 * 6, row.GetProperty("multiply_adds").GetInt64());
        foreach (string field in new[] { "ms", "min_ms", "gflops", "peak_share", "create_ms", "first_ms" }) Assert.IsGreaterThan(0, row.GetProperty(field).GetDouble(), field);
        Assert.AreNotEqual(0, row.GetProperty("checksum").GetDouble(), "random data, not zeros");
        Assert.AreEqual("unsupported", d.RootElement.GetProperty("rows")[1].GetProperty("status").GetString());
        Assert.AreEqual("default", d.RootElement.GetProperty("rows")[2].GetProperty("backend").GetString());
        Assert.HasCount(4, File.ReadAllLines(Path.Combine(a, "results.csv")));
        Assert.Contains("default over the best measured engine", output);
        Assert.Contains("All 3 convolutions on fake", File.ReadAllText(Path.Combine(a, "results.md")));

        (_, output, _) = Run([new FakeBackend()], [.. common, b, "--baseline", Path.Combine(a, "results.json")]);
        Assert.Contains("  x", output);
        using JsonDocument now = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(b, "results.json")));
        double before = row.GetProperty("ms").GetDouble();
        JsonElement after = now.RootElement.GetProperty("rows")[0];
        Assert.AreEqual(before / after.GetProperty("ms").GetDouble(), after.GetProperty("ratio").GetDouble(), 1e-9);
    }

    internal static (int Exit, string Output, string Error) Run(IReadOnlyList<ConvBackend> engines, string[] args)
    {
        var root = new RootCommand { CheckCommand.Create(() => engines), MatrixCommand.Create(() => engines), BenchCommand.Create(() => engines), MergeCommand.Create() };
        var output = new StringWriter();
        var error = new StringWriter();
        int exit = root.Parse(ProblemArgument.Arrange(root, args)).Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        return (exit, output.ToString(), error.ToString());
    }

    private static int Count(string text, string part) => (text.Length - text.Replace(part, "", StringComparison.Ordinal).Length) / part.Length;
}
