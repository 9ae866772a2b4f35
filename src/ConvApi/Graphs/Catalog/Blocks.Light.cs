using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs.Catalog;

/// <content>Blocks that save parameters and multiply-adds: separable, grouped, shuffled.</content>
public static partial class Blocks
{
    /// <summary>A depthwise convolution and a 1x1, each with a relu (MobileNet: Howard et al. 2017; Xception leaves the first relu out: Chollet 2016).</summary>
    public static GraphValue DepthwiseSeparable(GraphValue x, long channels, long stride = 1, long kernel = 3, bool reluBetween = true, long? pad = null)
    {
        GraphValue y = x.Depthwise(kernel, new ConvSettings { Stride = stride, Pad = pad });
        return (reluBetween ? y.Relu() : y).Conv(channels, 1).Relu();
    }

    /// <summary>1x1 up, depthwise 3x3, 1x1 down without activation, and a way around where the shapes allow (MobileNet v2: Sandler et al. 2018).</summary>
    public static GraphValue InvertedResidual(GraphValue x, long channels, long stride = 1, long expansion = 6)
    {
        GraphValue y = expansion == 1 ? x : x.Conv(x.Channels * expansion, 1).Activate(Activation.Relu6);
        y = y.Depthwise(3, new ConvSettings { Stride = stride }).Activate(Activation.Relu6).Conv(channels, 1);
        return stride == 1 && x.Channels == channels ? y.Add(x) : y;
    }

    /// <summary>k x 1 and 1 x k in place of k x k (Szegedy et al. 2015, figure 6), without activation between them.</summary>
    public static GraphValue SpatiallySeparable(GraphValue x, long channels, long kernel = 3) => x.Conv(channels, [kernel, 1]).Conv(channels, [1, kernel]);

    /// <summary>
    /// Three 1-D convolutions, along the channels, down and across, in place of k x k x C (Jin, Dundar and Culurciello 2014): 1x1, then depthwise
    /// k x 1 and 1 x k.
    /// </summary>
    public static GraphValue Flattened(GraphValue x, long channels, long kernel = 3) =>
        x.Conv(channels, 1).Conv(channels, [kernel, 1], new ConvSettings { Groups = channels }).Conv(channels, [1, kernel], new ConvSettings { Groups = channels });

    /// <summary>Two halves that do not see each other (AlexNet: Krizhevsky, Sutskever and Hinton 2012, on two GPUs), with a relu.</summary>
    public static GraphValue TwoHalves(GraphValue x, long channels, long kernel) => x.Conv(channels, kernel, new ConvSettings { Groups = 2 }).Relu();

    /// <summary>
    /// ShuffleNet's unit (Zhang et al. 2017, figure 2): grouped 1x1, shuffle, depthwise 3x3, grouped 1x1; added to its input at stride 1, beside an
    /// average pooling of it at stride 2. <paramref name="channels"/> is the unit's whole output; <paramref name="firstGroups"/> is 1 where the
    /// input has too few channels to be cut.
    /// </summary>
    public static GraphValue ShuffleUnit(GraphValue x, long channels, long groups, long stride = 1, long? firstGroups = null)
    {
        long own = stride == 1 ? channels : channels - x.Channels, width = channels / 4;
        GraphValue y = x.Conv(width, 1, new ConvSettings { Groups = firstGroups ?? groups }).Relu().Shuffle(groups)
            .Depthwise(3, new ConvSettings { Stride = stride }).Conv(own, 1, new ConvSettings { Groups = groups });
        return (stride == 1 ? y.Add(x) : x.AveragePool(3, 2, 1).Concat(y)).Relu();
    }

    /// <summary>
    /// Interleaved group convolution (Zhang et al. 2017): k x k in <paramref name="primary"/> groups, then 1x1 in as many groups as a primary
    /// one has channels, each of which takes one channel of every primary group, and back to the first order.
    /// </summary>
    public static GraphValue Interleaved(GraphValue x, long primary, long kernel = 3)
    {
        long secondary = x.Channels / primary;
        return x.Conv(x.Channels, kernel, new ConvSettings { Groups = primary }).Shuffle(primary).Conv(x.Channels, 1, new ConvSettings { Groups = secondary }).Shuffle(secondary).Relu();
    }

    /// <summary>A depthwise convolution as large as the image: a weighted mean of each channel (MobileFaceNet: Chen et al. 2018).</summary>
    public static GraphValue GlobalDepthwise(GraphValue x) =>
        x.Conv(x.Channels, x.Shape.Slice(2), new ConvSettings { Groups = x.Channels, Pad = 0 });

    /// <summary>Convolutions of one kernel at several dilations side by side, concatenated and joined by a 1x1 (DeepLab: Chen et al. 2017), without the image-level branch.</summary>
    public static GraphValue AtrousPyramid(GraphValue x, long channels, params ReadOnlySpan<long> rates)
    {
        GraphValue all = x.Conv(channels, 1).Relu();
        foreach (long rate in rates) all = all.Concat(x.Conv(channels, 3, new ConvSettings { Dilation = rate }).Relu());
        return all.Conv(channels, 1).Relu();
    }

    /// <summary>
    /// A 3x3 convolution that says where to look, and one that looks there (Dai et al. 2017); with <paramref name="modulated"/> also how much each
    /// sample counts, between 0 and 1 (Zhu et al. 2018; the paper's 2*sigmoid is left to the weights).
    /// </summary>
    public static GraphValue Deformable(GraphValue x, long channels, long kernel = 3, long offsetGroups = 1, bool modulated = false)
    {
        GraphValue offset = x.Conv(2 * offsetGroups * kernel * kernel, kernel);
        GraphValue? mask = modulated ? x.Conv(offsetGroups * kernel * kernel, kernel).Activate(Activation.Sigmoid) : null;
        return x.Deformable(channels, kernel, offset, mask).Relu();
    }

    /// <summary>A convolution to r*r times the channels, rearranged to r times the size (Shi et al. 2016).</summary>
    public static GraphValue SubPixelUpsampling(GraphValue x, long channels, long r = 2, long kernel = 3) => x.Conv(channels * r * r, kernel).SubPixel(r);

    /// <summary>A transposed convolution of stride r; a kernel that r divides overlaps evenly, any other draws a checkerboard (Odena, Dumoulin and Olah 2016).</summary>
    public static GraphValue TransposedUpsampling(GraphValue x, long channels, long r = 2, long kernel = 4) =>
        x.ConvTransposed(channels, kernel, new ConvSettings { Stride = r, Pad = Math.Max(0, (kernel - r) / 2) });
}
