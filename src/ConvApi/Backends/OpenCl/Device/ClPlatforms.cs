using ConvNative.Bindings;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OpenCl;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>Every device of every platform, rejected ones included, and the words for what is missing.</summary>
internal sealed unsafe class ClPlatforms
{
    // cl_khr_icd's status for a loader without drivers; the core headers do not have it.
    private const int PlatformNotFound = -1001;

    internal ClPlatforms(BackendStatus status, IReadOnlyList<ClDeviceProperties> devices)
    {
        (Status, Devices) = (status, devices);
        Infos = [.. devices.Select((d, i) => d.Describe(i))];
    }

    public BackendStatus Status { get; }

    /// <summary>In the order of their numbers: <c>opencl:0</c> first.</summary>
    public IReadOnlyList<ClDeviceProperties> Devices { get; }

    public IReadOnlyList<DeviceInfo> Infos { get; }

    /// <summary>Loads OpenCL and asks; does not throw.</summary>
    public static ClPlatforms Read()
    {
        NativeLoadReport report = OpenClLibrary.Load();
        string[] lines = [.. report.Candidates.Select(c => c.ToString())];
        if (!report.IsLoaded) return new ClPlatforms(new BackendStatus(false, report.Summary, lines, report.Remedy), []);
        var found = new List<ClDeviceProperties>();
        var failures = new List<string>();
        try
        {
            foreach (cl_platform_id platform in Platforms()) found.AddRange(DevicesOf(platform, failures));
        }
        catch (NativeCallException e)
        {
            failures.Add(e.Message);
        }

        string place = $"{report.LoadedPath}, OpenCL {report.Version}";
        const string Driver = "install a driver: pocl-opencl-icd (Debian and Ubuntu) for the processor, or the GPU vendor's";
        if (found.Count == 0)
        {
            string why = failures.Count > 0 ? string.Join("; ", failures) : "no driver is registered (Linux: /etc/OpenCL/vendors)";
            return new ClPlatforms(new BackendStatus(false, $"{place}: the loader is there, but no device: {why}", [.. lines, .. failures], Driver), []);
        }

        ClDeviceProperties[] usable = [.. found.Where(d => d.Rejected is null)];
        if (usable.Length == 0)
        {
            string why = string.Join("; ", found.Select(d => $"{d.Name}: {d.Rejected}"));
            return new ClPlatforms(new BackendStatus(false, $"{place}: every device is rejected: {why}", [.. lines, .. failures], Driver), found);
        }

        string names = string.Join(", ", usable.Select(d => $"{d.Name} ({d.PlatformName} {d.Driver})").Distinct());
        return new ClPlatforms(new BackendStatus(true, $"{names}; {place}", [.. lines, .. failures], null), found);
    }

    private static cl_platform_id[] Platforms()
    {
        uint count;
        int status = Cl.clGetPlatformIDs(0, null, &count);
        if (status == PlatformNotFound || (status == Cl.CL_SUCCESS && count == 0)) return [];
        ClStatus.ThrowIfFailed(status, nameof(Cl.clGetPlatformIDs));
        var platforms = new cl_platform_id[count];
        fixed (cl_platform_id* p = platforms) ClStatus.ThrowIfFailed(Cl.clGetPlatformIDs(count, p, null), nameof(Cl.clGetPlatformIDs));
        return platforms;
    }

    private static ClDeviceProperties[] DevicesOf(cl_platform_id platform, List<string> failures)
    {
        uint count;
        int status = Cl.clGetDeviceIDs(platform, Cl.CL_DEVICE_TYPE_ALL, 0, null, &count);
        if (status == Cl.CL_SUCCESS && count > 0)
        {
            var ids = new cl_device_id[count];
            fixed (cl_device_id* p = ids) status = Cl.clGetDeviceIDs(platform, Cl.CL_DEVICE_TYPE_ALL, count, p, null);
            if (status == Cl.CL_SUCCESS) return Array.ConvertAll(ids, id => ClDeviceProperties.Read(platform, id));
        }

        failures.Add($"platform {ClDeviceProperties.PlatformText(platform, Cl.CL_PLATFORM_NAME)}: {(status is Cl.CL_SUCCESS or Cl.CL_DEVICE_NOT_FOUND ? "no device" : ClStatus.Name(status))}");
        return [];
    }
}
