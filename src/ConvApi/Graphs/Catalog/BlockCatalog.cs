using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs.Catalog;

/// <summary>Every named block at a size of the literature, beside what it is compared with there.</summary>
public static class BlockCatalog
{
    private static readonly (string Name, Func<(string Name, bool Reduced), BlockExample> Make)[] s_all =
    [
        ("pointwise", n => Example(n, "1x1 convolution: a fully connected layer at every position", [1, 256, 28, 28], x => Blocks.Pointwise(x, 64),
            [("3x3 of the same channels", x => x.Conv(64, 3))])),
        ("fully-connected", n => Example(n, "A fully connected layer as a convolution: the kernel is the image", [1, 512, 7, 7], x => x.FullyConnected(4096),
            [("on 1x1 images it is a 1x1 convolution", x => x.GlobalAveragePool().FullyConnected(4096))])),
        ("stacked", n => Example(n, "Two 3x3 in place of a 5x5 (VGG)", [1, 64, 56, 56], x => Blocks.Stacked(x, 64),
            [("one 5x5", x => x.Conv(64, 5).Relu())], "The receptive field is the same, 5x5; 18 in place of 25 weights a pair of channels, and one more activation.")),
        ("network-in-network", n => Example(n, "A convolution and two 1x1 (Network in Network)", [1, 96, 27, 27], x => Blocks.NetworkInNetwork(x, 256, 5, 256, 256), [("the 5x5 alone", x => x.Conv(256, 5).Relu())])),
        ("inception-naive", n => Example(n, "GoogLeNet 3a without reductions", [1, 192, 28, 28], x => Blocks.InceptionNaive(x, 64, 128, 32),
            [("with 1x1 reductions", x => Blocks.Inception(x, 64, 96, 128, 16, 32, 32))])),
        ("inception", n => Example(n, "GoogLeNet 3a with 1x1 reductions", [1, 192, 28, 28], x => Blocks.Inception(x, 64, 96, 128, 16, 32, 32),
            [("naive", x => Blocks.InceptionNaive(x, 64, 128, 32)), ("without the pool projection", Without)],
            "The often quoted 157,184 leaves out the pool projection's 192*32 = 6,144 weights; the block has 163,328.")),
        ("basic", n => Example(n, "Basic residual block (ResNet-18, -34)", [1, 64, 56, 56], x => Blocks.Basic(x, 64), [("bottleneck of the same time", x => Blocks.Bottleneck(x, 64, 256))])),
        ("bottleneck", n => Example(n, "Bottleneck residual block (ResNet-50)", [1, 256, 56, 56], x => Blocks.Bottleneck(x, 64, 256), [("one 3x3 of 256 channels", x => x.Conv(256, 3).Relu())],
            "3*3*256*256 = 589,824 weights against 256*64 + 3*3*64*64 + 64*256 = 69,632.")),
        ("aggregated", n => Example(n, "Aggregated residual block (ResNeXt-50 32x4d)", [1, 256, 56, 56], x => Blocks.Bottleneck(x, 128, 256, groups: 32), [("bottleneck of ResNet-50", x => Blocks.Bottleneck(x, 64, 256))],
            "About the same weights at twice the width: 32 groups divide the 3x3's by 32.")),
        ("dense", n => Example(n, "Dense block, 6 layers of growth 32 (DenseNet-121)", [1, 64, 56, 56], x => Blocks.Dense(x, 6, 32), [("six 3x3 of the same output", x => Blocks.Stacked(x, 256, 6))])),
        ("fire", n => Example(n, "Fire module (SqueezeNet)", [1, 128, 55, 55], x => Blocks.Fire(x, 16, 64, 64), [("one 3x3 of the same output", x => x.Conv(128, 3).Relu())])),
        ("depthwise-separable", n => Example(n, "Depthwise 3x3 and 1x1 (MobileNet, Xception): 7x7x3 to 5x5x128", [1, 3, 7, 7], x => Blocks.DepthwiseSeparable(x, 128, pad: 0),
            [("one 3x3", x => x.Conv(128, 3, new ConvSettings { Pad = 0 }).Relu())],
            "128*3*3*3*25 = 86,400 multiplications against (3*3*3 + 3*128)*25 = 10,275.")),
        ("separable-256", n => Example(n, "Depthwise 3x3 and 1x1, 3 to 256 channels: weights", [1, 3, 12, 12], x => Blocks.DepthwiseSeparable(x, 256, pad: 0), [("one 3x3", x => x.Conv(256, 3, new ConvSettings { Pad = 0 }).Relu())],
            "3*3*3*256 = 6,912 weights against 3*3*3 + 3*256 = 795.")),
        ("inverted-residual", n => Example(n, "Inverted residual (MobileNet v2)", [1, 24, 56, 56], x => Blocks.InvertedResidual(x, 24), [("one 3x3 of the expanded channels", x => x.Conv(144, 3).Relu())])),
        ("spatially-separable", n => Example(n, "3x1 and 1x3 in place of 3x3", [1, 64, 56, 56], x => Blocks.SpatiallySeparable(x, 64), [("one 3x3", x => x.Conv(64, 3))],
            "6 in place of 9 weights a pair of channels: two thirds; of k x k, 2/k.")),
        ("flattened", n => Example(n, "Three 1-D convolutions: channels, columns, rows", [1, 64, 56, 56], x => Blocks.Flattened(x, 64), [("one 3x3", x => x.Conv(64, 3))])),
        ("two-halves", n => Example(n, "Two halves that do not see each other (AlexNet's conv2)", [1, 96, 27, 27], x => Blocks.TwoHalves(x, 256, 5), [("the whole", x => x.Conv(256, 5).Relu())],
            "G groups divide weights and multiply-adds by G.")),
        ("shuffle", n => Example(n, "ShuffleNet unit, 3 groups", [1, 240, 28, 28], x => Blocks.ShuffleUnit(x, 240, 3), [("the same without groups", x => x.Conv(60, 1).Relu().Depthwise(3).Conv(240, 1).Add(x).Relu()), ("bottleneck of the same width", x => Blocks.Bottleneck(x, 60, 240))])),
        ("interleaved", n => Example(n, "Interleaved group convolution, 4 primary groups", [1, 64, 32, 32], x => Blocks.Interleaved(x, 4), [("one 3x3", x => x.Conv(64, 3).Relu())])),
        ("squeeze-excitation", n => Example(n, "Squeeze and excitation, reduction 16", [1, 256, 56, 56], x => Blocks.SqueezeExcitation(x), [("a bottleneck, which it follows", x => Blocks.Bottleneck(x, 64, 256))])),
        ("atrous-pyramid", n => Example(n, "Atrous pyramid at rates 6, 12, 18 (DeepLab)", [1, 512, 28, 28], x => Blocks.AtrousPyramid(x, 256, 6, 12, 18), [("one 3x3", x => x.Conv(256, 3).Relu())])),
        ("deformable", n => Example(n, "Offsets by a 3x3, then a deformable 3x3", [1, 256, 28, 28], x => Blocks.Deformable(x, 256), [("one 3x3", x => x.Conv(256, 3).Relu()), ("modulated (v2)", x => Blocks.Deformable(x, 256, modulated: true))])),
        ("global-depthwise", n => Example(n, "Depthwise 7x7 over the whole image (MobileFaceNet)", [1, 512, 7, 7], Blocks.GlobalDepthwise, [("fully connected", x => x.FullyConnected(512)), ("the mean of each channel", x => x.GlobalAveragePool())])),
        ("sub-pixel", n => Example(n, "Sub-pixel upsampling by 2", [1, 64, 28, 28], x => Blocks.SubPixelUpsampling(x, 64), [("transposed 4x4, stride 2: even", x => Blocks.TransposedUpsampling(x, 64))])),
        ("transposed", n => Example(n, "Transposed upsampling by 2: 4x4 overlaps evenly", [1, 64, 28, 28], x => Blocks.TransposedUpsampling(x, 64), [("3x3, stride 2: a checkerboard", x => Blocks.TransposedUpsampling(x, 64, kernel: 3)), ("sub-pixel", x => Blocks.SubPixelUpsampling(x, 64))])),
    ];

