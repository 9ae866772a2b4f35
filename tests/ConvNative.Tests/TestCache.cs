using System.Runtime.CompilerServices;
using ConvNative.Backends.Common.Stores;

namespace ConvNative.Tests;

/// <summary>
/// What tests compile and measure stays out of the user's cache: in <c>artifacts/test-cache</c>, which the next run finds again, unless
/// <c>CONVNATIVE_CACHE</c> names another folder.
/// </summary>
[TestClass]
public static class TestCache
{
    /// <summary>Before the first test.</summary>
    [AssemblyInitialize]
    public static void Set(TestContext context)
    {
        if (Environment.GetEnvironmentVariable(UserCache.Variable) is not { Length: > 0 }) Environment.SetEnvironmentVariable(UserCache.Variable, Path.Combine(Root(), "artifacts", "test-cache"));
    }

    private static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));
}
