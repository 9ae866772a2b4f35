using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Arm = System.Runtime.Intrinsics.Arm;

namespace ConvNative.Cli.Reports;

/// <summary>The machine's fingerprint: what a reader needs to judge a result from elsewhere.</summary>
public sealed record MachineInfo
{
    /// <summary>Host name.</summary>
    public required string Host { get; init; }

    /// <summary>The processor's own name.</summary>
    public required string Cpu { get; init; }

    /// <summary>Logical processors that this process may use.</summary>
    public required int Cores { get; init; }

    /// <summary>Vector instruction sets that the runtime uses.</summary>
    public required IReadOnlyList<string> Isa { get; init; }

    /// <summary>Bytes of memory available to the process.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Operating system.</summary>
    public required string Os { get; init; }

    /// <summary>Process architecture, for example x64.</summary>
    public required string Architecture { get; init; }

    /// <summary>.NET runtime.</summary>
    public required string Dotnet { get; init; }

    /// <summary>Version of this tool.</summary>
    public required string ToolVersion { get; init; }

    /// <summary>Commit that the tool was built from, or null.</summary>
    public string? Commit { get; init; }

    /// <summary>One line for tables that hold several machines.</summary>
    public string Title() => $"{Host}: {Cpu}, {Cores} cores, {Os}";

    /// <summary>Reads this machine.</summary>
    public static MachineInfo Read()
    {
        string version = typeof(MachineInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
        int plus = version.IndexOf('+', StringComparison.Ordinal);
        return new MachineInfo
        {
            Host = Environment.MachineName,
            Cpu = CpuName(),
            Cores = Environment.ProcessorCount,
            Isa = InstructionSets(),
            MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            Os = OsName(),
            Architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
            Dotnet = RuntimeInformation.FrameworkDescription,
            ToolVersion = version,
            Commit = plus < 0 ? null : version[(plus + 1)..],
        };
    }

    private static string CpuName()
    {
        string? model = FirstValue("/proc/cpuinfo", "model name", ':') ?? FirstValue("/proc/cpuinfo", "CPU part", ':');
        return model ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static string OsName() => FirstValue("/etc/os-release", "PRETTY_NAME", '=')?.Trim('"') ?? RuntimeInformation.OSDescription;

    private static string? FirstValue(string path, string key, char separator)
    {
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                int at = line.IndexOf(separator, StringComparison.Ordinal);
                if (at > 0 && line.AsSpan(0, at).Trim().SequenceEqual(key)) return line[(at + 1)..].Trim();
            }
        }
        catch (IOException)
        {
        }
        catch (UnauthorizedAccessException)
        {
        }

        return null;
    }

    private static List<string> InstructionSets()
    {
        var sets = new List<string>();
        void Add(bool yes, string name)
        {
            if (yes) sets.Add(name);
        }

        Add(Sse42.IsSupported, "sse4.2");
        Add(Avx.IsSupported, "avx");
        Add(Avx2.IsSupported, "avx2");
        Add(Fma.IsSupported, "fma");
        Add(AvxVnni.IsSupported, "avx_vnni");
        Add(Avx512F.IsSupported, "avx512f");
        Add(Avx512BW.IsSupported, "avx512bw");
        Add(Avx512DQ.IsSupported, "avx512dq");
        Add(Avx512Vbmi.IsSupported, "avx512vbmi");
        Add(Arm.AdvSimd.IsSupported, "advsimd");
        Add(Arm.Dp.IsSupported, "dotprod");
        return sets;
    }
}
