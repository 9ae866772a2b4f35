using ConvNative.Backends;

namespace ConvNative.Cli.Checking;

/// <summary>The engines that a command line asks for.</summary>
/// <param name="Backends">Engines, in the order asked.</param>
/// <param name="IsExplicit">They were named: then a missing one is an error.</param>
public sealed record BackendSelection(IReadOnlyList<ConvBackend> Backends, bool IsExplicit)
{
    /// <summary>Finds <paramref name="names"/> (comma-separated lists allowed) in <paramref name="all"/>; none means all.</summary>
    /// <exception cref="CliException">A name is not known.</exception>
    public static BackendSelection Of(IEnumerable<string>? names, IReadOnlyList<ConvBackend> all)
    {
        ArgumentNullException.ThrowIfNull(all);
        List<string> asked = Split(names);
        if (asked.Count == 0) return new BackendSelection([.. all.SelectMany(PerDevice)], false);
        var found = new List<ConvBackend>();
        foreach (string name in asked.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            found.Add(Engines.Find(name, all)
                ?? throw new CliException($"--backend = {name}: must be one of {string.Join(", ", all.Select(b => b.Name))}"));
        }

        return new BackendSelection(found, true);
    }

    // An engine with several usable devices is a column of the matrix for each.
    private static IEnumerable<ConvBackend> PerDevice(ConvBackend engine)
    {
        DeviceInfo[] usable = engine.Status.Available ? [.. engine.Devices.Where(d => d.Rejected is null)] : [];
        return usable.Length < 2 ? [engine] : usable.Select(d => engine.On(d.Id[(d.Id.IndexOf(':') + 1)..]));
    }

    /// <summary>True for <c>auto</c>, in any case.</summary>
    public static bool IsAuto(string name) => string.Equals(name, Plans.ConvPlan.Auto, StringComparison.OrdinalIgnoreCase);

    /// <summary>Entries of comma-separated lists.</summary>
    public static List<string> Split(IEnumerable<string>? lists) =>
        [.. (lists ?? []).SelectMany(l => l.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    /// <summary>Says once, for every engine that is missing, what is missing and what to do.</summary>
    public void Announce(TextWriter to)
    {
        ArgumentNullException.ThrowIfNull(to);
        foreach (ConvBackend b in Backends)
        {
            if (!b.Status.Available) to.WriteLine($"{b.Name} is unavailable: {EngineHelp.Line(b)}");
        }
    }

    /// <summary>1 for wrong cells; 3 where a named engine (or every engine) is missing; else 0.</summary>
    public int ExitCodeFor(bool anyBad)
    {
        if (anyBad) return ExitCode.Failed;
        bool missing = IsExplicit ? Backends.Any(b => !b.Status.Available) : Backends.All(b => !b.Status.Available);
        return missing ? ExitCode.Unavailable : ExitCode.Done;
    }
}
