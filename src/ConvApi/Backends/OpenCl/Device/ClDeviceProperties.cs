using System.Globalization;
using System.Text;
using ConvNative.Bindings.OpenCl;
using Silk.NET.OpenCL;
using Info = Silk.NET.OpenCL.DeviceInfo;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>What a driver says of one of its devices, and whether we can use it.</summary>
internal sealed unsafe record ClDeviceProperties
{
    public required nint Platform { get; init; }

    public required nint Device { get; init; }

    public required string PlatformName { get; init; }

    public required string Name { get; init; }

    public required string Vendor { get; init; }

    public required string Driver { get; init; }

    /// <summary>As the driver words it, for example <c>OpenCL 3.0 PoCL</c>.</summary>
    public required string VersionText { get; init; }

    public required Version Version { get; init; }

    public required DeviceType Type { get; init; }

    public required int ComputeUnits { get; init; }

    public required long LocalBytes { get; init; }

    public required bool HasLocalMemory { get; init; }

    public required long GlobalBytes { get; init; }

    public required long MaxAllocationBytes { get; init; }

    public required int MaxWorkGroup { get; init; }

    /// <summary>Elements of the widest vector registers.</summary>
    public required int NativeFloats { get; init; }

    /// <summary>As <see cref="NativeFloats"/>, for double.</summary>
    public required int NativeDoubles { get; init; }

    public required bool HasF64 { get; init; }

    public required bool HasF16 { get; init; }

    /// <summary>The requirement that the device fails, or null.</summary>
    public required string? Rejected { get; init; }

    public bool IsCpu => (Type & DeviceType.Cpu) != 0;

    public string TypeName => IsCpu ? "CPU" : (Type & DeviceType.Gpu) != 0 ? "GPU" : (Type & DeviceType.Accelerator) != 0 ? "accelerator" : "custom";

    /// <summary>Driver and device: what a binary or a measurement belongs to.</summary>
    public string Identity => $"{PlatformName}|{Name}|{Driver}|{VersionText}";

    public static ClDeviceProperties Read(nint platform, nint device)
    {
        string extensions = $" {Text(device, Info.Extensions)} ", version = Text(device, Info.Version);
        var p = new ClDeviceProperties
        {
            Platform = platform,
            Device = device,
            PlatformName = PlatformText(platform, PlatformInfo.Name),
            Name = Text(device, Info.Name),
            Vendor = Text(device, Info.Vendor),
            Driver = Text(device, Info.DriverVersion),
            VersionText = version,
            Version = ParseVersion(version),
            Type = Number<DeviceType>(device, Info.Type),
            ComputeUnits = (int)Number<uint>(device, Info.MaxComputeUnits),
            LocalBytes = (long)Number<ulong>(device, Info.LocalMemSize),
            HasLocalMemory = Number<DeviceLocalMemType>(device, Info.LocalMemType) == DeviceLocalMemType.Local,
            GlobalBytes = (long)Number<ulong>(device, Info.GlobalMemSize),
            MaxAllocationBytes = (long)Number<ulong>(device, Info.MaxMemAllocSize),
            MaxWorkGroup = (int)Number<nuint>(device, Info.MaxWorkGroupSize),
            NativeFloats = (int)Number<uint>(device, Info.NativeVectorWidthFloat),
            NativeDoubles = (int)Number<uint>(device, Info.NativeVectorWidthDouble),
            HasF64 = extensions.Contains(" cl_khr_fp64 ", StringComparison.Ordinal),
            HasF16 = extensions.Contains(" cl_khr_fp16 ", StringComparison.Ordinal),
            Rejected = null,
        };
        return p with
        {
            Rejected = Failed(new ClRequirements
            {
                Available = Number<uint>(device, Info.Available) != 0,
                Version = p.Version,
                HasCompiler = Number<uint>(device, Info.CompilerAvailable) != 0,
                LittleEndian = Number<uint>(device, Info.EndianLittle) != 0,
                Profile = Text(device, Info.Profile),
                SingleConfig = Number<DeviceFpConfig>(device, Info.SingleFPConfig),
                MaxWorkGroup = p.MaxWorkGroup,
            }),
        };
    }

