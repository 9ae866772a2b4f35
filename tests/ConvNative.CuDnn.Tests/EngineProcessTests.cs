using System.Diagnostics;
using ConvNative.Bindings.Cuda;

namespace ConvNative.Tests;

/// <summary>What the tool says in a process of its own, where nothing is loaded yet: about sets of libraries that are not right, and about devices.</summary>
[TestClass]
public sealed class EngineProcessTests
{
    [TestMethod]
    public void WithoutADriver()
    {
        using TemporaryFolder set = Set("libcuda.so.1");
        string said = Devices(set.Path);
        if (said.Contains("cudnn             available", StringComparison.Ordinal)) Assert.Inconclusive("this machine has an NVIDIA driver");
        StringAssert.Contains(said, "no NVIDIA driver");
        StringAssert.Contains(said, "install the NVIDIA driver");
    }

    [TestMethod]
    public void WithoutTheRuntime()
    {
        using TemporaryFolder set = Set("libcudart.so.12");
        string said = Devices(set.Path);
        StringAssert.Contains(said, "libcudart.so.12 was not found");
        StringAssert.Contains(said, "nvidia-cuda-runtime-cu12");
    }

    [TestMethod]
    public void WithoutCudnn()
    {
        using TemporaryFolder set = Set("libcudnn.so.9");
        StringAssert.Contains(Devices(set.Path), "no cuDNN 9 was found");
    }

    [TestMethod]
    public void ABrokenLibraryIsQuoted()
    {
        using TemporaryFolder set = Set("libcudnn.so.9");
        File.WriteAllText(set.File("libcudnn.so.9"), "no library");
        string said = Devices(set.Path);
        StringAssert.Contains(said, "libcudnn.so.9 cannot be loaded");
        StringAssert.Contains(said, "file too short");
    }

    [TestMethod]
    public void AnOlderMajorIsAVersion()
    {
        Double.Need();
        using var folder = new TemporaryFolder();
        Assert.IsTrue(Double.Build(folder.Path, "80907"));
        StringAssert.Contains(Devices(folder.Path), "version 9 is needed");
    }

    [TestMethod]
    public void ADriverThatIsTooOldIsAVersion()
    {
        Double.Need();
        string said = Devices(Double.Home!, ("CONVNATIVE_DOUBLE_DRIVER", "11080"));
        StringAssert.Contains(said, "the NVIDIA driver supports CUDA 11.8");
        StringAssert.Contains(said, "update the driver");
    }

    [TestMethod]
    public void PartsOfAnotherFolderAreAMixture()
    {
        using TemporaryFolder set = Set("libcudnn_ops.so.9"), other = Set();
        File.CreateSymbolicLink(set.File("libcudnn_ops.so.9"), other.File("libcudnn_ops.so.9"));
        string said = Devices(set.Path);
        StringAssert.Contains(said, "a mixture of two installations");
        StringAssert.Contains(said, set.Path);
        StringAssert.Contains(said, other.Path);
    }

    [TestMethod]
    public void NoDeviceIsNoLibraryFailure()
    {
        Double.Need();
        StringAssert.Contains(Devices(Double.Home!, ("CONVNATIVE_DOUBLE_DEVICES", "0")), "no GPU");
    }

    [TestMethod]
    public void TheSecondDeviceComputesToo()
    {
        Double.Need();
        string said = Tool(["check", "mb2ic3ih7iw9oc5kh3kw2ph1", "--backend", "cudnn:1"], Double.Home!, ("CONVNATIVE_DOUBLE_DEVICES", "2"));
        StringAssert.Contains(said, "pass cudnn:1 (protocol double)");
        said = Tool(["check", "mb2ic3ih7iw9oc5kh3kw2ph1", "--backend", "cudnn:2"], Double.Home!, ("CONVNATIVE_DOUBLE_DEVICES", "2"));
        StringAssert.Contains(said, "cudnn:0");
    }

    [TestMethod]
    public void WithoutPoolsMemoryComesPlainly()
    {
        Double.Need();
        StringAssert.Contains(Tool(["check", "--pad-mode=reflect", "mb2ic3ih7iw9oc5kh3kw2ph1", "--backend", "cudnn"], Double.Home!, ("CONVNATIVE_DOUBLE_NO_POOLS", "1")), "1 pass, 0 fail");
    }

    /// <summary>A folder with copies of the double.s files, without one of them; links would be followed to where they came from.</summary>
    private static TemporaryFolder Set(string? without = null)
    {
        Double.Need();
        var folder = new TemporaryFolder();
        foreach (string file in Directory.GetFiles(Double.Home!, "lib*"))
            if (Path.GetFileName(file) != without) File.Copy(file, folder.File(Path.GetFileName(file)));
        Directory.CreateSymbolicLink(folder.File("core"), Path.Combine(Double.Home!, "core"));
        return folder;
    }

    private static string Devices(string folder, params (string Name, string Value)[] environment) => Tool(["devices"], folder, environment);

    private static string Tool(string[] arguments, string folder, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "ConvNative.Cli.dll"));
        foreach (string a in arguments) start.ArgumentList.Add(a);
        start.Environment[CudaLibraries.Variable] = folder;
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + error.Result;
    }
}
