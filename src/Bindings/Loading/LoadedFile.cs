using System.Diagnostics;
using System.Globalization;

namespace ConvNative.Bindings.Loading;

/// <summary>Finds the file that an address of this process was mapped from.</summary>
internal static class LoadedFile
{
    /// <summary>The full path, or null where the system does not tell.</summary>
    public static string? Find(nint address)
    {
        try
        {
            return OperatingSystem.IsLinux() ? FindInMaps((ulong)address) : FindInModules(address);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException
            or NotSupportedException or System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>Every mapped file whose name starts with <paramref name="prefix"/>, with its full path; empty where the system does not tell.</summary>
    public static IReadOnlyList<string> All(string prefix)
    {
        if (!OperatingSystem.IsLinux()) return [];
        try
        {
            return [.. File.ReadLines("/proc/self/maps").Where(line => line.Contains('/')).Select(line => line[line.IndexOf('/')..])
                .Where(path => Path.GetFileName(path).StartsWith(prefix, StringComparison.Ordinal)).Distinct()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string? FindInMaps(ulong address)
    {
        // "7f00-7f10 r-xp 00000000 08:01 1234    /usr/lib/libx.so"
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            var dash = line.IndexOf('-');
            var space = line.IndexOf(' ');
            var slash = line.IndexOf('/');
            if (slash < 0) continue;
            var from = ulong.Parse(line.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var to = ulong.Parse(line.AsSpan(dash + 1, space - dash - 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (address >= from && address < to) return line[slash..];
        }
        return null;
    }

    private static string? FindInModules(nint address)
    {
        using var process = Process.GetCurrentProcess();
        foreach (ProcessModule module in process.Modules)
            if (address >= module.BaseAddress && address < module.BaseAddress + module.ModuleMemorySize)
                return module.FileName;
        return null;
    }
}
