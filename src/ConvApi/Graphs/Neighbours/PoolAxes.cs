using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs.Neighbours;

/// <summary>A pooling's spatial axes, filled up in front to three, and which input positions each window covers.</summary>
internal sealed class PoolAxes(PoolWindow window, Dims input, Dims output)
{
    /// <summary>Input sizes: depth, height, width.</summary>
    public long[] Input { get; } = Three(input);

    /// <summary>Output sizes: depth, height, width.</summary>
    public long[] Output { get; } = Three(output);

    /// <summary>The positions inside the input that the window of <paramref name="at"/> covers on an axis, the end exclusive.</summary>
    public (long From, long To) Range(int axis, long at)
    {
        int own = axis - (3 - window.Kernel.Count);
        if (own < 0) return (0, 1);
        long begin = (at * window.Strides[own]) - window.PadsBegin[own];
        return (Math.Max(0, begin), Math.Min(Input[axis], begin + window.Kernel[own]));
    }

    private static long[] Three(Dims shape) => [.. Enumerable.Repeat(1L, 5 - shape.Count), .. shape.Skip(2)];
}