    public DeviceInfo Describe(int index) => new(
        $"{OpenClBackend.EngineName}:{index.ToString(CultureInfo.InvariantCulture)}",
        Name,
        new Dictionary<string, string>
        {
            ["platform"] = PlatformName,
            ["vendor"] = Vendor,
            ["driver"] = Driver,
            ["version"] = VersionText,
            ["type"] = TypeName,
            ["compute units"] = ComputeUnits.ToString(CultureInfo.InvariantCulture),
            ["memory"] = string.Create(CultureInfo.InvariantCulture, $"{GlobalBytes >> 20} MiB"),
            ["local memory"] = string.Create(CultureInfo.InvariantCulture, $"{LocalBytes >> 10} KiB{(HasLocalMemory ? "" : " (in global memory)")}"),
            ["work-group"] = MaxWorkGroup.ToString(CultureInfo.InvariantCulture),
            ["f64"] = HasF64 ? "yes" : "no",
            ["f16"] = HasF16 ? "yes" : "storage only",
        },
        Rejected);

    /// <summary>The platform's own words; empty where it has none.</summary>
    public static string PlatformText(nint platform, PlatformInfo what)
    {
        nuint size;
        if (OpenClLibrary.Api.GetPlatformInfo(platform, what, 0, null, &size) != (int)ErrorCodes.Success || size == 0) return "";
        var bytes = new byte[(int)size];
        fixed (byte* b = bytes)
            if (OpenClLibrary.Api.GetPlatformInfo(platform, what, size, b, null) != (int)ErrorCodes.Success) return "";
        return Trim(bytes);
    }

    /// <summary>The first requirement that a device fails, or null.</summary>
    internal static string? Failed(ClRequirements r)
    {
        if (!r.Available) return "CL_DEVICE_AVAILABLE is false";
        if (r.Version < new Version(1, 2)) return $"OpenCL {r.Version}: 1.2 or newer is needed";
        if (!r.HasCompiler) return "CL_DEVICE_COMPILER_AVAILABLE is false: kernels are compiled here";
        if (!r.LittleEndian) return "CL_DEVICE_ENDIAN_LITTLE is false";
        if (r.Profile != "FULL_PROFILE") return $"profile {r.Profile}: FULL_PROFILE is needed";
        const DeviceFpConfig Need = DeviceFpConfig.InfNan | DeviceFpConfig.RoundToNearest;
        if ((r.SingleConfig & Need) != Need) return "CL_DEVICE_SINGLE_FP_CONFIG lacks CL_FP_INF_NAN or CL_FP_ROUND_TO_NEAREST";
        return r.MaxWorkGroup < 64 ? $"CL_DEVICE_MAX_WORK_GROUP_SIZE is {r.MaxWorkGroup}: 64 is needed" : null;
    }

    // "OpenCL 3.0 words"
    private static Version ParseVersion(string text) =>
        text.Split(' ') is ["OpenCL", var number, ..] && Version.TryParse(number, out Version? v) ? v : new Version(0, 0);

    private static string Text(nint device, Info what)
    {
        nuint size;
        if (OpenClLibrary.Api.GetDeviceInfo(device, what, 0, null, &size) != (int)ErrorCodes.Success || size == 0) return "";
        var bytes = new byte[(int)size];
        fixed (byte* b = bytes)
            if (OpenClLibrary.Api.GetDeviceInfo(device, what, size, b, null) != (int)ErrorCodes.Success) return "";
        return Trim(bytes);
    }

    private static string Trim(byte[] bytes) => Encoding.UTF8.GetString(bytes).TrimEnd('\0').Trim();

    // What a driver does not answer counts as 0: as lacking.
    private static T Number<T>(nint device, Info what)
        where T : unmanaged
    {
        T value = default;
        return OpenClLibrary.Api.GetDeviceInfo(device, what, (nuint)sizeof(T), &value, null) == (int)ErrorCodes.Success ? value : default;
    }
}
