using ConvNative.Backends.OpenCl.Choice;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Bindings;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl;

/// <summary>
/// The engine on OpenCL 1.2 or newer: our own kernels, compiled by the device's driver and kept as binaries in the user's cache. Every
/// device of every driver is listed; <c>opencl:0</c> or <c>opencl:NAME</c> selects one.
/// </summary>
public sealed class OpenClBackend : ConvBackend
{
    internal const string EngineName = "opencl";

    // Devices may come later (a driver that starts, a container's permissions); who asks often must not wait for them often.
    private const int MillisecondsToNextTry = 1000;

    private readonly int _wait;
    private readonly Func<ClPlatforms> _read;
    private readonly Func<string, ClDeviceProperties, ClDevice> _make;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ClDevice> _open = [];
    private ClPlatforms? _platforms;
    private long _readAt;

    /// <summary>Takes each device for what it is.</summary>
    public OpenClBackend()
        : this(null)
    {
    }

    /// <summary>Asks the routines of one family (<see cref="ClRoutines.FamilyVariable"/>) whatever a device is; for tests.</summary>
    /// <param name="family">The family, or null.</param>
    /// <param name="tuningFolder">Where measurements are kept; null for the user's cache.</param>
    internal OpenClBackend(string? family, string? tuningFolder = null)
        : this(ClPlatforms.Read, (id, properties) => new ClDevice(id, properties, family, tuningFolder), MillisecondsToNextTry)
    {
    }

    /// <summary>With other ways to find devices and to open one; for tests.</summary>
    /// <param name="read">Lists them.</param>
    /// <param name="make">Opens one.</param>
    /// <param name="wait">Milliseconds before devices are looked for again where there were none.</param>
    internal OpenClBackend(Func<ClPlatforms> read, Func<string, ClDeviceProperties, ClDevice> make, int wait) => (_read, _make, _wait) = (read, make, wait);

    /// <inheritdoc/>
    public override string Name => EngineName;

    /// <inheritdoc/>
    public override BackendStatus Status => Platforms.Status;

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceInfo> Devices => Platforms.Infos;

    /// <summary>Read once where there are usable devices; else again after a while.</summary>
    private ClPlatforms Platforms
    {
        get
        {
            lock (_lock)
            {
                if (_platforms is null || (!_platforms.Status.Available && Environment.TickCount64 - _readAt >= _wait)) (_platforms, _readAt) = (_read(), Environment.TickCount64);
                return _platforms;
            }
        }
    }

    internal override bool IsHost => false;

    internal override bool HasAccelerator => Status.Available && Devices.Any(d => d.Rejected is null && d.Properties.TryGetValue("type", out string? type) && !type.Contains("cpu", StringComparison.OrdinalIgnoreCase));

    /// <inheritdoc/>
    public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Candidate is { } candidate) return PlanResult.Unsupported(PlanOptions.NoSuch(candidate, Name));
        ClDevice device;
        try
        {
            device = Open(options.Device);
        }
        catch (ArgumentException e)
        {
            throw new ConvNativeException(Name, e.Message, problem: problem, inner: e);
        }

        try
        {
            return ClRoutines.Create(problem, device, options);
        }
        catch (NativeCallException e)
        {
            throw new ConvNativeException(Name, e.Message, e.Function, e.StatusName, problem, e);
        }
        catch (OverflowException e)
        {
            return PlanResult.Unsupported($"the opencl engine cannot count with these sizes: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public override ConvDevice OpenDevice(string? name = null) => Open(name);

    /// <summary>The device that <paramref name="selector"/> means, opened once.</summary>
    internal ClDevice Open(string? selector)
    {
        ClPlatforms platforms = Platforms;
        if (platforms.Status is { Available: false } status) throw new ConvNativeException(Name, $"unavailable: {status.Summary}{(status.Remedy is null ? "" : $"; {status.Remedy}")}");
        if (FindDevice(selector) is not { } info)
            throw new ArgumentException($"device = {selector}: must be one of {string.Join(", ", Devices.Select(d => $"{d.Id} ({d.Name})"))}", nameof(selector));
        if (info.Rejected is not null) throw new ArgumentException($"device = {selector}: {info.Id} ({info.Name}) is rejected: {info.Rejected}", nameof(selector));
        try
        {
            // Only an open device is kept: what failed is tried again.
            int index = platforms.Infos.ToList().FindIndex(d => d.Id == info.Id);
            lock (_open)
                return _open.TryGetValue(info.Id, out ClDevice? device) ? device : _open[info.Id] = _make(info.Id, platforms.Devices[index]);
        }
        catch (NativeCallException e)
        {
            throw new ConvNativeException(Name, $"{info.Id} ({info.Name}) cannot be opened: {e.Message}", e.Function, e.StatusName, inner: e);
        }
    }
}
