using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs.Catalog;

/// <summary>
/// Whole networks of the literature, made of <see cref="Blocks"/>, without dropout and local response normalisation; batch normalisation is folded.
/// Sizes are arguments, so that small ones can be proved and large ones timed.
/// </summary>
public static partial class Trunks
{
    /// <summary>AlexNet (Krizhevsky et al. 2012) in its form of one column with two groups.</summary>
    public static ConvGraph AlexNet(long batch = 1, long size = 227, long classes = 1000)
    {
        var g = new GraphBuilder("AlexNet");
        GraphValue x = g.Input([batch, 3, size, size]).Conv(96, 11, new ConvSettings { Stride = 4, Pad = 0 }).Relu().MaxPool(3, 2);
        x = Blocks.TwoHalves(x, 256, 5).MaxPool(3, 2).Conv(384, 3).Relu();
        x = Blocks.TwoHalves(Blocks.TwoHalves(x, 384, 3), 256, 3).MaxPool(3, 2);
        return g.Build(x.FullyConnected(4096).Relu().FullyConnected(4096).Relu().FullyConnected(classes));
    }

    /// <summary>VGG-16 (Simonyan and Zisserman 2014, configuration D).</summary>
    public static ConvGraph Vgg16(long batch = 1, long size = 224, long classes = 1000, long width = 64)
    {
        var g = new GraphBuilder("VGG-16");
        GraphValue x = g.Input([batch, 3, size, size]);
        foreach ((long factor, int count) in new[] { (1L, 2), (2L, 2), (4L, 3), (8L, 3), (8L, 3) }) x = Blocks.Stacked(x, width * factor, count).MaxPool(2, 2);
        return g.Build(x.FullyConnected(64 * width).Relu().FullyConnected(64 * width).Relu().FullyConnected(classes));
    }

    /// <summary>GoogLeNet (Szegedy et al. 2014) without its auxiliary classifiers.</summary>
    public static ConvGraph GoogLeNet(long batch = 1, long size = 224, long classes = 1000)
    {
        var g = new GraphBuilder("GoogLeNet");
        GraphValue x = g.Input([batch, 3, size, size]).Conv(64, 7, new ConvSettings { Stride = 2 }).Relu().MaxPool(3, 2, 0, 1).Conv(64, 1).Relu().Conv(192, 3).Relu().MaxPool(3, 2, 0, 1);
        x = Blocks.Inception(x, 64, 96, 128, 16, 32, 32);
        x = Blocks.Inception(x, 128, 128, 192, 32, 96, 64).MaxPool(3, 2, 0, 1);
        x = Blocks.Inception(x, 192, 96, 208, 16, 48, 64);
        x = Blocks.Inception(x, 160, 112, 224, 24, 64, 64);
        x = Blocks.Inception(x, 128, 128, 256, 24, 64, 64);
        x = Blocks.Inception(x, 112, 144, 288, 32, 64, 64);
        x = Blocks.Inception(x, 256, 160, 320, 32, 128, 128).MaxPool(3, 2, 0, 1);
        x = Blocks.Inception(x, 256, 160, 320, 32, 128, 128);
        x = Blocks.Inception(x, 384, 192, 384, 48, 128, 128);
        return g.Build(x.GlobalAveragePool().FullyConnected(classes));
    }

    /// <summary>ResNet-50 v1.5 (He et al. 2015; the stride of 2 on the 3x3).</summary>
    public static ConvGraph ResNet50(long batch = 1, long size = 224, long classes = 1000) => Residual("ResNet-50", batch, size, classes, 1, 64, 0);

    /// <summary>ResNeXt-50 32x4d (Xie et al. 2016).</summary>
    public static ConvGraph ResNeXt50(long batch = 1, long size = 224, long classes = 1000) => Residual("ResNeXt-50 32x4d", batch, size, classes, 32, 128, 0);

    /// <summary>SE-ResNet-50 (Hu et al. 2017), reduction 16.</summary>
    public static ConvGraph SeResNet50(long batch = 1, long size = 224, long classes = 1000) => Residual("SE-ResNet-50", batch, size, classes, 1, 64, 16);

    /// <summary>DenseNet-121 (Huang et al. 2016), growth 32; see <see cref="Blocks.Dense"/> for the normalisations.</summary>
    public static ConvGraph DenseNet121(long batch = 1, long size = 224, long classes = 1000, long growth = 32)
    {
        var g = new GraphBuilder("DenseNet-121");
        GraphValue x = g.Input([batch, 3, size, size]).Conv(2 * growth, 7, new ConvSettings { Stride = 2 }).Relu().MaxPool(3, 2, 1);
        int[] layers = [6, 12, 24, 16];
        for (int i = 0; i < layers.Length; i++)
        {
            x = Blocks.Dense(x, layers[i], growth).Relu();
            if (i < 3) x = x.Conv(x.Channels / 2, 1).AveragePool(2, 2);
        }

        return g.Build(x.GlobalAveragePool().FullyConnected(classes));
    }

    /// <summary>SqueezeNet 1.1 (Iandola et al. 2016).</summary>
    public static ConvGraph SqueezeNet(long batch = 1, long size = 224, long classes = 1000)
    {
        var g = new GraphBuilder("SqueezeNet 1.1");
        GraphValue x = g.Input([batch, 3, size, size]).Conv(64, 3, new ConvSettings { Stride = 2, Pad = 0 }).Relu().MaxPool(3, 2);
        x = Blocks.Fire(Blocks.Fire(x, 16, 64, 64), 16, 64, 64).MaxPool(3, 2);
        x = Blocks.Fire(Blocks.Fire(x, 32, 128, 128), 32, 128, 128).MaxPool(3, 2);
        x = Blocks.Fire(Blocks.Fire(x, 48, 192, 192), 48, 192, 192);
        x = Blocks.Fire(Blocks.Fire(x, 64, 256, 256), 64, 256, 256);
        return g.Build(x.Conv(classes, 1).Relu().GlobalAveragePool());
    }

    private static ConvGraph Residual(string name, long batch, long size, long classes, long groups, long width, long squeeze)
    {
        var g = new GraphBuilder(name);
        GraphValue x = g.Input([batch, 3, size, size]).Conv(64, 7, new ConvSettings { Stride = 2 }).Relu().MaxPool(3, 2, 1);
        int[] layers = [3, 4, 6, 3];
        for (int stage = 0; stage < layers.Length; stage++)
            for (int i = 0; i < layers[stage]; i++)
                x = Blocks.Bottleneck(x, width << stage, 256L << stage, stage > 0 && i == 0 ? 2 : 1, groups, squeeze);
        return g.Build(x.GlobalAveragePool().FullyConnected(classes));
    }
}
