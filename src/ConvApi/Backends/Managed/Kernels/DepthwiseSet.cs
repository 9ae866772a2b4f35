using System.Runtime.Intrinsics;
using ConvNative.Backends.Common.Numbers;

namespace ConvNative.Backends.Managed.Kernels;

/// <summary>The depthwise kernels of one element type on the widest vectors of this machine; null where there is none.</summary>
internal sealed unsafe class DepthwiseSet
{
    private readonly delegate*<int, int, int, delegate*<MicroArguments*, void>> _findTile;
    private readonly delegate*<int, int, int, delegate*<MicroArguments*, void>> _findSplit;
    private readonly delegate*<int, int, int, delegate*<MicroArguments*, void>> _findGroupRow;
    private readonly int _registers;

    private DepthwiseSet(
        int accumulators, delegate*<int, int, int, delegate*<MicroArguments*, void>> findTile, delegate*<int, int, int, delegate*<MicroArguments*, void>> findSplit,
        delegate*<int, int, int, delegate*<MicroArguments*, void>> findGroupRow)
    {
        _registers = accumulators < 24 ? 16 : 32;
        _findTile = findTile;
        _findSplit = findSplit;
        _findGroupRow = findGroupRow;
    }

    public static DepthwiseSet For<T>()
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

    /// <summary>Two rows of so many pixels, vectors along channels; null too where results and two rows of weights outgrow the registers.</summary>
    public delegate*<MicroArguments*, void> Tile(int taps, int stride, int pixels) => (2 * pixels) + (2 * taps) + 1 > _registers ? null : _findTile(taps, stride, pixels);

    /// <summary>Stride 2 on channels-first planes: the first column is even (0) or odd (1), so many result rows.</summary>
    public delegate*<MicroArguments*, void> Split(int taps, int first, int rows) => _findSplit(taps, first, rows);

    /// <summary>So many pixels of a row, vectors of several groups.</summary>
    public delegate*<MicroArguments*, void> GroupRow(int taps, int stride, int pixels) => _findGroupRow(taps, stride, pixels);

    private static DepthwiseSet Of<TOps, TVec>()
        where TOps : struct, ISortingOps<TVec>
        where TVec : unmanaged =>
        new(TOps.Accumulators, &DepthwiseKernels<TOps, TVec>.FindTile, &DepthwiseKernels<TOps, TVec>.FindSplit, &DepthwiseKernels<TOps, TVec>.FindGroupRow);
}
