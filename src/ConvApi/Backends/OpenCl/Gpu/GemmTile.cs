using System.Globalization;
using ConvNative.Backends.OpenCl.Device;

namespace ConvNative.Backends.OpenCl;

/// <summary>How gemm.cl cuts a product: TM x TN results a work-group in steps of TK, WM x WN results a work-item.</summary>
internal readonly record struct GemmTile(int M, int N, int K, int ItemM, int ItemN)
{
    /// <summary>The space that the tuner searches, the usual choice first.</summary>
    public static IReadOnlyList<GemmTile> Space { get; } =
    [
        new(64, 64, 16, 4, 4), new(64, 64, 8, 8, 4), new(128, 64, 8, 8, 4), new(64, 128, 8, 4, 8), new(128, 128, 8, 8, 8),
        new(32, 64, 16, 4, 2), new(32, 32, 16, 2, 2), new(32, 128, 8, 4, 4), new(16, 64, 16, 2, 4),
    ];

    public int GroupX => N / ItemN;

    public int GroupY => M / ItemM;

    public string Options => string.Create(CultureInfo.InvariantCulture, $"-DTM={M} -DTN={N} -DTK={K} -DWM={ItemM} -DWN={ItemN}");

    /// <summary>For example 64x64x16/4x4.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{M}x{N}x{K}/{ItemM}x{ItemN}");

    /// <summary>The tile of the space with this text, or null.</summary>
    public static GemmTile? Find(string? text)
    {
        foreach (GemmTile t in Space)
            if (t.ToString() == text) return t;
        return null;
    }

    /// <summary>Whether a work-group of it and its tiles fit the device.</summary>
    public bool Fits(ClDeviceProperties device, int elementBytes) =>
        GroupX * GroupY <= device.MaxWorkGroup && (long)(M + N) * K * elementBytes <= device.LocalBytes;
}
