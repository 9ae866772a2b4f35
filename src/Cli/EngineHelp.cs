using ConvNative.Backends;

namespace ConvNative.Cli;

/// <summary>What is missing and what to do, in one line, for whoever runs the tool: from a package, or from a checkout that can build oneDNN.</summary>
public static class EngineHelp
{
    private const string Script = "build.sh";
    private const string Solution = "ConvNative.sln";
    private static readonly Lazy<bool> s_checkout = new(() => IsInCheckout(AppContext.BaseDirectory));

    /// <summary>The engine's remedy, with the command that a checkout has for it; null without one.</summary>
    public static string? Remedy(ConvBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        return Remedy(backend.Name, backend.Status.Remedy, s_checkout.Value);
    }

    /// <summary>As the other overload, for a tool that runs from a checkout or not. Where a dependency alone is missing, a build would miss it too.</summary>
    public static string? Remedy(string engine, string? remedy, bool checkout) =>
        remedy is not null && checkout && engine == "onednn" && remedy.Contains("install oneDNN", StringComparison.Ordinal)
            ? $"{remedy}; in this checkout ./{Script} --target=Native builds it"
            : remedy;

    /// <summary>Summary and remedy.</summary>
    public static string Line(ConvBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        return Line(backend.Status.Summary, Remedy(backend));
    }

    /// <summary>The two with punctuation between them; a remedy of null is left out.</summary>
    public static string Line(string summary, string? remedy) => remedy is null ? summary : $"{summary}; {remedy}";

    /// <summary>Throws where an engine that was named is missing.</summary>
    /// <exception cref="CliException">It is unavailable (exit code 3).</exception>
    public static void Require(ConvBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        if (!backend.Status.Available) throw new CliException($"{backend.Name} is unavailable: {Line(backend)}", ExitCode.Unavailable);
    }

    /// <summary>True where a folder above has the build's script and the solution.</summary>
    public static bool IsInCheckout(string folder)
    {
        for (string? f = folder; f is not null; f = Path.GetDirectoryName(f))
            if (File.Exists(Path.Combine(f, Script)) && File.Exists(Path.Combine(f, Solution))) return true;
        return false;
    }
}
