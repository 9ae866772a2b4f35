using ConvNative.Graphs;
using ConvNative.Graphs.Catalog;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Docs;

/// <summary>The examples of docs/blocks: the pages quote the regions, a test runs them and compares with each region's last comment.</summary>
internal static class BlockExamples
{
    public static string RunBlock()
    {
        // [RunBlock]
        var g = new GraphBuilder("net");
        ConvGraph graph = g.Build(Blocks.Bottleneck(g.Input([1, 8, 5, 5]), width: 2, channels: 8));
        using GraphPlan plan = GraphPlan.Create(graph);
        foreach (ConvNode c in graph.Convolutions)
            plan.SetWeights(c.Name, new float[c.Problem.WeightCount], new float[c.Problem.OutputChannels]);   // your weights here
        float[] x = [.. Enumerable.Repeat(3f, 200)], y = new float[200];
        plan.Run(x, y);   // all weights are 0: what is left is the way around them
        string text = $"{graph}; y = {y[0]}";
        // net: 8 nodes, 80 parameters, 1,700 multiply-adds; y = 3
        // [end]
        return text;
    }

    public static string FullyConnectedBlock()
    {
        // [FullyConnectedBlock]
        var g = new GraphBuilder("classifier");
        GraphValue x = g.Input([1, 512, 7, 7]);
        ConvGraph graph = g.Build(x.FullyConnected(4096).Relu().FullyConnected(1000));
        string text = string.Join("; ", graph.Convolutions.Select(c => $"{c.Description}: {c.Problem.WeightCount}"));
        // conv 7x7: 102760448; conv 1x1: 4096000
        // [end]
        return text;
    }

    public static string StackedBlock()
    {
        // [StackedBlock]
        var g = new GraphBuilder("two 3x3");
        ConvGraph graph = g.Build(Blocks.Stacked(g.Input([1, 64, 56, 56]), 64));
        string text = $"{graph.Weights} weights, receptive field {graph.ReceptiveField(graph.Outputs[0])}";
        // 73728 weights, receptive field [5,5]
        // [end]
        return text;
    }

    public static string NetworkInNetworkBlock()
    {
        // [NetworkInNetworkBlock]
        var g = new GraphBuilder("nin");
        ConvGraph graph = g.Build(Blocks.NetworkInNetwork(g.Input([1, 96, 27, 27]), 256, kernel: 5, hidden: 256, outputs: 256));
        string text = graph.ToString();
        // nin: 7 nodes, 746,240 parameters, 543,449,088 multiply-adds
        // [end]
        return text;
    }

    public static string InceptionBlock()
    {
        // [InceptionBlock]
        var g = new GraphBuilder("3a");
        ConvGraph graph = g.Build(Blocks.Inception(g.Input([1, 192, 28, 28]), 64, 96, 128, 16, 32, 32));
        string text = $"{graph.Nodes[^1].Shape}, {graph.Weights} weights";
        // [1,256,28,28], 163328 weights
        // [end]
        return text;
    }

    public static string ResidualBlocks()
    {
        // [ResidualBlocks]
        var g = new GraphBuilder("stage");
        GraphValue x = g.Input([1, 256, 56, 56]);
        x = Blocks.Bottleneck(x, width: 64, channels: 256);
        x = Blocks.Bottleneck(x, width: 256, channels: 512, stride: 2, groups: 32);   // a 1x1 of stride 2 on the way around
        string text = x.Shape.ToString();
        // [1,512,28,28]
        // [end]
        return text;
    }

    public static string DenseBlock()
    {
        // [DenseBlock]
        var g = new GraphBuilder("dense");
        GraphValue y = Blocks.Dense(g.Input([1, 64, 56, 56]), layers: 6, growth: 32);
        string text = $"{y.Channels} channels";
        // 256 channels
        // [end]
        return text;
    }

    public static string FireBlock()
    {
        // [FireBlock]
        var g = new GraphBuilder("fire");
        ConvGraph graph = g.Build(Blocks.Fire(g.Input([1, 128, 55, 55]), squeeze: 16, expand1: 64, expand3: 64));
        string text = $"{graph.Nodes[^1].Shape}, {graph.Weights} weights";
        // [1,128,55,55], 12288 weights
        // [end]
        return text;
    }

    public static string SeparableBlock()
    {
        // [SeparableBlock]
        var g = new GraphBuilder("separable");
        ConvGraph graph = g.Build(Blocks.DepthwiseSeparable(g.Input([1, 3, 7, 7]), 128, pad: 0));
        string text = $"{graph.Nodes[^1].Shape}, {graph.MultiplyAdds} multiply-adds";
        // [1,128,5,5], 10275 multiply-adds
        // [end]
        return text;
    }

