namespace ConvNative.Problems;

/// <summary>Sizes along one spatial axis. The formulas are those of DESIGN's "Meaning"; ONNX and PyTorch agree.</summary>
public static class ConvGeometry
{
    /// <summary>Extent of a dilated kernel, <c>d*(K-1)+1</c>.</summary>
    public static long Extent(long kernel, long dilation) => checked(((kernel - 1) * dilation) + 1);

    /// <summary>A true floor of a/b for b &gt; 0 (C#'s division truncates).</summary>
    public static long FloorDiv(long a, long b)
    {
        long q = a / b;
        return a % b < 0 ? q - 1 : q;
    }

    /// <summary>Correlation: <c>floor((I + pb + pe - extent)/s) + 1</c>; not positive where the kernel does not fit.</summary>
    public static long OutputSize(long input, long kernel, long stride, long dilation, long padBegin, long padEnd) =>
        FloorDiv(checked(input + padBegin + padEnd - Extent(kernel, dilation)), stride) + 1;

    /// <summary>Transposed: <c>(I-1)*s - pb - pe + extent + op</c>.</summary>
    public static long TransposedOutputSize(long input, long kernel, long stride, long dilation, long padBegin, long padEnd, long outputPadding) =>
        checked(((input - 1) * stride) - padBegin - padEnd + Extent(kernel, dilation) + outputPadding);

    /// <summary>The end pad that makes a correlation's output exactly <paramref name="output"/>; negative where trailing rows are never read.</summary>
    public static long ImpliedPadEnd(long input, long output, long kernel, long stride, long dilation, long padBegin) =>
        checked(((output - 1) * stride) + Extent(kernel, dilation) - input - padBegin);

    /// <summary>Pads of <see cref="AutoPad.SameUpper"/> and <see cref="AutoPad.SameLower"/> for a correlation (ONNX Conv, opset 11).</summary>
    public static (long Begin, long End) SamePads(long input, long kernel, long stride, long dilation, bool upper)
    {
        long output = (input + stride - 1) / stride;
        long total = Math.Max(0, ImpliedPadEnd(input, output, kernel, stride, dilation, 0));
        return upper ? (total / 2, total - (total / 2)) : (total - (total / 2), total / 2);
    }

    /// <summary>
    /// Pads of a transposed convolution with a wanted output size (ONNX ConvTranspose): the larger half goes to the end for
    /// <see cref="AutoPad.SameUpper"/>, else to the begin. A size beyond the reach of the kernel is met by extra output padding.
    /// </summary>
    public static (long Begin, long End, long ExtraOutputPadding) TransposedPads(
        long input, long output, long kernel, long stride, long dilation, long outputPadding, bool upper)
    {
        long total = TransposedOutputSize(input, kernel, stride, dilation, 0, 0, outputPadding) - output;
        if (total < 0) return (0, 0, -total);
        return upper ? (total / 2, total - (total / 2), 0) : (total - (total / 2), total / 2, 0);
    }
}
