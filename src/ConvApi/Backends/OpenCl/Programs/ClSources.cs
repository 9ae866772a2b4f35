using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Programs;

/// <summary>The kernels' text, which is embedded in this assembly, and the names that host and kernels share.</summary>
internal static class ClSources
{
    private static readonly ConcurrentDictionary<string, string> s_files = new();

    private static readonly Lazy<string> s_names = new(Names);

    /// <summary>The whole program of a routine: names, <c>common.cl</c>, for processors <c>cpu_common.cl</c>, for gatherers <c>adjoint.cl</c>, and <c>ROUTINE.cl</c>.</summary>
    public static string Program(string routine)
    {
        string shared = routine.StartsWith("cpu_", StringComparison.Ordinal) ? File("cpu_common") : routine is "direct" or "integer" or "col2im" ? File("adjoint") : "";
        return $"{s_names.Value}{File("common")}\n{shared}\n{File(routine)}";
    }

    private static string File(string name) => s_files.GetOrAdd(name, static n =>
    {
        using Stream stream = typeof(ClSources).Assembly.GetManifestResourceStream($"opencl/{n}.cl")
            ?? throw new InvalidOperationException($"opencl/{n}.cl is not embedded in {typeof(ClSources).Assembly.GetName().Name}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    });

    private static string Names()
    {
        var text = new StringBuilder();
        foreach (ClNumber n in Enum.GetValues<ClNumber>()) text.Append(CultureInfo.InvariantCulture, $"#define G_{n} {(int)n}\n");
        foreach (PaddingMode m in Enum.GetValues<PaddingMode>()) text.Append(CultureInfo.InvariantCulture, $"#define PAD_{Upper(m.ToString())} {(int)m}\n");
        foreach (ActivationKind a in Enum.GetValues<ActivationKind>()) text.Append(CultureInfo.InvariantCulture, $"#define ACT_{Upper(a.ToString())} {(int)a}\n");
        return text.ToString();
    }

    // LeakyRelu -> LEAKY_RELU
    private static string Upper(string name) =>
        string.Concat(name.Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : char.ToUpperInvariant(c).ToString()));
}
