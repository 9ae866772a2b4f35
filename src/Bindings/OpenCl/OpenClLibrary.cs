using System.Runtime.InteropServices;
using ConvNative.Bindings.Loading;
using Silk.NET.Core.Contexts;
using Silk.NET.OpenCL;

namespace ConvNative.Bindings.OpenCl;

/// <summary>Loads the system's OpenCL (the loader of installable drivers) and calls it through Silk.NET, whose own search for a library is not used.</summary>
public static class OpenClLibrary
{
    /// <summary>The environment variable that names a file or a folder; nothing else is tried then.</summary>
    public const string Variable = "CONVNATIVE_OPENCL";

    private static readonly Lock s_lock = new();
    private static NativeLoadReport? s_report;
    private static nint s_handle;
    private static CL? s_api;

    /// <summary>The library's functions: one object for the process, whose addresses come from the library that <see cref="Load"/> found.</summary>
    /// <exception cref="DllNotFoundException">There is no such library; the message is the load report.</exception>
    public static CL Api => s_api ?? LoadedApi();

    /// <summary>Functions without which a library is refused, all of OpenCL 1.2: those that are called, and some that tell a whole library from a stub.</summary>
    internal static IReadOnlyList<string> RequiredFunctions { get; } =
    [
        "clGetPlatformIDs", "clGetPlatformInfo", "clGetDeviceIDs", "clGetDeviceInfo", "clCreateContext", "clReleaseContext",
        "clReleaseCommandQueue", "clCreateBuffer", "clCreateSubBuffer", "clReleaseMemObject", "clCreateProgramWithSource",
        "clCreateProgramWithBinary", "clReleaseProgram", "clBuildProgram", "clCompileProgram", "clLinkProgram", "clGetProgramInfo",
        "clGetProgramBuildInfo", "clCreateKernel", "clReleaseKernel", "clSetKernelArg", "clGetKernelWorkGroupInfo", "clWaitForEvents",
        "clGetEventInfo", "clRetainEvent", "clReleaseEvent", "clSetEventCallback", "clFlush", "clFinish", "clEnqueueReadBuffer",
        "clEnqueueWriteBuffer", "clEnqueueFillBuffer", "clEnqueueCopyBuffer", "clEnqueueMapBuffer", "clEnqueueUnmapMemObject",
        "clEnqueueNDRangeKernel", "clEnqueueMarkerWithWaitList", "clCreateCommandQueue",
    ];

    /// <summary>Loads OpenCL at the first call; every later call, from any thread, gives the same report. It does not throw.</summary>
    public static NativeLoadReport Load()
    {
        lock (s_lock)
        {
            if (s_report is not null) return s_report;
            var result = NativeLibraries.Load(Description);
            if (result.Handle != 0) (s_handle, s_api) = (result.Handle, Over(result.Handle));
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
            if (!NativeLibraries.Reset(Description.ImportName)) return false;
            s_report = null;
            return true;
        }
    }

    internal static NativeLibraryDescription Description => new()
    {
        Name = "OpenCL",
        ImportName = "convnative-opencl",
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
        RequiredSymbols = RequiredFunctions,
        InstallHint = "install an OpenCL loader and a driver (Debian and Ubuntu: ocl-icd-libopencl1, and pocl-opencl-icd for the"
            + $" processor or the GPU vendor's driver), or set {Variable} to the loader's file",
    };

    private static CL LoadedApi()
    {
        NativeLoadReport report = Load();
        return s_api ?? throw new DllNotFoundException(report.ToString());
    }

    // What is not there stays 0: the call throws an exception that names it.
    private static CL Over(nint library) => new(new LamdaNativeContext(name => NativeLibrary.TryGetExport(library, name, out nint address) ? address : 0));
}
