using System.Runtime.Intrinsics;
using ConvNative.Backends.Common.Numbers;

namespace ConvNative.Backends.Managed.Kernels;

/// <summary>The micro-kernels of one element type on the widest vectors of this machine.</summary>
internal sealed unsafe class KernelSet
{
    private readonly delegate*<int, int, delegate*<MicroArguments*, void>> _find;
    private readonly delegate*<int, delegate*<MicroArguments*, void>> _findLanes;
    private readonly delegate*<int, delegate*<MicroArguments*, void>> _findSweep;
    private readonly delegate*<int, delegate*<MicroArguments*, void>> _findGroups;
    private readonly delegate*<int, int, delegate*<MicroArguments*, void>> _findFlat;
    private readonly delegate*<int, int, int, delegate*<MicroArguments*, void>> _findRow;

    private KernelSet(
        int lanes, int accumulators, delegate*<int, int, delegate*<MicroArguments*, void>> find, delegate*<int, delegate*<MicroArguments*, void>> findLanes,
        delegate*<int, delegate*<MicroArguments*, void>> findSweep, delegate*<int, delegate*<MicroArguments*, void>> findGroups,
        delegate*<int, int, delegate*<MicroArguments*, void>> findFlat, delegate*<int, int, int, delegate*<MicroArguments*, void>> findRow)
    {
        Lanes = lanes;
        Accumulators = accumulators;
        _find = find;
        _findLanes = findLanes;
        _findSweep = findSweep;
        _findGroups = findGroups;
        _findFlat = findFlat;
        _findRow = findRow;
    }

    /// <summary>Elements of a vector.</summary>
    public int Lanes { get; }

    /// <summary>Accumulators that fit the registers.</summary>
    public int Accumulators { get; }

    /// <summary>Those of f32, f64, or int: pairs of 16-bit integers.</summary>
    public static KernelSet For<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(int))
            return InstructionSet.VectorBits switch
            {
                512 => Of<I512, Vector512<int>>(),
                256 => Of<I256, Vector256<int>>(),
                128 => Of<I128, Vector128<int>>(),
                _ => Of<I1, int>(),
            };
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

    /// <summary>Rows by vectors (1, 2 or 4) with shared vectors of b and single elements of a.</summary>
    public delegate*<MicroArguments*, void> Find(int rows, int vectors) => Known(_find(rows, vectors), rows, vectors);

    /// <summary>Rows of one vector, vectors of a with vectors of b.</summary>
    public delegate*<MicroArguments*, void> FindLanes(int rows) => Known(_findLanes(rows), rows, 1);

    /// <summary>Rows of one vector that holds several groups: channels of a are spread over the lanes of their group.</summary>
    public delegate*<MicroArguments*, void> FindGroups(int rows) => Known(_findGroups(rows), rows, 1);

    /// <summary>Vectors of b against single weights of a, <c>Run</c> vectors on; null for tap counts that have none.</summary>
    public delegate*<MicroArguments*, void> FindSweep(int taps) => _findSweep(taps);

    /// <summary>Result rows of a plane against a kernel of so many rows; null where there is none.</summary>
    public delegate*<MicroArguments*, void> FindFlat(int taps, int rows) => _findFlat(taps, rows);

    /// <summary>Pixels of a channels-last row against a kernel of so many columns; null where there is none.</summary>
    public delegate*<MicroArguments*, void> FindRow(int taps, int stride, int pixels) => _findRow(taps, stride, pixels);

    /// <summary>Most rows of a kernel with that many vectors.</summary>
    public int MostRows(int vectors) => Math.Min(14, Accumulators / vectors);

    private static KernelSet Of<TOps, TVec>()
        where TOps : struct, IVectorOps<TVec>
        where TVec : unmanaged =>
        new(sizeof(TVec) / TOps.ElementSize, TOps.Accumulators, &MicroKernels<TOps, TVec>.Find, &MicroKernels<TOps, TVec>.FindLanes, &MicroKernels<TOps, TVec>.FindSweep, &MicroKernels<TOps, TVec>.FindGroups,
            &MicroKernels<TOps, TVec>.FindFlat, &MicroKernels<TOps, TVec>.FindRow);

    private static delegate*<MicroArguments*, void> Known(delegate*<MicroArguments*, void> kernel, int rows, int vectors) =>
        kernel != null ? kernel : throw new InvalidOperationException($"no micro-kernel of {rows} rows and {vectors} vectors");
}
