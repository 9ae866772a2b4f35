using System.Runtime.CompilerServices;

namespace ConvNative.Tests;

[TestClass]
public class ManagedKernelTests
{
    [TestMethod]
    public void GeneratedKernelsAreCurrent()
    {
        string path = Path.Combine(Path.GetDirectoryName(Here())!, "../../../src/ConvApi/Backends/Managed/Kernels/MicroKernels.g.cs");
        if (!Directory.Exists(Path.GetDirectoryName(path))) Assert.Inconclusive("the sources are not beside the tests");
        string text = MicroKernelText.Build();
        if (Environment.GetEnvironmentVariable("CONVNATIVE_WRITE_GENERATED") == "1") File.WriteAllText(path, text);
        Assert.AreEqual(text, File.ReadAllText(path));
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
