using ConvNative.Backends;

namespace ConvNative.Cli.Reports;

/// <summary>An engine as a report names it.</summary>
/// <param name="Name">managed, onednn, opencl, cudnn.</param>
/// <param name="Available">It could be used.</param>
/// <param name="Version">Its one line about version and place, or what is missing.</param>
/// <param name="Remedy">What to do about a missing one.</param>
/// <param name="Details">The load report, a line a candidate.</param>
/// <param name="Devices">Identifiers and names of its devices.</param>
public sealed record BackendInfo(string Name, bool Available, string Version, string? Remedy, IReadOnlyList<string> Details, IReadOnlyList<string> Devices)
{
    /// <summary>Asks the engine; loads it.</summary>
    public static BackendInfo Of(ConvBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        BackendStatus s = backend.Status;
        return new BackendInfo(backend.Label, s.Available, s.Summary, EngineHelp.Remedy(backend), s.Details, s.Available ? [.. backend.Devices.Select(d => $"{d.Id} {d.Name}{(d.Rejected is null ? "" : $" (rejected: {d.Rejected})")}")] : []);
    }
}
