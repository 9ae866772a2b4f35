using ConvNative.Problems;

namespace ConvNative.Backends.Common.Geometry;

/// <summary>Strides of a tensor in elements, with spatial axes D, H, W; an axis that the rank lacks has stride 0 and size 1.</summary>
internal readonly record struct Strides5(long N, long C, long D, long H, long W)
{
    public static Strides5 Of(Dims shape, Layout layout)
    {
        Dims s = Layouts.Strides(shape, layout);
        int r = shape.Count - 2;
        return new(s[0], s[1], r > 2 ? s[^3] : 0, r > 1 ? s[^2] : 0, s[^1]);
    }
}

/// <summary>
/// A problem seen as a correlation between its big side (read by the correlation) and its small side: a transposed convolution is
/// the same thing with its input on the small side. Weights are <c>[small channels, big channels/groups, k...]</c> in both cases.
/// </summary>
internal sealed class View
{
    public View(ConvProblem p)
    {
        Problem = p;
        bool bigIsOutput = p.Op is ConvOp.Transposed or ConvOp.Col2im;
        Dims bigShape = bigIsOutput ? p.OutputShape : p.InputShape, smallShape = bigIsOutput ? p.InputShape : p.OutputShape;
        Big = Strides5.Of(bigShape, bigIsOutput ? p.OutputLayout : p.InputLayout);
        Small = Strides5.Of(smallShape, bigIsOutput ? p.InputLayout : p.OutputLayout);
        BigChannels = checked((int)bigShape[1]);
        SmallChannels = checked((int)smallShape[1]);
        Groups = checked((int)p.Groups);
        Axes = new AxisMap[3];
        int rank = p.Rank;
        for (int a = 0; a < 3; a++)
        {
            int i = a - 3 + rank;
            if (i < 0)
            {
                Axes[a] = new AxisMap(1, 1, 1, 1, 1, 0, PaddingMode.Zeros);
                continue;
            }

            int big = checked((int)bigShape[i + 2]);
            long small = smallShape.Count == rank + 2 ? smallShape[i + 2] : 0;
            if (p.Op is ConvOp.Im2col or ConvOp.Col2im)
                small = ConvGeometry.OutputSize(big, p.Kernel[i], p.Strides[i], p.Dilations[i], p.PadsBegin[i], p.PadsEnd[i]);
            Axes[a] = new AxisMap(big, checked((int)small), checked((int)p.Kernel[i]), p.Strides[i], p.Dilations[i], p.PadsBegin[i], p.PaddingMode);
        }

        if (p.Op is ConvOp.Im2col or ConvOp.Col2im)
            Small = Small with { D = Small.W * Axes[1].Small * Axes[2].Small, H = Small.W * Axes[2].Small };
    }

    private View(View view, int rows, int columns)
    {
        Problem = view.Problem;
        (BigChannels, SmallChannels, Groups) = (view.BigChannels, view.SmallChannels, view.Groups);
        Big = view.Big with { H = view.Big.W * columns };
        Small = view.Small with { H = view.Small.W * columns };
        Axes = [new AxisMap(1, 1, 1, 1, 1, 0, PaddingMode.Zeros), new AxisMap(rows, rows, 1, 1, 1, 0, PaddingMode.Zeros), new AxisMap(columns, columns, 1, 1, 1, 0, PaddingMode.Zeros)];
    }

    public ConvProblem Problem { get; }

    public Strides5 Big { get; }

    /// <summary>Strides of the small side; for im2col and col2im the channel stride is that of a row <c>c*K + k</c>.</summary>
    public Strides5 Small { get; }

    public int BigChannels { get; }

    public int SmallChannels { get; }

    public int Groups { get; }

    /// <summary>D, H, W.</summary>
    public AxisMap[] Axes { get; }

    public int Taps => Axes[0].Kernel * Axes[1].Kernel * Axes[2].Kernel;

    public bool Flip => Problem.Op == ConvOp.Convolution;

    /// <summary>The correlation itself (small from big), as opposed to its adjoint (big from small).</summary>
    public bool IsDown => (Problem.Op is ConvOp.Transposed or ConvOp.Col2im) == (Problem.Direction != Direction.Forward);

    /// <summary>One tap, no stride and no padding: a pixel has no neighbours.</summary>
    public bool IsPointwise => Array.TrueForAll(Axes, a => a.Kernel == 1 && a.Stride == 1 && a.PadBegin == 0 && a.Big == a.Small);

    /// <summary>
    /// The same problem with its pixels in other rows, <paramref name="least"/> to <paramref name="most"/> pixels long; itself where that cannot be
    /// or pixels have neighbours.
    /// </summary>
    public View Rearranged(int least, int most)
    {
        if (!IsPointwise) return this;
        long pixels = (long)Axes[0].Big * Axes[1].Big * Axes[2].Big;
        for (int columns = (int)Math.Min(most, pixels); columns >= Math.Min(least, pixels) && columns > Axes[2].Big; columns--)
            if (pixels % columns == 0) return new View(this, (int)(pixels / columns), columns);
        return this;
    }

    /// <summary>Offset of weight (small channel, big channel in the group, tap) in the caller's tensor.</summary>
    public long WeightOffset(Strides5 w, int small, int big, int kd, int kh, int kw) =>
        (small * w.N) + (big * w.C) + (kd * w.D) + (kh * w.H) + (kw * w.W);
}
