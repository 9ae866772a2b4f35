namespace ConvNative.Tests;

/// <summary>What the tool says of knobs that change nothing, and of texts without a problem.</summary>
[TestClass]
public sealed class ProblemNoteTests
{
    [TestMethod]
    [DataRow("check", "ic3ih8oc4kh3ph1", "--dir=BWD_D", "--backend", "managed")]
    [DataRow("explain", "ic3ih8oc4kh3ph1", "--dir=BWD_D")]
    public void AKnobAfterTheProblemIsWarnedOf(params string[] args)
    {
        (int code, _, string error) = CliHost.Run(args);
        Assert.AreEqual(0, code, error);
        StringAssert.StartsWith(error, "warning: --dir=BWD_D: no problem follows it");
    }

    [TestMethod]
    [DataRow("check", "--backend", "managed", "--batch")]
    [DataRow("matrix", "--backend", "managed", "--output", "OUT", "--suite")]
    public void InAFileToo(params string[] args)
    {
        using var host = new CliHost();
        File.WriteAllText(host.At("f.txt"), "ic3ih8oc4kh3ph1\n--stag=axb\n");
        (int code, _, string error) = CliHost.Run([.. args.Select(a => a == "OUT" ? host.At("out") : a), host.At("f.txt")]);
        Assert.AreEqual(0, code, error);
        StringAssert.StartsWith(error, $"warning: {host.At("f.txt")}:2: --stag=axb: no problem follows it");
    }

    [TestMethod]
    [DataRow("check", "--batch")]
    [DataRow("explain", "--batch")]
    [DataRow("matrix", "--suite")]
    public void AFileWithoutAProblemIsNamed(string verb, string option)
    {
        using var host = new CliHost();
        foreach ((string text, string more) in new[] { ("", ""), ("# nothing\n", ""), ("--dir=BWD_D\n", " (--dir=BWD_D: no problem follows it") })
        {
            File.WriteAllText(host.At("f.txt"), text);
            (int code, string output, string error) = CliHost.Run(verb, option, host.At("f.txt"));
            Assert.AreEqual(2, code);
            Assert.AreEqual("", output);
            StringAssert.StartsWith(error, $"error: {option} = {host.At("f.txt")}: the file holds no problem{more}");
        }
    }

    [TestMethod]
    [DataRow("check")]
    [DataRow("explain")]
    public void KnobsAloneAreNoProblem(string verb)
    {
        (int code, _, string error) = CliHost.Run(verb, "--dir=BWD_D");
        Assert.AreEqual(2, code);
        StringAssert.StartsWith(error, "error: PROBLEM = none: give ");
        StringAssert.Contains(error, "--dir=BWD_D: no problem follows it");
    }
}
