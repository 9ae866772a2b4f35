using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ConvNative.Backends.Managed.Kernels;

/// <summary>Hints to the caches. They change no result, and an address that is not mapped does no harm.</summary>
internal static unsafe class CacheHint
{
    private const int Line = 64;

    /// <summary>Brings the lines of some bytes, a constant number, to the first level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Near(byte* from, int bytes)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch0(from);
        if (bytes > Line) Sse.Prefetch0(from + Line);
        if (bytes > 2 * Line) Sse.Prefetch0(from + (2 * Line));
        if (bytes > 3 * Line) Sse.Prefetch0(from + (3 * Line));
    }

    /// <summary>Brings a cache line nearer; nothing where .NET has no instruction for it (Arm).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(byte* line)
    {
        if (Sse.IsSupported) Sse.Prefetch1(line);
    }
}
