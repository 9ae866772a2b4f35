using ConvNative.Cli.Commands;
using ConvNative.Graphs.Catalog;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Graphs;

/// <summary>The counts of the blocks against the numbers that the literature prints.</summary>
[TestClass]
public sealed class BlockTests
{
    [TestMethod]
    [DataRow("bottleneck", 69_632L, "one 3x3 of 256 channels", 589_824L)]
    [DataRow("inception-naive", 387_072L, "with 1x1 reductions", 163_328L)]
    [DataRow("inception", 163_328L, "without the pool projection", 157_184L)]
    [DataRow("separable-256", 795L, "one 3x3", 6_912L)]
    [DataRow("spatially-separable", 2 * 3 * 64 * 64L, "one 3x3", 3 * 3 * 64 * 64L)]
    [DataRow("two-halves", 5 * 5 * 96 * 256L / 2, "the whole", 5 * 5 * 96 * 256L)]
    [DataRow("stacked", 18 * 64 * 64L, "one 5x5", 25 * 64 * 64L)]
    [DataRow("fully-connected", 7 * 7 * 512 * 4096L, "on 1x1 images it is a 1x1 convolution", 512 * 4096L)]
    public void WeightsAreTheLiteratures(string block, long weights, string other, long otherWeights)
    {
        BlockExample e = BlockCatalog.Find(block)!;
        Assert.AreEqual(weights, e.Graph.Weights);
        Assert.AreEqual(otherWeights, e.Against.Single(a => a.Label == other).Graph.Weights);
    }

    [TestMethod]
    public void TheSeparableExampleNeeds10275MultiplicationsFor86400()
    {
        BlockExample e = BlockCatalog.Find("depthwise-separable")!;
        Assert.AreEqual(Shape(1, 128, 5, 5), e.Graph.Nodes[^1].Shape);
        Assert.AreEqual(10_275, e.Graph.MultiplyAdds);
        Assert.AreEqual(86_400, e.Against[0].Graph.MultiplyAdds);
    }

    [TestMethod]
    public void GroupsDivideWeightsAndMultiplyAdds()
    {
        ConvGraph whole = Of(x => x.Conv(60, 3)), grouped = Of(x => x.Conv(60, 3, new ConvSettings { Groups = 5 }));
        Assert.AreEqual(whole.Weights, 5 * grouped.Weights);
        Assert.AreEqual(whole.MultiplyAdds, 5 * grouped.MultiplyAdds);
    }

    // Published or generally known counts with biases and without normalisation: AlexNet 60,965,224 and VGG-16 138,357,544 (Caffe's model zoo),
    // SqueezeNet 1.1 1,235,496. The multiply-adds of the others are their papers' rounded figures.
    [TestMethod]
    [DataRow("alexnet", 60_965_224L, 724e6)]
    [DataRow("vgg-16", 138_357_544L, 15.5e9)]
    [DataRow("squeezenet", 1_235_496L, 0.35e9)]
    [DataRow("resnet-50", 25_530_472L, 4.1e9)]
    [DataRow("mobilenet-v1", 4_221_032L, 569e6)]
    [DataRow("mobilenet-v2", 3_487_816L, 300e6)]
    [DataRow("shufflenet", 1_853_488L, 137e6)]
    [DataRow("resnext-50", 24_994_792L, 4.2e9)]
    public void TrunksHaveTheirPapersCounts(string name, long parameters, double multiplyAdds)
    {
        ConvGraph g = TrunkCatalog.Find(name)!.Full(1);
        Assert.AreEqual(parameters, g.Parameters);
        Assert.AreEqual(multiplyAdds, g.MultiplyAdds, 0.02 * multiplyAdds);
    }

    [TestMethod]
    public void ATransposedKernelThatTheStrideDividesOverlapsEvenly()
    {
        Assert.AreEqual(Shape(1, 64, 56, 56), BlockCatalog.Find("transposed")!.Graph.Nodes[^1].Shape);
        Assert.AreEqual(Shape(1, 64, 56, 56), BlockCatalog.Find("sub-pixel")!.Graph.Nodes[^1].Shape);
    }

    [TestMethod]
    public void EveryBlockAndTrunkExplains()
    {
        foreach (string name in BlockReport.Names)
        {
            (int code, string output, string error) = CliHost.Run("explain", "--block", name, "--json");
            Assert.AreEqual(0, code, error);
            StringAssert.Contains(output, "\"multiply_adds\"");
        }
    }

    [TestMethod]
    public void AnUnknownBlockIsAnErrorThatListsThem()
    {
        (int code, _, string error) = CliHost.Run("explain", "--block", "bottle");
        Assert.AreEqual(2, code);
        StringAssert.Contains(error, "--block = bottle: must be one of pointwise, ");
    }

    [TestMethod]
    public void ThePlainReportHasTheCountsAndTheNote()
    {
        (int code, string output, _) = CliHost.Run("explain", "--block", "inception");
        Assert.AreEqual(0, code);
        foreach (string part in new[] { "163,328", "387,072", "157,184 leaves out the pool projection" }) StringAssert.Contains(output, part);
    }

    private static ConvGraph Of(Func<GraphValue, GraphValue> block)
    {
        var g = new GraphBuilder("test");
        return g.Build(block(g.Input([1, 30, 9, 7])));
    }

    private static Dims Shape(params ReadOnlySpan<long> sizes) => Dims.Create(sizes);
}
