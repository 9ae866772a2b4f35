using ConvNative.Backends.OpenCl.Routines;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>A routine for processors: its variants are named by <see cref="CpuCut"/>.</summary>
internal abstract class CpuRoutine : ClRoutine
{
    public sealed override IEnumerable<string> Near(ClRequest request, string variant)
    {
        if (CpuCut.Parse(variant) is not { } at) return [];
        (Func<CpuCut, bool> suits, IEnumerable<CpuCut> near) = Space(request, at);
        return near.Where(suits).Select(c => c.ToString());
    }

    public sealed override bool Has(ClRequest request, string variant) => CpuCut.Parse(variant) is { } cut && Space(request, cut).Suits(cut);

    /// <summary>Numbers of parts that are worth trying on so many cores.</summary>
    public static IEnumerable<int> Parts(int units) => ((int[])[1, units, 2 * units, 4 * units, 8 * units, 16 * units, 32 * units]).Distinct();

    /// <summary>The cut that the request names.</summary>
    protected static CpuCut CutOf(ClRequest request) => CpuCut.Parse(request.Variant) ?? default;

    /// <summary>What a request can be cut into, and the cuts that differ from <paramref name="at"/> in one thing, the cheapest to try first.</summary>
    protected abstract (Func<CpuCut, bool> Suits, IEnumerable<CpuCut> Near) Space(ClRequest request, CpuCut at);
}
