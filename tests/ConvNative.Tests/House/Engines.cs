using System.Diagnostics.CodeAnalysis;

namespace ConvNative.Tests;

/// <summary>
/// What a test does when its engine is missing: inconclusive with the reason, or, where CONVNATIVE_REQUIRE names
/// the engine (a machine that must have it, such as the continuous build), a failure.
/// </summary>
internal static class Engines
{
    public static bool IsRequired(string engine) =>
        IsRequired(engine, Environment.GetEnvironmentVariable("CONVNATIVE_REQUIRE"));

    public static bool IsRequired(string engine, string? list) =>
        (list ?? "").Split([',', ';', ' '], StringSplitOptions.RemoveEmptyEntries).Contains(engine, StringComparer.OrdinalIgnoreCase);

    /// <summary>Ends the test: <c>if (!report.IsLoaded) Engines.Skip("onednn", report.ToString());</c>.</summary>
    [DoesNotReturn]
    public static void Skip(string engine, string reason)
    {
        if (IsRequired(engine)) Assert.Fail($"{engine} is required here (CONVNATIVE_REQUIRE): {reason}");
        Assert.Inconclusive($"{engine}: {reason}");
    }
}
