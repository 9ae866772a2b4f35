using ConvNative.Bindings.OneDnn;

namespace ConvNative.Tests;

internal static class OneDnnTests
{
    /// <summary>Ends the test as inconclusive, with the load report, where oneDNN is missing.</summary>
    public static void Need()
    {
        var report = OneDnnLibrary.Load();
        if (!report.IsLoaded) Assert.Inconclusive(report.ToString());
    }
}
