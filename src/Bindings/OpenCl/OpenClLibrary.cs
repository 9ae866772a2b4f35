using System.Runtime.InteropServices;
using ConvNative.Bindings.Loading;

namespace ConvNative.Bindings.OpenCl;

/// <summary>Loads the system's OpenCL (the loader of installable drivers). Nothing of <see cref="Cl"/> may be called before <see cref="Load"/> has succeeded.</summary>
public static class OpenClLibrary
{
    /// <summary>The environment variable that names a file or a folder; nothing else is tried then.</summary>
    public const string Variable = "CONVNATIVE_OPENCL";

    private static readonly Lock s_lock = new();
    private static NativeLoadReport? s_report;
    private static nint s_handle;

    /// <summary>Loads OpenCL at the first call; every later call, from any thread, gives the same report. It does not throw.</summary>
    public static NativeLoadReport Load()
    {
        lock (s_lock)
        {
            if (s_report is not null) return s_report;
            var result = NativeLibraries.Load(Description);
            s_handle = result.Handle;
            return s_report = result.Report;
        }
    }

    /// <summary>
    /// Whether the loaded library has <paramref name="function"/>. All of OpenCL 1.2 that is used is there; what came later is
    /// asked for here before it is called (a driver may still refuse it).
    /// </summary>
    public static bool Has(string function) => Load().IsLoaded && NativeLibrary.TryGetExport(s_handle, function, out _);

    /// <summary>Forgets a failure, so that the next <see cref="Load"/> tries again; false if the library is loaded.</summary>
    internal static bool Reset()
    {
        lock (s_lock)
        {
            if (!NativeLibraries.Reset(Cl.Library)) return false;
            s_report = null;
            return true;
        }
    }

    internal static NativeLibraryDescription Description => new()
    {
        Name = "OpenCL",
        ImportName = Cl.Library,
        Variable = Variable,
        FileName = OperatingSystem.IsWindows() ? "OpenCL.dll"
            : OperatingSystem.IsMacOS() ? "/System/Library/Frameworks/OpenCL.framework/OpenCL" : "libOpenCL.so.1",
        // The unversioned name belongs to development packages, and on some systems to nothing else.
        OtherFileNames = OperatingSystem.IsWindows() ? [] : OperatingSystem.IsMacOS() ? ["libOpenCL.dylib"] : ["libOpenCL.so"],
        From = new Version(1, 2),
        Below = new Version(4, 0),
        VersionSymbol = "clGetPlatformIDs",
        VersionBySymbol =
        [
            ("clCreateBufferWithProperties", new Version(3, 0)),
            ("clSetProgramSpecializationConstant", new Version(2, 2)),
            ("clCreateProgramWithIL", new Version(2, 1)),
            ("clCreateCommandQueueWithProperties", new Version(2, 0)),
            ("clCompileProgram", new Version(1, 2)),
            ("clSetEventCallback", new Version(1, 1)),
            ("clGetPlatformIDs", new Version(1, 0)),
        ],
        RequiredSymbols = Cl.RequiredSymbols(),
        InstallHint = "install an OpenCL loader and a driver (Debian and Ubuntu: ocl-icd-libopencl1, and pocl-opencl-icd for the"
            + $" processor or the GPU vendor's driver), or set {Variable} to the loader's file",
    };
}
