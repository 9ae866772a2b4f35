using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Backends.Common.Numbers;

/// <summary>The vectors that the runtime uses here; switching them off (<c>DOTNET_EnableAVX512=0</c>, ...) narrows the choice.</summary>
internal static class InstructionSet
{
    /// <summary>Bits of the widest vector that is worth using: 512, 256, 128, or 0 for none.</summary>
    public static int VectorBits { get; } =
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? 512
        : Vector256.IsHardwareAccelerated && Avx2.IsSupported && Fma.IsSupported ? 256
        : Vector128.IsHardwareAccelerated ? 128 : 0;

    /// <summary>Name of what <see cref="VectorBits"/> stands for on this processor.</summary>
    public static string Name { get; } = VectorBits switch
    {
        512 => "avx512",
        256 => "avx2",
        128 => AdvSimd.IsSupported ? "advsimd" : Sse.IsSupported ? "sse" : "vector128",
        _ => "scalar",
    };

    /// <summary>What the runtime reports of this processor, for reports.</summary>
    public static string All { get; } = string.Join(' ', new (string Name, bool Has)[]
    {
        ("sse4.2", Sse42.IsSupported), ("avx", Avx.IsSupported), ("avx2", Avx2.IsSupported), ("fma", Fma.IsSupported),
        ("avx512f", Avx512F.IsSupported), ("avx512bw", Avx512BW.IsSupported), ("avx512vbmi", Avx512Vbmi.IsSupported),
        ("advsimd", AdvSimd.IsSupported),
    }.Where(i => i.Has).Select(i => i.Name));
}
