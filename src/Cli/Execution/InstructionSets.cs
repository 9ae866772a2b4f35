using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Cli.Execution;

/// <summary>What this processor offers to C# code, and what it is called.</summary>
public static class InstructionSets
{
    /// <summary>The instruction sets that are supported, narrow ones first.</summary>
    public static IReadOnlyList<string> Supported { get; } = List();

    /// <summary>The processor's own name where the system tells it; else null.</summary>
    public static string? ProcessorName()
    {
        try
        {
            string? line = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
            return line is null ? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static List<string> List()
    {
        var names = new List<string>();
        void Add(string name, bool supported)
        {
            if (supported) names.Add(name);
        }

        Add("sse4.2", Sse42.IsSupported);
        Add("avx", Avx.IsSupported);
        Add("avx2", Avx2.IsSupported);
        Add("fma", Fma.IsSupported);
        Add("avx_vnni", AvxVnni.IsSupported);
        Add("avx512f", Avx512F.IsSupported);
        Add("avx512vl", Avx512F.VL.IsSupported);
        Add("avx512bw", Avx512BW.IsSupported);
        Add("avx512cd", Avx512CD.IsSupported);
        Add("avx512dq", Avx512DQ.IsSupported);
        Add("avx512vbmi", Avx512Vbmi.IsSupported);
        Add("avx10.1", Avx10v1.IsSupported);
        Add("advsimd", AdvSimd.IsSupported);
        Add("dotprod", Dp.IsSupported);
        return names;
    }
}
