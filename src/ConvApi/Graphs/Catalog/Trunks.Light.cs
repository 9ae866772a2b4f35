using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs.Catalog;

/// <content>Networks for small devices, for segmentation and for images that are made.</content>
public static partial class Trunks
{
    /// <summary>MobileNet v1 (Howard et al. 2017), width 1.</summary>
    public static ConvGraph MobileNetV1(long batch = 1, long size = 224, long classes = 1000)
    {
        var g = new GraphBuilder("MobileNet v1");
        GraphValue x = g.Input([batch, 3, size, size]).Conv(32, 3, new ConvSettings { Stride = 2 }).Relu();
        foreach ((long channels, long stride) in new (long, long)[] { (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1) })
            x = Blocks.DepthwiseSeparable(x, channels, stride);
        return g.Build(x.GlobalAveragePool().FullyConnected(classes));
    }

    /// <summary>MobileNet v2 (Sandler et al. 2018), width 1.</summary>
    public static ConvGraph MobileNetV2(long batch = 1, long size = 224, long classes = 1000)
    {
        var g = new GraphBuilder("MobileNet v2");
        GraphValue x = g.Input([batch, 3, size, size]).Conv(32, 3, new ConvSettings { Stride = 2 }).Activate(Activation.Relu6);
        foreach ((long expansion, long channels, int count, long stride) in new (long, long, int, long)[] { (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1) })
            for (int i = 0; i < count; i++) x = Blocks.InvertedResidual(x, channels, i == 0 ? stride : 1, expansion);
        return g.Build(x.Conv(1280, 1).Activate(Activation.Relu6).GlobalAveragePool().FullyConnected(classes));
    }

    /// <summary>ShuffleNet v1 with three groups, width 1 (Zhang et al. 2017).</summary>
    public static ConvGraph ShuffleNet(long batch = 1, long size = 224, long classes = 1000)
    {
        var g = new GraphBuilder("ShuffleNet v1, 3 groups");
        GraphValue x = g.Input([batch, 3, size, size]).Conv(24, 3, new ConvSettings { Stride = 2 }).Relu().MaxPool(3, 2, 1);
        foreach ((long channels, int count) in new[] { (240L, 4), (480L, 8), (960L, 4) })
            for (int i = 0; i < count; i++) x = Blocks.ShuffleUnit(x, channels, 3, i == 0 ? 2 : 1, x.Channels == 24 ? 1 : null);
        return g.Build(x.GlobalAveragePool().FullyConnected(classes));
    }

    /// <summary>The head of DeepLab on features of <paramref name="channels"/> channels: an atrous pyramid and a classifier at each position (Chen et al. 2017).</summary>
    public static ConvGraph DeepLabHead(long batch = 1, long size = 28, long channels = 2048, long width = 256, long classes = 21)
    {
        var g = new GraphBuilder("DeepLab head");
        return g.Build(Blocks.AtrousPyramid(g.Input([batch, channels, size, size]), width, 6, 12, 18).Conv(classes, 1));
    }

    /// <summary>U-Net (Ronneberger et al. 2015), padded so that sizes are kept; <paramref name="size"/> must be a multiple of 16.</summary>
    public static ConvGraph UNet(long batch = 1, long size = 224, long width = 64, long classes = 2)
    {
        var g = new GraphBuilder("U-Net");
        GraphValue x = g.Input([batch, 3, size, size]);
        var levels = new Stack<GraphValue>();
        for (int i = 0; i < 4; i++)
        {
            levels.Push(Blocks.Stacked(x, width << i));
            x = levels.Peek().MaxPool(2, 2);
        }

        x = Blocks.Stacked(x, width << 4);
        for (int i = 3; i >= 0; i--) x = Blocks.Stacked(levels.Pop().Concat(x.ConvTransposed(width << i, 2, new ConvSettings { Stride = 2 })), width << i);
        return g.Build(x.Conv(classes, 1));
    }

    /// <summary>DCGAN's generator of 64x64 images (Radford, Metz and Chintala 2015), from <paramref name="code"/> numbers.</summary>
    public static ConvGraph DcganGenerator(long batch = 1, long code = 100, long width = 64)
    {
        var g = new GraphBuilder("DCGAN generator");
        GraphValue x = g.Input([batch, code, 1, 1]).ConvTransposed(8 * width, 4).Relu();
        for (long factor = 4; factor >= 1; factor /= 2) x = Blocks.TransposedUpsampling(x, factor * width).Relu();
        return g.Build(Blocks.TransposedUpsampling(x, 3).Activate(Activation.Tanh));
    }
}