    /// <summary>The names, in the order of the literature.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_all.Select(b => b.Name)];

    /// <summary>The block called <paramref name="name"/>, or null.</summary>
    public static BlockExample? Find(string name)
    {
        int at = Array.FindIndex(s_all, b => b.Name == name);
        return at < 0 ? null : s_all[at].Make((name, false));
    }

    /// <summary>The block called <paramref name="name"/> on a batch of two small images, for the oracle's naive loops; null where there is none.</summary>
    public static ConvGraph? Reduced(string name)
    {
        int at = Array.FindIndex(s_all, b => b.Name == name);
        return at < 0 ? null : s_all[at].Make((name, true)).Graph;
    }

    private static GraphValue Without(GraphValue x) => x.Conv(64, 1).Relu().Concat(x.Conv(96, 1).Relu().Conv(128, 3).Relu(), x.Conv(16, 1).Relu().Conv(32, 5).Relu());

    private static BlockExample Example((string Name, bool Reduced) which, string title, Dims input, Func<GraphValue, GraphValue> block, (string Label, Func<GraphValue, GraphValue> Block)[] against, params string[] notes)
    {
        // Different odd sizes, so that no exchange of axes hides; a fully connected layer's kernel is the image, and is kept small.
        if (which.Reduced) return new BlockExample(which.Name, title, Graph(which.Name, which.Name == "fully-connected" ? [2, input[1], 3, 1] : [2, input[1], 7, 9], block), [], notes);
        return new BlockExample(which.Name, title, Graph(which.Name, input, block), [.. against.Select(a => (a.Label, Graph(a.Label, input, a.Block)))], notes);
    }

    private static ConvGraph Graph(string name, Dims input, Func<GraphValue, GraphValue> block)
    {
        var g = new GraphBuilder(name);
        return g.Build(block(g.Input(input)));
    }
}
