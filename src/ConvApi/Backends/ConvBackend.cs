using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends;

/// <summary>Whether an engine can be used here, and if not, why: what <c>convnative devices</c> prints.</summary>
/// <param name="Available">True when plans can be made.</param>
/// <param name="Summary">One line: version and place, or what is missing.</param>
/// <param name="Details">The load report, a line a candidate; empty where nothing is loaded.</param>
/// <param name="Remedy">One line of what to do; null when available.</param>
public sealed record BackendStatus(bool Available, string Summary, IReadOnlyList<string> Details, string? Remedy);

/// <summary>A device that an engine can run on, or one that it rejects.</summary>
/// <param name="Id">For example <c>opencl:0</c> or <c>cpu</c>.</param>
/// <param name="Name">The device's own name.</param>
/// <param name="Properties">What matters: driver, version, units, memory, instruction sets.</param>
/// <param name="Rejected">The requirement that it fails, or null.</param>
public sealed record DeviceInfo(string Id, string Name, IReadOnlyDictionary<string, string> Properties, string? Rejected = null);

/// <summary>An engine behind the common API. Nothing native loads before <see cref="Status"/> or <see cref="CreatePlan"/> is asked.</summary>
public abstract class ConvBackend
{
    /// <summary>managed, onednn, opencl or cudnn.</summary>
    public abstract string Name { get; }

    /// <summary>What reports call it: the name, unless something stands in for the engine's library, as the tests' protocol double does for cuDNN.</summary>
    public virtual string Label => Name;

    /// <summary>Loads what is needed (once) and tells the result; never throws.</summary>
    public abstract BackendStatus Status { get; }

    /// <summary>Devices, rejected ones included; empty when unavailable.</summary>
    public abstract IReadOnlyList<DeviceInfo> Devices { get; }

    /// <summary>Makes a plan, or says why not. Unsupported answers are cheap and cached by the engine where they are not.</summary>
    /// <exception cref="ConvNativeException">The engine is unavailable, or a native call failed.</exception>
    public abstract PlanResult CreatePlan(ConvProblem problem, PlanOptions options);

    /// <summary>
    /// The ways in which this engine could compute the problem, by names that <see cref="PlanOptions.Candidate"/> takes, for who wants to time or check each;
    /// empty where there is one at most, or where the engine does not tell. Not every one need give a plan.
    /// </summary>
    public virtual IReadOnlyList<string> Candidates(ConvProblem problem, PlanOptions options) => [];

    /// <summary>It computes in the host's memory, on the processor.</summary>
    internal virtual bool IsHost => true;

    /// <summary>For an engine with devices: one of them is more than the processor under another name.</summary>
    internal virtual bool HasAccelerator => false;

    /// <summary>Opens the device that <paramref name="name"/> selects (see <see cref="FindDevice"/>; null: the first usable one), once for the process.</summary>
    /// <exception cref="ArgumentException">No usable device is selected.</exception>
    /// <exception cref="NotSupportedException">The engine computes in the host's memory.</exception>
    /// <exception cref="ConvNativeException">The engine is unavailable, or a native call failed.</exception>
    public virtual ConvDevice OpenDevice(string? name = null) => throw new NotSupportedException($"{Name} computes in the host's memory: it has no device to open");

    /// <summary>Frees what the engine keeps between plans and makes anew when it is needed; loads nothing.</summary>
    internal virtual void Forget()
    {
    }

    /// <summary>This engine held to one device: plans that it makes have <see cref="PlanOptions.Device"/> set.</summary>
    /// <param name="device">As <see cref="FindDevice"/> takes it; whether it is there is told by the result's <see cref="Status"/>.</param>
    public ConvBackend On(string device)
    {
        ArgumentException.ThrowIfNullOrEmpty(device);
        return new DeviceView(this, device);
    }

    /// <summary>
    /// The device that <paramref name="selector"/> means: its <see cref="DeviceInfo.Id"/>, what follows the colon in it (a number), or a part of
    /// its name in any case; the first that fits, rejected ones included. Null: the first that is not rejected.
    /// </summary>
    /// <returns>Null where none fits.</returns>
    public DeviceInfo? FindDevice(string? selector)
    {
        IReadOnlyList<DeviceInfo> all = Devices;
        return selector is null
            ? all.FirstOrDefault(d => d.Rejected is null)
            : all.FirstOrDefault(d => d.Id == selector || d.Id == $"{Name}:{selector}") ?? all.FirstOrDefault(d => d.Name.Contains(selector, StringComparison.OrdinalIgnoreCase));
    }
}
