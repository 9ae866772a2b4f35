using ConvNative.Backends.OpenCl;
using ConvNative.Cli.Suites;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>8-bit convolutions against the oracle.</summary>
[TestClass]
public sealed class IntegerTests
{
    [TestMethod]
    public void EveryVariantIsRight()
    {
        OpenClBackend engine = OpenClDevices.Engine();
        if (!engine.Open(null).Properties.HasF64) Assert.Inconclusive("the device has no f64");
        OpenClChecks.AllOf([.. SuiteCatalog.Load("variants").Problems.Where(p => p.InputType.IsInteger())], 200);
    }
}
