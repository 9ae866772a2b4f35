using System.Globalization;

namespace ConvNative.Cli.Suites;

/// <summary>Layer names as network lists have them: <c>resnet50:res2a_branch2b*3</c> occurs three times.</summary>
public static class LayerName
{
    /// <summary>The number after the last *, or 1.</summary>
    public static int Count(string? name)
    {
        int at = name?.LastIndexOf('*') ?? -1;
        return at >= 0 && int.TryParse(name.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n > 0 ? n : 1;
    }
}
