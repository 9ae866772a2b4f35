using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>Plain channels-first tensors to the layout that a plan chose, and back.</summary>
internal static class LayoutMove
{
    /// <param name="from">Source.</param>
    /// <param name="to">Target of the same length.</param>
    /// <param name="shape">Logical shape.</param>
    /// <param name="type">Element type.</param>
    /// <param name="asked">The problem's layout; only <see cref="Layout.Any"/> converts.</param>
    /// <param name="chosen">The plan's.</param>
    /// <param name="pack">From channels first to the plan's layout, or the other way.</param>
    public static void Copy(ReadOnlySpan<byte> from, Span<byte> to, Dims shape, DataType type, Layout asked, Layout chosen, bool pack)
    {
        if (asked != Layout.Any || chosen != Layout.ChannelsLast)
        {
            from.CopyTo(to);
            return;
        }

        int size = type.SizeOf(), channels = checked((int)shape[1]), positions = checked((int)shape.Slice(2).Product), image = channels * positions * size;
        for (int n = 0; n < shape[0]; n++)
            for (int c = 0; c < channels; c++)
                for (int i = 0; i < positions; i++)
                {
                    int first = (n * image) + (((c * positions) + i) * size), last = (n * image) + (((i * channels) + c) * size);
                    from.Slice(pack ? first : last, size).CopyTo(to[(pack ? last : first)..]);
                }
    }
}
