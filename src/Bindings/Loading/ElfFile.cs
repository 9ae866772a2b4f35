using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace ConvNative.Bindings.Loading;

/// <summary>
/// Looks at an ELF file before the system's loader does: glibc maps segments without comparing them to the file's
/// length, so a truncated library ends the process with SIGBUS instead of an error.
/// </summary>
internal static class ElfFile
{
    private const int HeaderLength = 64;
    private const int ProgramHeaderLength = 56;
    private const uint Load = 1;

    /// <summary>What is wrong with the file, or null. What is no 64-bit little-endian ELF file is left to the loader.</summary>
    public static string? FindDamage(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            Span<byte> header = stackalloc byte[HeaderLength];
            var read = file.ReadAtLeast(header, HeaderLength, throwOnEndOfStream: false);
            if (!header[..read].StartsWith("\u007fELF"u8) || read < HeaderLength || header[4] != 2 || header[5] != 1) return null;
            var offset = BinaryPrimitives.ReadInt64LittleEndian(header[0x20..]);
            var size = BinaryPrimitives.ReadUInt16LittleEndian(header[0x36..]);
            var count = BinaryPrimitives.ReadUInt16LittleEndian(header[0x38..]);
            if (size != ProgramHeaderLength || offset < HeaderLength) return null;

            var needed = offset + count * ProgramHeaderLength;
            Span<byte> segment = stackalloc byte[ProgramHeaderLength];
            file.Seek(offset, SeekOrigin.Begin);
            for (var i = 0; i < count && needed <= file.Length; i++)
            {
                file.ReadExactly(segment);
                if (BinaryPrimitives.ReadUInt32LittleEndian(segment) != Load) continue;
                var end = BinaryPrimitives.ReadInt64LittleEndian(segment[0x08..]) + BinaryPrimitives.ReadInt64LittleEndian(segment[0x20..]);
                needed = Math.Max(needed, end);
            }
            return needed <= file.Length
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"{path}: truncated: its segments need {needed} bytes, the file has {file.Length}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{path}: {e.Message}";
        }
    }

    /// <summary>Where the loader would find a name first, as far as that can be told without its cache; null if unknown.</summary>
    public static string? Locate(string name, Func<string, string?> environment)
    {
        var triplet = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "x86_64-linux-gnu",
            Architecture.Arm64 => "aarch64-linux-gnu",
            _ => "",
        };
        var folders = (environment("LD_LIBRARY_PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Concat(["/usr/local/lib", "/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib"]);
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }
}
