using ConvNative.Bindings;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OpenCl;
using Silk.NET.OpenCL;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>Every device of every platform, rejected ones included, and the words for what is missing.</summary>
internal sealed unsafe class ClPlatforms
{
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
            foreach (nint platform in Platforms()) found.AddRange(DevicesOf(platform, failures));
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

    private static nint[] Platforms()
    {
        uint count;
        int status = OpenClLibrary.Api.GetPlatformIDs(0, null, &count);
        if (status == (int)ErrorCodes.PlatformNotFoundKhr || (status == (int)ErrorCodes.Success && count == 0)) return [];
        ClStatus.ThrowIfFailed(status, nameof(CL.GetPlatformIDs));
        var platforms = new nint[count];
        fixed (nint* p = platforms) ClStatus.ThrowIfFailed(OpenClLibrary.Api.GetPlatformIDs(count, p, null), nameof(CL.GetPlatformIDs));
        return platforms;
    }

    private static ClDeviceProperties[] DevicesOf(nint platform, List<string> failures)
    {
        uint count;
        int status = OpenClLibrary.Api.GetDeviceIDs(platform, DeviceType.All, 0, null, &count);
        if (status == (int)ErrorCodes.Success && count > 0)
        {
            var ids = new nint[count];
            fixed (nint* p = ids) status = OpenClLibrary.Api.GetDeviceIDs(platform, DeviceType.All, count, p, null);
            if (status == (int)ErrorCodes.Success) return Array.ConvertAll(ids, id => ClDeviceProperties.Read(platform, id));
        }

        failures.Add($"platform {ClDeviceProperties.PlatformText(platform, PlatformInfo.Name)}: {(status is (int)ErrorCodes.Success or (int)ErrorCodes.DeviceNotFound ? "no device" : ClStatus.Name(status))}");
        return [];
    }
}
