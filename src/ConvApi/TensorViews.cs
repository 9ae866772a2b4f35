using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using ConvNative.Problems;

namespace ConvNative;

/// <summary>Reads tensor views as they are: dense ones in place, channels-last ones in place, all others by a copy.</summary>
internal static class TensorViews
{
    public static Dims Shape(ReadOnlySpan<nint> lengths)
    {
        var d = new long[lengths.Length];
        for (int i = 0; i < d.Length; i++) d[i] = lengths[i];
        return Dims.Create(d);
    }

    /// <summary>The layout that the strides spell, or null. A dimension of length 1 may have any stride (the library wants 0).</summary>
    public static Layout? LayoutOf(ReadOnlySpan<nint> lengths, ReadOnlySpan<nint> strides)
    {
        Dims shape = Shape(lengths);
        foreach (Layout layout in (ReadOnlySpan<Layout>)[Layout.ChannelsFirst, Layout.ChannelsLast])
        {
            Dims want = Layouts.Strides(shape, layout);
            bool same = true;
            for (int i = 0; i < shape.Count; i++) same &= shape[i] == 1 || strides[i] == want[i];
            if (same) return layout;
        }

        return null;
    }

    /// <summary>The elements in memory order of <paramref name="layout"/>; copies only where the view is neither.</summary>
    public static ReadOnlySpan<float> Elements(string field, in ReadOnlyTensorSpan<float> view, out Layout layout)
    {
        if (view.FlattenedLength > int.MaxValue) throw new ConvProblemException(field, $"{view.FlattenedLength} elements", "a tensor must have fewer than 2^31");
        int n = (int)view.FlattenedLength;
        if (n == 0)
        {
            layout = Layout.ChannelsFirst;
            return default;
        }

        if (LayoutOf(view.Lengths, view.Strides) is { } known)
        {
            layout = known;
            return MemoryMarshal.CreateReadOnlySpan(in TensorMarshal.GetReference(view), n);
        }

        layout = Layout.ChannelsFirst;
        var copy = new float[n];
        view.FlattenTo(copy);
        return copy;
    }
}
