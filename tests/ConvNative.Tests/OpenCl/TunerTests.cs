using ConvNative.Backends.OpenCl;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>What is measured, remembered and shipped.</summary>
[TestClass]
public sealed class TunerTests
{
    [TestMethod]
    public void TheFastestIsRememberedAndTakenAgain()
    {
        OpenClDevices.Engine();
        var engine = new OpenClBackend("gpu");
        ClDevice device = engine.Open(null);
        ConvProblem p = ConvProblem.Parse($"mb1ic{Random.Shared.Next(8, 60)}ih{Random.Shared.Next(5, 9)}iw{Random.Shared.Next(5, 9)}oc17kh3kw3ph1pw1");
        var options = new PlanOptions { Tuning = Tuning.Measure };
        string first = Implementation();
        string key = $"gpu Strict {options.MaxWorkspaceBytes} {p.Key}";
        Assert.IsTrue(device.Tuned.TryGet(key, out string? choice), "nothing was remembered");
        Assert.Contains(choice!.Split(' ')[0], first);

        // A choice that was measured before is taken without measuring: this one no measurement would give.
        device.Tuned.Put(key, "gemm 16x64x16/2x4");
        Assert.AreEqual("opencl:gemm:16x64x16/2x4", Implementation());
        device.Tuned.Put(key, "no-such-routine x");
        Assert.Contains("opencl:", Implementation());
        Assert.IsTrue(device.Tuned.TryGet(key, out choice));
        Assert.DoesNotContain("no-such", choice!);

        string Implementation()
        {
            using ConvPlan? plan = engine.CreatePlan(p, options).Plan;
            return plan!.Implementation;
        }
    }

    [TestMethod]
    public void ShippedDefaultsNameWhatExists()
    {
        string[] routines = ["gemm"];
        foreach (ClDefaults.Entry e in ClDefaults.Entries)
        {
            Assert.Contains(e.Routine, routines);
            Assert.IsNotNull(GemmTile.Find(e.Variant), e.Variant);
        }
    }
}
