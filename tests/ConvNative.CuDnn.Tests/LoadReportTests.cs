using System.Diagnostics;
using System.Text.Json;

namespace ConvNative.Tests;

/// <summary>
/// What <c>devices</c> says of each way in which cuDNN can be missing or wrong: the tool in a process of its own, on a copy of the double that
/// something is wrong with.
/// </summary>
[TestClass]
public sealed class LoadReportTests
{
    [TestMethod]
    public void TheDoubleIsCalledWhatItIs()
    {
        using Copy c = Copy.Make();
        Report r = c.Devices();
        Assert.AreEqual("available", r.Status, r.All);
        StringAssert.Contains(r.Summary, "cudnn (protocol double)");
        StringAssert.Contains(r.All, "Protocol Double 0");
    }

    [TestMethod]
    public void NothingThere()
    {
        using Copy c = Copy.Make();
        File.Delete(c.At("libcudnn.so.9"));
        Report r = c.Devices();
        Assert.AreEqual("unavailable", r.Status, r.All);
        StringAssert.Contains(r.Summary, "no cuDNN 9 was found");
        Assert.IsNotNull(r.Remedy);
    }

    [TestMethod]
    public void ATruncatedFile()
    {
        using Copy c = Copy.Make();
        byte[] whole = File.ReadAllBytes(c.At("libcudnn.so.9"));
        File.WriteAllBytes(c.At("libcudnn.so.9"), whole[..(whole.Length / 3)]);
        Report r = c.Devices();
        Assert.AreEqual("unavailable", r.Status, r.All);
        StringAssert.Contains(r.Summary, "cannot be loaded");
        StringAssert.Contains(r.All, c.At("libcudnn.so.9"));
    }

    [TestMethod]
    public void AnOldVersion()
    {
        using Copy c = Copy.Make("80907");
        Report r = c.Devices();
        Assert.AreEqual("unavailable", r.Status, r.All);
        StringAssert.Contains(r.Summary, "version 9 is needed");
    }

    /// <summary>Two installs in one folder: same names, other versions inside.</summary>
    [TestMethod]
    public void PartsOfTwoVersions()
    {
        using Copy c = Copy.Make(), other = Copy.Make("90600");
        File.Copy(other.At("libcudnn_ops.so.9"), c.At("libcudnn_ops.so.9"), overwrite: true);
        Report r = c.Devices();
        Assert.AreEqual("unavailable", r.Status, r.All);
        StringAssert.Contains(r.Summary, "different versions");
    }

    /// <summary>Two folders that each have a part: which one the loader takes must not be luck.</summary>
    [TestMethod]
    public void PartsOfTwoFolders()
    {
        using Copy c = Copy.Make(), other = Copy.Make();
        File.Delete(c.At("libcudnn_graph.so.9"));
        Report r = c.Devices(("CONVNATIVE_CUDNN", $"{c.Folder}:{other.Folder}"));
        Assert.AreEqual("unavailable", r.Status, r.All);
        StringAssert.Contains(r.Summary, "mixture of two installations");
        StringAssert.Contains(r.Summary, other.At("libcudnn_graph.so.9"));
    }

    /// <summary>cuDNN finds its parts when it first needs them: that one is missing is said with cuDNN's own word for it.</summary>
    [TestMethod]
    [DataRow("libcudnn_graph.so.9")]
    [DataRow("libcudnn_engines_precompiled.so.9")]
    [DataRow("libcudnn_heuristic.so.9")]
    public void AMissingPart(string part)
    {
        using Copy c = Copy.Make();
        File.Delete(c.At(part));
        (int code, string output) = c.Tool("check", "--backend", "cudnn", "mb1ic3ih5iw6oc4kh3kw2ph1");
        Assert.IsTrue(code is 0 or 1 or 3, $"{code}: {output}");
        Assert.DoesNotContain("1 pass", output);
        Assert.IsTrue(output.Contains("SUBLIBRARY", StringComparison.Ordinal) || output.Contains(part, StringComparison.Ordinal), output);
    }

