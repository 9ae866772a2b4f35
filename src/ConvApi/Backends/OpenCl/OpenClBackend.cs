using System.Collections.Concurrent;
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

    private readonly string? _family;
    private readonly string? _tuningFolder;
    private readonly Lazy<ClPlatforms> _platforms = new(ClPlatforms.Read);
    private readonly ConcurrentDictionary<string, Lazy<ClDevice>> _open = new();

    /// <summary>Takes each device for what it is.</summary>
    public OpenClBackend()
        : this(null)
    {
    }

    /// <summary>Asks the routines of one family (<see cref="ClRoutines.FamilyVariable"/>) whatever a device is; for tests.</summary>
    /// <param name="family">The family, or null.</param>
    /// <param name="tuningFolder">Where measurements are kept; null for the user's cache.</param>
    internal OpenClBackend(string? family, string? tuningFolder = null) => (_family, _tuningFolder) = (family, tuningFolder);

    /// <inheritdoc/>
    public override string Name => EngineName;

    /// <inheritdoc/>
    public override BackendStatus Status => _platforms.Value.Status;

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceInfo> Devices => _platforms.Value.Infos;

    /// <inheritdoc/>
    public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(options);
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
    }

    /// <inheritdoc/>
    public override ConvDevice OpenDevice(string? name = null) => Open(name);

    /// <summary>The device that <paramref name="selector"/> means, opened once.</summary>
    internal ClDevice Open(string? selector)
    {
        if (!Status.Available) throw new ConvNativeException(Name, $"unavailable: {Status.Summary}");
        if (FindDevice(selector) is not { } info)
            throw new ArgumentException($"device = {selector}: must be one of {string.Join(", ", Devices.Select(d => $"{d.Id} ({d.Name})"))}", nameof(selector));
        if (info.Rejected is not null) throw new ArgumentException($"device = {selector}: {info.Id} ({info.Name}) is rejected: {info.Rejected}", nameof(selector));
        try
        {
            int index = Devices.ToList().FindIndex(d => d.Id == info.Id);
            return _open.GetOrAdd(info.Id, id => new Lazy<ClDevice>(() => new ClDevice(id, _platforms.Value.Devices[index], _family, _tuningFolder))).Value;
        }
        catch (NativeCallException e)
        {
            throw new ConvNativeException(Name, $"{info.Id} ({info.Name}) cannot be opened: {e.Message}", e.Function, e.StatusName, inner: e);
        }
    }
}
