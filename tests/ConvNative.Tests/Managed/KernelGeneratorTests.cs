using System.Runtime.CompilerServices;
using ConvNative.Kernels.Generator;

namespace ConvNative.Tests;

[TestClass]
public sealed class KernelGeneratorTests
{
    private static string Root([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", "src", "ConvApi"));

    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (CommandLine.Run(arguments, output, error), output.ToString(), error.ToString());
    }

    [TestMethod]
    public void RegenerationChangesNothing()
    {
        if (!Directory.Exists(Path.Combine(Root(), "Kernels.Generator"))) Assert.Inconclusive("the sources are not where this was compiled");
        (int code, string output, string error) = Run("--check", "--root", Root());
        Assert.AreEqual(0, code, output + error);
        Assert.AreEqual("", output + error);
    }

    [TestMethod]
    public void WhatDiffersIsNamed()
    {
        using var folder = new TemporaryFolder();
        string kernels = Directory.CreateDirectory(folder.File("Backends", "Managed", "Kernels")).FullName;
        Assert.AreEqual(0, Run("--root", folder.Path).Code);
        Assert.AreEqual(0, Run("--check", "--root", folder.Path).Code);

        string flat = Path.Combine(kernels, "Generated", "FlatKernels.g.cs"), text = File.ReadAllText(flat);
        File.WriteAllText(flat, text.Replace("c7 = TOps.Fma(x9, w2, c7)", "c7 = TOps.Fma(x9, w1, c7)", StringComparison.Ordinal));
        File.Delete(Path.Combine(kernels, "Generated", "RowKernels.g.cs"));
        File.WriteAllText(Path.Combine(kernels, "Generated", "OldKernels.g.cs"), "");
        (int code, string output, string _) = Run("--check", "--root", folder.Path);
        Assert.AreEqual(1, code);
        foreach (string name in (string[])["FlatKernels.g.cs differs", "RowKernels.g.cs differs", "OldKernels.g.cs is no file"]) Assert.Contains(name, output);
        Assert.DoesNotContain("TileKernels.g.cs", output);

        Assert.AreEqual(0, Run("--root", folder.Path).Code);
        Assert.AreEqual(0, Run("--check", "--root", folder.Path).Code);
        Assert.AreEqual(text, File.ReadAllText(flat));
    }

    [TestMethod]
    public void BadUsageIsTwo()
    {
        Assert.AreEqual(2, Run("--chekc").Code);
        Assert.AreEqual(2, Run("--root").Code);
        Assert.AreEqual(2, Run("--root", Path.Combine(Path.GetTempPath(), "nowhere at all")).Code);
    }
}
