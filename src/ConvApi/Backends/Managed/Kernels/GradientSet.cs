using System.Runtime.Intrinsics;
using ConvNative.Backends.Common.Numbers;

namespace ConvNative.Backends.Managed.Kernels;

/// <summary>The gradient kernels of one element type on the widest vectors of this machine.</summary>
internal sealed unsafe class GradientSet
{
    private readonly delegate*<int, int, delegate*<GradientArguments*, void>> _findOuter;
    private readonly delegate*<int, int, delegate*<GradientArguments*, void>> _findGroups;
    private readonly int _accumulators;

    private GradientSet(
        int lanes, int accumulators, delegate*<int, int, delegate*<GradientArguments*, void>> findOuter, delegate*<int, int, delegate*<GradientArguments*, void>> findGroups,
        delegate*<GradientArguments*, void> walk)
    {
        Walk = walk;
        Lanes = lanes;
        _accumulators = accumulators;
        _findOuter = findOuter;
        _findGroups = findGroups;
    }

    /// <summary>Elements of a vector.</summary>
    public int Lanes { get; }

    /// <summary>3x3 between two planes, vectors along their rows.</summary>
    public delegate*<GradientArguments*, void> Walk { get; }

    public static GradientSet For<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(double))
            return InstructionSet.VectorBits switch
            {
                512 => Of<D512, Vector512<double>>(),
                256 => Of<D256, Vector256<double>>(),
                128 => Of<D128, Vector128<double>>(),
                _ => Of<D1, double>(),
            };
        return InstructionSet.VectorBits switch
        {
            512 => Of<F512, Vector512<float>>(),
            256 => Of<F256, Vector256<float>>(),
            128 => Of<F128, Vector128<float>>(),
            _ => Of<F1, float>(),
        };
    }

    /// <summary>Outer products of <paramref name="rows"/> single elements and <paramref name="vectors"/> (1, 2 or 4) vectors.</summary>
    public delegate*<GradientArguments*, void> Outer(int rows, int vectors) => Known(_findOuter(rows, vectors), rows, vectors);

    /// <summary>Lane by lane, <paramref name="taps"/> taps for groups of <paramref name="channels"/> (1, 2, 4 or 8).</summary>
    public delegate*<GradientArguments*, void> Groups(int taps, int channels) => Known(_findGroups(taps, channels), taps, channels);

    /// <summary>Most rows beside that many vectors.</summary>
    public int MostRows(int vectors) => Math.Min(14, _accumulators / vectors);

    /// <summary>Most taps of one call for groups of <paramref name="channels"/>; the orders of the group take registers too.</summary>
    public int MostTaps(int channels) => Math.Clamp((_accumulators >= 24 ? 24 : 12) / channels, 1, 9);

    private static GradientSet Of<TOps, TVec>()
        where TOps : struct, IVectorOps<TVec>
        where TVec : unmanaged =>
        new(sizeof(TVec) / TOps.ElementSize, TOps.Accumulators, &GradientKernels<TOps, TVec>.FindOuter, &GradientKernels<TOps, TVec>.FindGroups, WalkKernels<TOps, TVec>.Find());

    private static delegate*<GradientArguments*, void> Known(delegate*<GradientArguments*, void> kernel, int a, int b) =>
        kernel != null ? kernel : throw new InvalidOperationException($"no gradient kernel {a} by {b}");
}
