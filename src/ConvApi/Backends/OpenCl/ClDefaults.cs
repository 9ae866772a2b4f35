using System.Text.Json;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl;

/// <summary>
/// Variants that were measured to be best on the whole, for devices that we had: <c>native/opencl/tuning.json</c>. An entry serves the
/// devices whose name has its <c>device</c> in it.
/// </summary>
internal static class ClDefaults
{
    private static readonly Lazy<IReadOnlyList<Entry>> s_entries = new(Read);

    /// <summary>The variant of <paramref name="routine"/> for sums of this type, or null: then the routine's own.</summary>
    public static string? Find(ClDeviceProperties device, string routine, DataType real)
    {
        foreach (Entry e in s_entries.Value)
            if (e.Routine == routine && e.Type == real.Name() && device.Name.Contains(e.Device, StringComparison.OrdinalIgnoreCase)) return e.Variant;
        return null;
    }

    internal static IReadOnlyList<Entry> Entries => s_entries.Value;

    private static List<Entry> Read()
    {
        using Stream stream = typeof(ClDefaults).Assembly.GetManifestResourceStream("opencl/tuning.json")
            ?? throw new InvalidOperationException("opencl/tuning.json is not embedded");
        using JsonDocument document = JsonDocument.Parse(stream);
        return
        [
            .. document.RootElement.GetProperty("defaults").EnumerateArray().Select(e => new Entry(
                e.GetProperty("device").GetString()!, e.GetProperty("routine").GetString()!, e.GetProperty("type").GetString()!, e.GetProperty("variant").GetString()!)),
        ];
    }

    internal sealed record Entry(string Device, string Routine, string Type, string Variant);
}
