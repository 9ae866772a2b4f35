using ConvNative.Problems.Rules;

namespace ConvNative.Problems;

/// <summary>Physical strides of tensors whose logical order is channels first.</summary>
public static class Layouts
{
    /// <summary>
    /// Strides in elements, in logical axis order, of a dense tensor of <paramref name="shape"/> stored as <paramref name="layout"/>
    /// (axis 1 innermost for <see cref="Layout.ChannelsLast"/>; <see cref="Layout.Any"/> counts as channels first).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layout.</exception>
    public static Dims Strides(Dims shape, Layout layout)
    {
        DefinedValue.Of(nameof(layout), layout);
        if (layout != Layout.ChannelsLast || shape.Count < 3) return shape.DenseStrides();
        var s = new long[shape.Count];
        s[1] = 1;
        long step = Math.Max(1, shape[1]);
        for (int i = shape.Count - 1; i >= 2; i--)
        {
            s[i] = step;
            step *= Math.Max(1, shape[i]);
        }

        s[0] = step;
        return Dims.Create(s);
    }

    /// <summary>benchdnn's tag: abx, axb or any.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layout.</exception>
    public static string Tag(this Layout layout) => layout switch
    {
        Layout.ChannelsFirst => "abx",
        Layout.ChannelsLast => "axb",
        Layout.Any => "any",
        _ => throw DefinedValue.Error(nameof(layout), layout),
    };
}
