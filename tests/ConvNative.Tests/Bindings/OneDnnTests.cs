using ConvNative.Bindings.OneDnn;

namespace ConvNative.Tests;

internal static class OneDnnTests
{
    /// <summary>Ends the test with the load report where oneDNN is missing.</summary>
    public static void Need()
    {
        var report = OneDnnLibrary.Load();
        if (!report.IsLoaded) Engines.Skip("onednn", report.ToString());
    }
}
