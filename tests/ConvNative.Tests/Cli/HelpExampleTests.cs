using System.CommandLine;
using System.Text;
using ConvNative.Backends;
using ConvNative.Cli;
using ConvNative.Cli.Benchmarks;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Commands;
using ConvNative.Cli.Suites;

namespace ConvNative.Tests;

/// <summary>
/// The command lines that each verb's help ends with are parsed as they are printed, and run, with the files that they name in a folder
/// of the test's. A benchmark measures for minutes: of those, what they name is looked up instead.
/// </summary>
[TestClass]
public sealed class HelpExampleTests
{
    public static IEnumerable<object[]> Examples =>
        from command in Verbs.CreateRoot().Subcommands
        from example in ((Verb)command).Examples
        select new object[] { example };

    [TestMethod]
    public void EveryVerbHasExamples()
    {
        foreach (Command verb in Verbs.CreateRoot().Subcommands) Assert.IsNotEmpty(((Verb)verb).Examples, verb.Name);
    }

    [TestMethod]
    [DynamicData(nameof(Examples))]
    public void AnExampleWorksAsPrinted(string example)
    {
        string[] words = Words(example);
        Assert.AreEqual("convnative", words[0]);
        string[] args = words[1..];
        RootCommand root = Verbs.CreateRoot();
        Assert.IsEmpty(root.Parse(ProblemArgument.Arrange(root, args)).Errors, example);
        if (args[0] == "bench")
        {
            Named(args);
            return;
        }

        using var host = new CliHost();
        string[] files = Files(host, args);
        string[] here = [.. args.Select(a => files.Contains(a) || a.EndsWith(".npy", StringComparison.Ordinal) ? host.At(a) : a)];
        for (int i = 1; i < here.Length; i++)
            if (here[i - 1] == "--output") here[i] = host.At(args[i]);

        // The whole matrix takes an hour, all models a minute; a shard that holds nothing and one model take the same way through the command.
        if (args[0] == "onnx" && !args.Contains("--match")) here = [.. here, "--match", "basic_conv_with_padding"];
        if (args[0] == "matrix") here = [.. here, .. args.Contains("--output") ? [] : new[] { "--output", host.At("results") }, "--shard", "100000/100000"];
        if (args[0] == "onnx" && !Directory.Exists(args[^1]) && !Directory.Exists(args[1])) Engines.Skip("onnx-testdata", "libonnx-testdata is not installed");
        (int code, string output, string error) = CliHost.Run(here);
        if (code == ExitCode.Unavailable && args.Any(a => a.Split(',').Any(n => ConvNative.Backends.Engines.Find(n) is { Status.Available: false }))) Engines.Skip("onednn", error);

        // Whether every engine is right is for the tests of ONNX's models to say.
        if (args[0] == "onnx" && code == ExitCode.Failed) code = ExitCode.Done;
        Assert.AreEqual(ExitCode.Done, code, $"{example}\n{output}\n{error}");
        foreach (string result in here.Where(a => a.EndsWith("y.npy", StringComparison.Ordinal))) Assert.IsTrue(File.Exists(result), example);
    }

    /// <summary>Suites, networks and engines of a benchmark's line are there.</summary>
    private static void Named(string[] args)
    {
        for (int i = 1; i + 1 < args.Length; i++)
            foreach (string name in args[i + 1].Split(','))
            {
                if (args[i] == "--suite") Assert.IsNotEmpty(SuiteCatalog.Load(name).Subjects.ToArray());
                if (args[i] == "--steps") Assert.IsNotNull(BlockReport.Find(name, "--steps"));
                if (args[i] == "--backend") Assert.IsTrue(name == DefaultEngine.EngineName || BackendSelection.IsAuto(name) || ConvNative.Backends.Engines.Find(name) is not null, name);
            }
    }

    /// <summary>Writes the files that the examples name, and returns their names.</summary>
    private static string[] Files(CliHost host, string[] args)
    {
        host.Integers("x.npy", 1, 3, 8, 8);
        host.Integers("w.npy", 4, 3, 3, 3);
        host.Integers("b.npy", 4);
        File.WriteAllText(host.At("shapes.txt"), "ic3ih8oc4kh3ph1\n");
        File.WriteAllText(host.At("shapes_resnet_50"), "ic3ih8oc4kh3ph1\n");
        File.WriteAllText(host.At("cases.jsonl"), """{"id":"c1","op":"correlation","pads_begin":[1,1],"pads_end":[1,1],"tensors":{"input":"x.npy","weights":"w.npy"},"outputs":{"output":"c1.npy"}}""" + "\n");
        string[] reports = args[0] == "merge" ? [.. args.Where(a => a.EndsWith("results.json", StringComparison.Ordinal))] : [];
        foreach (string report in reports)
        {
            string folder = Path.GetDirectoryName(host.At(report))!;
            (int code, _, string error) = CliHost.Run("matrix", "--suite", host.At("shapes.txt"), "--backend", "managed", "--output", folder);
            Assert.AreEqual(0, code, error);
        }

        return ["x.npy", "w.npy", "b.npy", "shapes.txt", "shapes_resnet_50", "cases.jsonl", .. reports];
    }

    /// <summary>As a shell splits the line: at blanks outside of quotes, which are taken off.</summary>
    private static string[] Words(string line)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        bool quoted = false;
        foreach (char c in line)
        {
            if (c == '"') quoted = !quoted;
            else if (c == ' ' && !quoted) End();
            else word.Append(c);
        }

        End();
        return [.. words];

        void End()
        {
            if (word.Length > 0) words.Add(word.ToString());
            word.Clear();
        }
    }
}
