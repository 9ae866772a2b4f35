using ConvNative.Bindings.OneDnn;
using ConvNative.Cli;

namespace ConvNative.Tests;

/// <summary>Remedies are the reader's: a package's user has no build script, a checkout has one.</summary>
[TestClass]
public sealed class EngineHelpTests
{
    [TestMethod]
    public void TheLibrarysRemedyNeedsNoCheckout() => Assert.DoesNotContain("build.sh", OneDnnLibrary.Description.InstallHint);

    [TestMethod]
    public void TheToolAddsWhatACheckoutCanDo()
    {
        string hint = OneDnnLibrary.Description.InstallHint;
        Assert.AreEqual(hint, EngineHelp.Remedy("onednn", hint, checkout: false));
        Assert.AreEqual($"{hint}; in this checkout ./build.sh --target=Native builds it", EngineHelp.Remedy("onednn", hint, checkout: true));
        Assert.AreEqual("install a driver", EngineHelp.Remedy("opencl", "install a driver", checkout: true));
        Assert.AreEqual("install libgomp.so.1", EngineHelp.Remedy("onednn", "install libgomp.so.1", checkout: true), "a build would miss it too");
        Assert.IsNull(EngineHelp.Remedy("onednn", null, checkout: true));
    }

    [TestMethod]
    public void ACheckoutIsKnownByItsFiles()
    {
        using var folder = new TemporaryFolder();
        string below = Directory.CreateDirectory(folder.File("a", "b")).FullName;
        Assert.IsFalse(EngineHelp.IsInCheckout(below));
        File.WriteAllText(folder.File("build.sh"), "");
        Assert.IsFalse(EngineHelp.IsInCheckout(below), "another project's script");
        File.WriteAllText(folder.File("ConvNative.sln"), "");
        Assert.IsTrue(EngineHelp.IsInCheckout(below));
    }

    [TestMethod]
    public void SummaryAndRemedyHavePunctuationBetween()
    {
        Assert.AreEqual("libfake.so: not found; install libfake", EngineHelp.Line("libfake.so: not found", "install libfake"));
        Assert.AreEqual("libfake.so: not found", EngineHelp.Line("libfake.so: not found", null));
    }
}