    [TestMethod]
    public void NoDevice()
    {
        using Copy c = Copy.Make();
        Report r = c.Devices(("CONVNATIVE_DOUBLE_DEVICES", "0"));
        Assert.AreEqual("unavailable", r.Status, r.All);
        StringAssert.Contains(r.All, "device");
        Assert.IsNotNull(r.Remedy);
    }

    [TestMethod]
    public void ADriverThatIsTooOld()
    {
        using Copy c = Copy.Make();
        Report r = c.Devices(("CONVNATIVE_DOUBLE_DRIVER", "11080"));
        Assert.AreEqual("unavailable", r.Status, r.All);
        StringAssert.Contains(r.Summary, "driver supports CUDA 11.8");
    }

    [TestMethod]
    public void NoDriver()
    {
        using Copy c = Copy.Make();
        File.Delete(c.At("libcuda.so.1"));
        Report r = c.Devices();
        if (r.Status == "available") Assert.Inconclusive("this machine has an NVIDIA driver of its own");
        StringAssert.Contains(r.Summary, "no NVIDIA driver");
        StringAssert.Contains(r.All, c.At("libcudnn.so.9"));
    }

    [TestMethod]
    public void ACompanionIsMissing()
    {
        using Copy c = Copy.Make();
        File.Delete(c.At("libcudart.so.12"));
        Report r = c.Devices();
        Assert.AreEqual("unavailable", r.Status, r.All);
        StringAssert.Contains(r.Summary, "libcudart.so.12");
    }

    private sealed record Report(string Status, string Summary, string? Remedy, string All);

    /// <summary>A copy of the double, of one version, to be spoiled.</summary>
    private sealed class Copy : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public string Folder => _folder.Path;

        public static Copy Make(string version = "90800")
        {
            if (Double.Home is null) Double.Need();
            var c = new Copy();
            foreach (string file in Directory.GetFiles(Double.Home!)) File.Copy(file, c.At(Path.GetFileName(file)));
            foreach (string sub in (string[])["core", "source"])
            {
                Directory.CreateDirectory(c.At(sub));
                foreach (string file in Directory.GetFiles(Path.Combine(Double.Home!, sub))) File.Copy(file, Path.Combine(c.At(sub), Path.GetFileName(file)));
            }

            if (version == "90800") return c;
            string built = Path.Combine(AppContext.BaseDirectory, "double-" + version);
            Assert.IsTrue(Double.Build(built, version, "names"));
            foreach (string file in Directory.GetFiles(built, "*.so*")) File.Copy(file, c.At(Path.GetFileName(file)), overwrite: true);
            return c;
        }

        public string At(string name) => _folder.File(name);

        public Report Devices(params (string Name, string Value)[] environment)
        {
            (int code, string output) = Run(environment, "devices", "--json");
            Assert.AreEqual(0, code, output);
            JsonElement cudnn = JsonDocument.Parse(output).RootElement.GetProperty("backends").EnumerateArray().Single(b => b.GetProperty("name").GetString() == "cudnn");
            return new Report(cudnn.GetProperty("status").GetString()!, cudnn.GetProperty("summary").GetString()!, cudnn.GetProperty("remedy").GetString(), cudnn.ToString());
        }

        public (int Code, string Output) Tool(params string[] arguments) => Run([], arguments);

        public void Dispose() => _folder.Dispose();

        private (int Code, string Output) Run((string Name, string Value)[] environment, params string[] arguments)
        {
            var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "ConvNative.Cli.dll"));
            foreach (string a in arguments) start.ArgumentList.Add(a);
            start.Environment["CONVNATIVE_CUDNN"] = Folder;
            start.Environment["XDG_CACHE_HOME"] = At("cache");
            foreach ((string name, string value) in environment) start.Environment[name] = value;
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, process.ExitCode == 0 ? output : output + error.Result);
        }
    }
}
