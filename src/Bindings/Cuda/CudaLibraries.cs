using System.Diagnostics;
using System.Runtime.InteropServices;
using ConvNative.Bindings.CuDnn;
using ConvNative.Bindings.Loading;

namespace ConvNative.Bindings.Cuda;

/// <summary>
/// Loads cuDNN 9 with the CUDA libraries that it needs, all of one installation. Nothing of <see cref="Cudnn"/>, <see cref="CudaRt"/>,
/// <see cref="CudaDriver"/>, <see cref="Nvrtc"/> or <see cref="Cublas"/> may be called before <see cref="Load"/> has succeeded.
/// </summary>
public static class CudaLibraries
{
    /// <summary>The environment variable that names the folder (or folders, as in PATH) of the set; nothing else is tried then.</summary>
    public const string Variable = "CONVNATIVE_CUDNN";

    /// <summary>The function by which the tests' protocol double says what it is.</summary>
    internal const string DoubleMarker = "convnative_protocol_double";

    internal const string InstallHint =
        $"install cuDNN 9 for CUDA 12 or 13 (for example pip install nvidia-cudnn-cu12 with the CUDA 12 packages), or set {Variable} to its folder";

    // A failure is not for ever: a driver may be started, a variable set. Nor is it asked for anew with every problem.
    private static readonly TimeSpan s_failureHolds = TimeSpan.FromSeconds(2);
    private static readonly Lock s_lock = new();
    private static CudaLoadReport? s_report;
    private static string? s_named;
    private static long s_when;
    private static Dictionary<CudaLibrary, nint> s_handles = [];

    /// <summary>Loads at the first call. A success holds for the process; a failure for two seconds, or until the variable changes. It does not throw. Thread-safe.</summary>
    public static CudaLoadReport Load()
    {
        lock (s_lock)
        {
            var named = Environment.GetEnvironmentVariable(Variable);
            if (s_report is { } known && (known.IsLoaded || (named == s_named && Stopwatch.GetElapsedTime(s_when) < s_failureHolds))) return known;
            var loader = new CudaLoader(Environment.GetEnvironmentVariable);
            (s_report, s_named, s_when) = (loader.Load(), named, Stopwatch.GetTimestamp());
            if (!s_report.IsLoaded) return s_report;
            s_handles = loader.Handles;
            foreach (var (library, handle) in s_handles) NativeLibraries.Add(Import(library), new NativeLoadResult(Single(library, s_report), handle));
            return s_report;
        }
    }

    /// <summary>Whether an optional library (NVRTC, cuBLAS) came with the set.</summary>
    public static bool Has(CudaLibrary library)
    {
        lock (s_lock) return s_handles.ContainsKey(library);
    }

    /// <summary>Whether the loaded library has a function that not every supported version has, so that it may be called.</summary>
    public static bool Exports(CudaLibrary library, string function)
    {
        lock (s_lock) return s_handles.TryGetValue(library, out var handle) && NativeLibrary.TryGetExport(handle, function, out _);
    }

    private static string Import(CudaLibrary library) => library switch
    {
        CudaLibrary.Driver => CudaDriver.Library,
        CudaLibrary.Runtime => CudaRt.Library,
        CudaLibrary.Nvrtc => Nvrtc.Library,
        CudaLibrary.Cublas => Cublas.Library,
        _ => Cudnn.Library,
    };

    private static NativeLoadReport Single(CudaLibrary library, CudaLoadReport report) => new()
    {
        Library = library.ToString(),
        VersionWanted = library == CudaLibrary.Cudnn ? "9.0 <= version < 10.0" : "12.0 <= version < 14.0",
        Candidates = [],
        LoadedPath = report.Summary,
    };
}
