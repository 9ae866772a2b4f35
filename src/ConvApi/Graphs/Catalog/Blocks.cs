using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs.Catalog;

/// <summary>
/// The convolutional blocks of the literature, each added to a graph under construction. Batch normalisation is folded into weights and
/// biases, as for inference. Papers name the source of each structure.
/// </summary>
public static partial class Blocks
{
    /// <summary>A 1x1 convolution: a fully connected layer at every position.</summary>
    public static GraphValue Pointwise(GraphValue x, long channels, long groups = 1) => x.Conv(channels, 1, new ConvSettings { Groups = groups });

    /// <summary><paramref name="count"/> convolutions one on the other, each with a relu (VGG: Simonyan and Zisserman 2014).</summary>
    public static GraphValue Stacked(GraphValue x, long channels, int count = 2, long kernel = 3)
    {
        for (int i = 0; i < count; i++) x = x.Conv(channels, kernel).Relu();
        return x;
    }

    /// <summary>A convolution and two 1x1 ones, each with a relu: a small network at every position (Network in Network: Lin, Chen and Yan 2013).</summary>
    public static GraphValue NetworkInNetwork(GraphValue x, long channels, long kernel, long hidden, long outputs, long stride = 1) =>
        Pointwise(Pointwise(x.Conv(channels, kernel, new ConvSettings { Stride = stride }).Relu(), hidden).Relu(), outputs).Relu();

    /// <summary>Convolutions of three sizes and a pooling side by side (Szegedy et al. 2014, figure 2a).</summary>
    public static GraphValue InceptionNaive(GraphValue x, long c1, long c3, long c5)
    {
        GraphValue a = x.Conv(c1, 1).Relu(), b = x.Conv(c3, 3).Relu(), c = x.Conv(c5, 5).Relu();
        return a.Concat(b, c, x.MaxPool(3, 1, 1));
    }

    /// <summary>As <see cref="InceptionNaive"/>, with 1x1 convolutions before the 3x3 and 5x5 and behind the pooling (Szegedy et al. 2014, figure 2b).</summary>
    public static GraphValue Inception(GraphValue x, long c1, long reduce3, long c3, long reduce5, long c5, long pool)
    {
        GraphValue a = x.Conv(c1, 1).Relu(), b = x.Conv(reduce3, 1).Relu().Conv(c3, 3).Relu(), c = x.Conv(reduce5, 1).Relu().Conv(c5, 5).Relu();
        return a.Concat(b, c, x.MaxPool(3, 1, 1).Conv(pool, 1).Relu());
    }

    /// <summary>Two 3x3 convolutions and a way around them (He et al. 2015, figure 5 left).</summary>
    public static GraphValue Basic(GraphValue x, long channels, long stride = 1)
    {
        GraphValue way = Shortcut(x, channels, stride);
        return x.Conv(channels, 3, new ConvSettings { Stride = stride }).Relu().Conv(channels, 3).Add(way).Relu();
    }

    /// <summary>
    /// 1x1 down, 3x3, 1x1 up, and a way around them (He et al. 2015, figure 5 right); the stride is on the 3x3, as ResNet v1.5 has it. With
    /// groups the aggregated block of ResNeXt (Xie et al. 2016, figure 3c).
    /// </summary>
    public static GraphValue Bottleneck(GraphValue x, long width, long channels, long stride = 1, long groups = 1, long squeeze = 0)
    {
        GraphValue way = Shortcut(x, channels, stride);
        GraphValue y = x.Conv(width, 1).Relu().Conv(width, 3, new ConvSettings { Stride = stride, Groups = groups }).Relu().Conv(channels, 1);
        if (squeeze > 0) y = SqueezeExcitation(y, squeeze);
        return y.Add(way).Relu();
    }

    /// <summary>Channels weighted by what their means say: mean, 1x1 down, relu, 1x1 up, sigmoid, scale (Hu, Shen and Sun 2017).</summary>
    public static GraphValue SqueezeExcitation(GraphValue x, long reduction = 16) =>
        x.Scale(x.GlobalAveragePool().Conv(Math.Max(1, x.Channels / reduction), 1).Relu().Conv(x.Channels, 1).Activate(Activation.Sigmoid));

    /// <summary>
    /// Each layer reads all before it: 1x1 to four times the growth, 3x3 to the growth, concatenated (Huang et al. 2016, DenseNet-B). The relu
    /// and the normalisation lie before the convolutions there; a normalisation that cannot be folded is left out here.
    /// </summary>
    public static GraphValue Dense(GraphValue x, int layers, long growth)
    {
        for (int i = 0; i < layers; i++) x = x.Concat(x.Relu().Conv(4 * growth, 1).Relu().Conv(growth, 3));
        return x;
    }

    /// <summary>A squeeze to few channels, then 1x1 and 3x3 side by side (Iandola et al. 2016, SqueezeNet's fire module).</summary>
    public static GraphValue Fire(GraphValue x, long squeeze, long expand1, long expand3)
    {
        GraphValue s = x.Conv(squeeze, 1).Relu();
        return s.Conv(expand1, 1).Relu().Concat(s.Conv(expand3, 3).Relu());
    }

    private static GraphValue Shortcut(GraphValue x, long channels, long stride) =>
        stride == 1 && x.Channels == channels ? x : x.Conv(channels, 1, new ConvSettings { Stride = stride, Pad = 0 });
}