    public static string InvertedResidualBlock()
    {
        // [InvertedResidualBlock]
        var g = new GraphBuilder("inverted");
        ConvGraph graph = g.Build(Blocks.InvertedResidual(g.Input([1, 24, 56, 56]), 24));
        string text = string.Join("; ", graph.Convolutions.Select(c => $"{c.Description} to {c.Shape[1]}"));
        // conv 1x1 to 144; depthwise conv 3x3 to 144; conv 1x1 to 24
        // [end]
        return text;
    }

    public static string SpatiallySeparableBlock()
    {
        // [SpatiallySeparableBlock]
        var g = new GraphBuilder("separable in space");
        GraphValue x = g.Input([1, 64, 56, 56]);
        ConvGraph graph = g.Build(Blocks.SpatiallySeparable(x, 64), Blocks.Flattened(x, 64));
        string text = string.Join("; ", graph.Convolutions.Select(c => $"{c.Description}: {c.Problem.WeightCount}"));
        // conv 3x1: 12288; conv 1x3: 12288; conv 1x1: 4096; depthwise conv 3x1: 192; depthwise conv 1x3: 192
        // [end]
        return text;
    }

    public static string TwoHalvesBlock()
    {
        // [TwoHalvesBlock]
        var g = new GraphBuilder("conv2");
        ConvGraph graph = g.Build(Blocks.TwoHalves(g.Input([1, 96, 27, 27]), 256, kernel: 5));
        string text = $"{graph.Weights} weights";
        // 307200 weights
        // [end]
        return text;
    }

    public static string ShuffleBlock()
    {
        // [ShuffleBlock]
        var g = new GraphBuilder("unit");
        GraphValue x = g.Input([1, 240, 28, 28]);
        GraphValue same = Blocks.ShuffleUnit(x, 240, groups: 3), half = Blocks.ShuffleUnit(x, 480, groups: 3, stride: 2);
        string text = $"{same.Shape}, {half.Shape}";
        // [1,240,28,28], [1,480,14,14]
        // [end]
        return text;
    }

    public static string SqueezeExcitationBlock()
    {
        // [SqueezeExcitationBlock]
        var g = new GraphBuilder("se");
        ConvGraph graph = g.Build(Blocks.SqueezeExcitation(g.Input([1, 256, 56, 56]), reduction: 16));
        string text = $"{graph.Weights} weights, {graph.MultiplyAdds} multiply-adds";
        // 8192 weights, 8192 multiply-adds
        // [end]
        return text;
    }

    public static string AtrousPyramidBlock()
    {
        // [AtrousPyramidBlock]
        var g = new GraphBuilder("pyramid");
        ConvGraph graph = g.Build(Blocks.AtrousPyramid(g.Input([1, 512, 28, 28]), 256, 6, 12, 18));
        string text = $"receptive field {graph.ReceptiveField(graph.Outputs[0])}";
        // receptive field [37,37]
        // [end]
        return text;
    }

    public static string DeformableBlock()
    {
        // [DeformableBlock]
        var g = new GraphBuilder("deformable");
        ConvGraph graph = g.Build(Blocks.Deformable(g.Input([1, 256, 28, 28]), 256, modulated: true));
        string text = string.Join("; ", graph.Convolutions.Select(c => $"{c.Description} {c.Shape}"));
        // conv 3x3 [1,18,28,28]; conv 3x3 [1,9,28,28]; deformable conv 3x3 [1,256,28,28]
        // [end]
        return text;
    }

    public static string GlobalDepthwiseBlock()
    {
        // [GlobalDepthwiseBlock]
        var g = new GraphBuilder("global");
        ConvGraph graph = g.Build(Blocks.GlobalDepthwise(g.Input([1, 512, 7, 7])));
        string text = $"{graph.Nodes[^1].Shape}, {graph.Weights} weights";
        // [1,512,1,1], 25088 weights
        // [end]
        return text;
    }

    public static string UpsamplingBlocks()
    {
        // [UpsamplingBlocks]
        var g = new GraphBuilder("upsampling");
        GraphValue x = g.Input([1, 64, 28, 28]);
        GraphValue a = Blocks.TransposedUpsampling(x, 64), b = Blocks.SubPixelUpsampling(x, 64);
        string text = $"{a.Shape}, {b.Shape}";
        // [1,64,56,56], [1,64,56,56]
        // [end]
        return text;
    }
}
