using System.Security.Cryptography;
using ConvNative.Backends.Common.Stores;

namespace ConvNative.Backends.OpenCl.Programs;

/// <summary>
/// Compiled programs in the user's cache, a file each. A file carries the hash of its contents: a driver that is handed a damaged binary
/// may do worse than refuse it. What cannot be read or written costs a compilation, nothing else.
/// </summary>
internal sealed class ClBinaryCache(string? folder)
{
    private static readonly byte[] s_magic = "ConvNative OpenCL binary 1\n"u8.ToArray();

    /// <summary>The folder <c>opencl</c> of the user's cache; nothing without a home.</summary>
    public static ClBinaryCache User => new(UserCache.Folder("opencl"));

    /// <summary>The file of a program: device, driver, options and source decide it.</summary>
    public string? FileOf(string identity, string options, string source) =>
        folder is null ? null : Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{identity}\n{options}\n{source}"))) + ".bin");

    /// <summary>The binary, or null where there is none that is whole.</summary>
    public static byte[]? TryRead(string? file)
    {
        try
        {
            if (file is null || !File.Exists(file)) return null;
            byte[] all = File.ReadAllBytes(file);
            int start = s_magic.Length + SHA256.HashSizeInBytes;
            if (all.Length <= start || !all.AsSpan().StartsWith(s_magic)) return null;
            byte[] payload = all[start..];
            return SHA256.HashData(payload).AsSpan().SequenceEqual(all.AsSpan(s_magic.Length, SHA256.HashSizeInBytes)) ? payload : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static void Write(string? file, byte[] binary)
    {
        if (file is null) return;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);

            // Another process may do the same at the same time: each writes a file of its own, the last one stays.
            string own = $"{file}.{Environment.ProcessId}.{Guid.NewGuid():n}";
            File.WriteAllBytes(own, [.. s_magic, .. SHA256.HashData(binary), .. binary]);
            File.Move(own, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without a writable cache every process compiles anew.
        }
    }
}
