using ConvNative.Bindings.Loading;

namespace ConvNative.Bindings.OneDnn;

/// <summary>Loads oneDNN. Nothing of <see cref="Dnnl"/> may be called before <see cref="Load"/> has succeeded.</summary>
public static unsafe class OneDnnLibrary
{
    /// <summary>The environment variable that names a file or a folder; nothing else is tried then.</summary>
    public const string Variable = "CONVNATIVE_ONEDNN";

    private static readonly Lock s_lock = new();
    private static NativeLoadReport? s_report;

    /// <summary>Loads oneDNN at the first call; every later call, from any thread, gives the same report. It does not throw.</summary>
    public static NativeLoadReport Load()
    {
        lock (s_lock)
        {
            if (s_report is not null) return s_report;
            var result = NativeLibraries.Load(Description);
            if (result.Report.IsLoaded)
            {
                CpuRuntime = ReadRuntime();
                OpenMp.Bind(result.Handle, CpuRuntime);
            }
            return s_report = result.Report;
        }
    }

    /// <summary>Whether oneDNN can be used; loads it if nobody has.</summary>
    public static bool IsAvailable => Load().IsLoaded;

    /// <summary>How oneDNN runs on several threads: OMP, TBB, THREADPOOL, SEQ, SYCL or NONE; null before it is loaded.</summary>
    public static string? CpuRuntime { get; private set; }

    /// <summary>Forgets a failure, so that the next <see cref="Load"/> tries again; false if the library is loaded.</summary>
    internal static bool Reset()
    {
        lock (s_lock)
        {
            if (!NativeLibraries.Reset(Dnnl.Library)) return false;
            s_report = null;
            return true;
        }
    }

    internal static NativeLibraryDescription Description => new()
    {
        Name = "oneDNN",
        ImportName = Dnnl.Library,
        Variable = Variable,
        FileName = OperatingSystem.IsWindows() ? "dnnl.dll" : OperatingSystem.IsMacOS() ? "libdnnl.3.dylib" : "libdnnl.so.3",

        // Debian 13's package names its ABI by a minor version, and installs no libdnnl.so.3.
        OtherFileNames = OperatingSystem.IsLinux() ? ["libdnnl.so.3.6"] : [],
        CacheFolder = Path.Combine("onednn", "current"),
        From = new Version(3, 5),
        Below = new Version(4, 0),
        VersionSymbol = "dnnl_version",
        ReadVersion = ReadVersion,
        RequiredSymbols = HiddenCaches.Are ? [.. Dnnl.RequiredSymbols(), HiddenCaches.Symbol] : Dnnl.RequiredSymbols(),
        InstallHint = HiddenCaches.Are
            ? $"this processor's hypervisor hides its caches, which oneDNN's own builds take for one byte: wrong results; install oneDNN as ConvNative builds it, or set {Variable} to its file"
            : $"install oneDNN 3.5 or newer (Debian and Ubuntu: libdnnl3.6 or later; Fedora, Arch, Homebrew: onednn), or set {Variable} to its file",
    };

    // Not inlined: an import without GC transition is bound when its caller is compiled, which must be after the load.
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static string ReadRuntime() => NameRuntime(Dnnl.dnnl_version()->cpu_runtime);

    private static Version ReadVersion(nint function)
    {
        var version = ((delegate* unmanaged[Cdecl]<dnnl_version_t*>)function)();
        if (version is null) return new Version(0, 0);
        return new Version(version->major, version->minor, version->patch);
    }

    private static string NameRuntime(uint runtime) => runtime switch
    {
        Dnnl.DNNL_RUNTIME_SEQ => "SEQ",
        Dnnl.DNNL_RUNTIME_OMP => "OMP",
        Dnnl.DNNL_RUNTIME_TBB => "TBB",
        Dnnl.DNNL_RUNTIME_THREADPOOL => "THREADPOOL",
        Dnnl.DNNL_RUNTIME_SYCL => "SYCL",
        _ => "NONE",
    };
}
