using System.Runtime.Intrinsics.X86;

namespace ConvNative.Bindings.OneDnn;

/// <summary>
/// An AMD processor whose hypervisor hides the caches (CPUID leaf 0x8000001D reads as zeros). oneDNN's own builds take them for one byte there, 3.7.2 for
/// one, and compute wrong results or end the process; a build by <c>native/onednn</c> asks older leaves, and exports <see cref="Symbol"/>.
/// </summary>
internal static class HiddenCaches
{
    /// <summary>What a library exports that knows of this.</summary>
    public const string Symbol = "convnative_knows_caches";

    private const int Leaf = unchecked((int)0x8000001D);

    /// <summary>True on such a machine.</summary>
    public static bool Are { get; } = X86Base.IsSupported && Hide(X86Base.CpuId(0, 0).Ecx, X86Base.CpuId(unchecked((int)0x80000000), 0).Eax, X86Base.CpuId(Leaf, 0));

    /// <summary>By what the processor answers: the end of its maker's name, its highest extended leaf, and the leaf of its first cache.</summary>
    internal static bool Hide(int vendor, int highest, (int Eax, int Ebx, int Ecx, int Edx) cache) =>
        vendor == 0x444D4163 && (uint)highest >= 0x8000001D && (cache.Eax | cache.Ebx | cache.Ecx | cache.Edx) == 0;
}
