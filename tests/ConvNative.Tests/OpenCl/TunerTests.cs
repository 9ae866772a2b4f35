using ConvNative.Backends.OpenCl;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>What is measured and remembered.</summary>
[TestClass]
public sealed class TunerTests
{
    [TestMethod]
    public void TheFastestIsRememberedAndTakenAgain()
    {
        OpenClDevices.Engine();
        string folder = Directory.CreateTempSubdirectory("convnative-tuning-").FullName;
        try
        {
            Remembers(folder);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static void Remembers(string folder)
    {
        var engine = new OpenClBackend("gpu", folder);
        ClDevice device = engine.Open(null);
        ConvProblem p = ConvProblem.Parse("mb1ic23ih7iw6oc17kh3kw3ph1pw1");
        var options = new PlanOptions { Tuning = Tuning.Measure };
        string key = $"gpu Strict {options.MaxWorkspaceBytes} {p.Key}";
        Assert.IsFalse(device.Tuned.TryGet(key, out _), "the folder is not empty");
        string first = Implementation(engine);
        Assert.IsTrue(device.Tuned.TryGet(key, out string? choice), "nothing was remembered");
        Assert.Contains(choice!.Split(' ')[0], first);
        Assert.Contains(key, File.ReadAllText(Directory.GetFiles(folder).Single()));

        // A choice that was measured before is taken without measuring, by another process too: this one no measurement would give.
        device.Tuned.Put(key, "gemm 16x64x16/2x4");
        Assert.AreEqual("opencl:gemm:16x64x16/2x4", Implementation(engine));
        Assert.AreEqual("opencl:gemm:16x64x16/2x4", Implementation(new OpenClBackend("gpu", folder)));
        device.Tuned.Put(key, "no-such-routine x");
        Assert.Contains("opencl:", Implementation(engine));
        Assert.IsTrue(device.Tuned.TryGet(key, out choice));
        Assert.DoesNotContain("no-such", choice!);

        string Implementation(OpenClBackend engine)
        {
            using ConvPlan? plan = engine.CreatePlan(p, options).Plan;
            return plan!.Implementation;
        }
    }
}
