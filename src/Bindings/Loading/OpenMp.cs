using System.Runtime.InteropServices;

namespace ConvNative.Bindings.Loading;

/// <summary>
/// The OpenMP runtime that oneDNN itself uses. It is known once <see cref="OneDnn.OneDnnLibrary.Load"/> has succeeded;
/// without one every call does nothing.
/// </summary>
public static unsafe class OpenMp
{
    private static delegate* unmanaged[Cdecl, SuppressGCTransition]<int, void> s_setNumThreads;
    private static delegate* unmanaged[Cdecl, SuppressGCTransition]<int> s_getMaxThreads;

    private static delegate* unmanaged[Cdecl]<delegate* unmanaged[Cdecl]<nint, void>, nint, uint, uint, void> s_parallel;

    /// <summary>Whether <see cref="Parallel"/> can be called: its function is GNU's, and LLVM's and Intel's runtimes have it too.</summary>
    public static bool HasParallel => s_parallel != null;

    /// <summary>Whether the number of threads can be set.</summary>
    public static bool IsAvailable => s_setNumThreads != null && s_getMaxThreads != null;

    /// <summary>The runtime's file; null where there is none.</summary>
    public static string? LibraryPath { get; private set; }

    /// <summary>Why there is none, or null.</summary>
    public static string? UnavailableReason { get; private set; } = "oneDNN is not loaded";

    /// <summary>
    /// Sets how many threads the next parallel regions use that the calling thread starts. The setting belongs to the
    /// calling operating-system thread, so it is made right before each native call.
    /// </summary>
    public static void SetNumThreads(int threads)
    {
        var function = s_setNumThreads;
        if (function != null && threads > 0) function(threads);
    }

    /// <summary>How many threads the calling thread's next parallel region would use; 1 without OpenMP.</summary>
    public static int GetMaxThreads()
    {
        var function = s_getMaxThreads;
        return function != null ? function() : 1;
    }

    /// <summary>
    /// Calls <paramref name="body"/> with <paramref name="data"/> on each thread of a team of at most <paramref name="threads"/>, the caller one of
    /// them, and returns when all have returned; the body must not throw. Needs <see cref="HasParallel"/>.
    /// </summary>
    public static void Parallel(delegate* unmanaged[Cdecl]<nint, void> body, nint data, int threads)
    {
        if (s_parallel == null) throw new InvalidOperationException(UnavailableReason ?? "the OpenMP runtime has no GOMP_parallel");
        s_parallel(body, data, (uint)threads, 0);
    }

    /// <summary>Looks the functions up through oneDNN's own handle: a lookup there also covers what oneDNN is linked to.</summary>
    internal static void Bind(nint library, string runtime)
    {
        if (runtime != "OMP")
        {
            UnavailableReason = $"oneDNN's CPU runtime is {runtime}, not OpenMP";
            return;
        }
        if (!TryFind(library, out var set, out var get))
        {
            // Windows looks in the named module only.
            foreach (var name in OperatingSystem.IsWindows() ? new[] { "vcomp140.dll", "libomp140.x86_64.dll", "libiomp5md.dll" } : [])
                if (NativeLibrary.TryLoad(name, out var handle) && TryFind(handle, out set, out get)) break;
        }
        if (set == 0 || get == 0)
        {
            UnavailableReason = "the OpenMP runtime that oneDNN uses was not found";
            return;
        }
        s_getMaxThreads = (delegate* unmanaged[Cdecl, SuppressGCTransition]<int>)get;
        s_setNumThreads = (delegate* unmanaged[Cdecl, SuppressGCTransition]<int, void>)set;
        if (NativeLibrary.TryGetExport(library, "GOMP_parallel", out var parallel))
            s_parallel = (delegate* unmanaged[Cdecl]<delegate* unmanaged[Cdecl]<nint, void>, nint, uint, uint, void>)parallel;
        LibraryPath = LoadedFile.Find(set);
        UnavailableReason = null;
    }

    private static bool TryFind(nint library, out nint set, out nint get)
    {
        get = 0;
        return NativeLibrary.TryGetExport(library, "omp_set_num_threads", out set)
            && NativeLibrary.TryGetExport(library, "omp_get_max_threads", out get);
    }
}
