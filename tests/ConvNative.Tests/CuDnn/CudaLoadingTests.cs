using ConvNative.Bindings.Cuda;
using ConvNative.Bindings.CuDnn;
using ConvNative.Bindings.Loading;

namespace ConvNative.Tests.CuDnn;

/// <summary>The reports of a machine without the libraries, and the rules by which a set is recognised.</summary>
[TestClass]
public sealed class CudaLoadingTests
{
    private static Func<string, string?> Only(string? folder) => name => name == CudaLibraries.Variable ? folder : null;

    [TestMethod]
    public void WithoutADriverTheReportSaysSo()
    {
        using var folder = new TemporaryFolder();
        var report = new CudaLoader(Only(folder.Path)).Load();
        if (report.Failure != CudaFailure.NoDriver) Assert.Inconclusive("this machine has an NVIDIA driver: " + report.Summary);
        StringAssert.Contains(report.Summary, "driver");
        Assert.IsNotNull(report.Remedy);
        Assert.IsFalse(report.IsLoaded);
        Assert.AreEqual(NativeLoadOutcome.Absent, report.Parts.Single().Outcome);
    }

    [TestMethod]
    public void WithoutADriverALibraryThatIsThereIsNamed()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, CudaNames.Cudnn);
        File.WriteAllText(path, "no library");
        var report = new CudaLoader(Only(folder.Path)).Load();
        if (report.Failure != CudaFailure.NoDriver) Assert.Inconclusive("this machine has an NVIDIA driver: " + report.Summary);
        Assert.IsTrue(report.Parts.Any(part => part.Path == path && part.Detail!.Contains("not loaded", StringComparison.Ordinal)), report.ToString());
    }

    [TestMethod]
    public void TwoFoldersOrTwoVersionsAreAMixture()
    {
        Assert.IsNull(CudaLoader.Mixture(["/a/libcudnn.so.9.6.0", "/a/libcudnn_ops.so.9.6.0"]));
        Assert.IsNull(CudaLoader.Mixture(["/a/libcudnn.so.9", "/a/libcudnn_ops.so.9"]));
        Assert.IsNull(CudaLoader.Mixture([]));
        var folders = CudaLoader.Mixture(["/a/libcudnn.so.9.6.0", "/b/libcudnn_ops.so.9.6.0"]);
        Assert.AreEqual(CudaFailure.Mixture, folders!.Failure);
        StringAssert.Contains(folders.Summary, "/a/libcudnn.so.9.6.0");
        StringAssert.Contains(folders.Summary, "/b/libcudnn_ops.so.9.6.0");
        var versions = CudaLoader.Mixture(["/a/libcudnn.so.9.6.0", "/a/libcudnn_ops.so.9.8.0"]);
        Assert.AreEqual(CudaFailure.Mixture, versions!.Failure);
        StringAssert.Contains(versions.Remedy, CudaLibraries.Variable);
    }

    [TestMethod]
    public void TheVariableNamesFoldersAndNothingElseIsTried()
    {
        using var folder = new TemporaryFolder();
        var lib = Directory.CreateDirectory(Path.Combine(folder.Path, "lib")).FullName;
        var places = CudaPlaces.Find(Only(folder.Path)).ToArray();
        Assert.HasCount(1, places);
        CollectionAssert.AreEqual(new[] { folder.Path, lib }, places[0].Folders.ToArray());
        Assert.IsTrue(CudaPlaces.Find(_ => null).Any(place => place.Source == "system"));
    }

    [TestMethod]
    public void PythonPackagesAreOnePlace()
    {
        if (OperatingSystem.IsWindows()) Assert.Inconclusive("the layout is Linux's");
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "cudnn", "cu13", "cublas" })
            Directory.CreateDirectory(Path.Combine(folder.Path, "lib", "python3.12", "site-packages", "nvidia", name, "lib"));
        var python = CudaPlaces.Find(name => name == "VIRTUAL_ENV" ? folder.Path : null).First(place => place.Source == "python");
        Assert.HasCount(3, python.Folders);
        Assert.IsTrue(python.Folders.All(path => path.EndsWith("/lib", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void TheAbiIsWhatTheNotesSay()
    {
        Assert.AreEqual(11, (int)cudnnBackendDescriptorType_t.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR);
        Assert.AreEqual(706, (int)cudnnBackendAttributeName_t.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA);
        Assert.AreEqual(8, System.Runtime.CompilerServices.Unsafe.SizeOf<cudnnBackendDescriptor_t>());
        Assert.AreEqual(120, System.Runtime.CompilerServices.Unsafe.SizeOf<cudnnDebug_t>());
        Assert.AreEqual(typeof(int), Enum.GetUnderlyingType(typeof(cudnnDataType_t)));
    }
}
