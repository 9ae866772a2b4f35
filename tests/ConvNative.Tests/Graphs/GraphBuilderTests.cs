using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Graphs;

/// <summary>Shapes, names and errors of graphs under construction.</summary>
[TestClass]
public sealed class GraphBuilderTests
{
    private readonly GraphBuilder _g = new("test");

    [TestMethod]
    public void ShapesFollow()
    {
        GraphValue x = _g.Input([2, 12, 9, 7]);
        Assert.AreEqual(Shape(2, 5, 9, 7), x.Conv(5, 3).Shape);
        Assert.AreEqual(Shape(2, 5, 5, 4), x.Conv(5, 3, new ConvSettings { Stride = 2 }).Shape);
        Assert.AreEqual(Shape(2, 24, 9, 7), x.Depthwise(5, multiplier: 2).Shape);
        Assert.AreEqual(Shape(2, 3, 18, 14), x.SubPixel(2).Shape);
        Assert.AreEqual(Shape(2, 17, 9, 7), x.Concat(x.Conv(5, 1)).Shape);
        Assert.AreEqual(Shape(2, 12, 4, 3), x.MaxPool(3, 2).Shape);
        Assert.AreEqual(Shape(2, 12, 5, 4), x.MaxPool(3, 2, 1).Shape);
        Assert.AreEqual(Shape(2, 12, 1, 1), x.GlobalAveragePool().Shape);
        Assert.AreEqual(Shape(2, 10, 1, 1), x.FullyConnected(10).Shape);
        Assert.AreEqual(Shape(2, 8, 17, 13), x.ConvTransposed(8, 3, new ConvSettings { Stride = 2, Pad = 1 }).Shape);
        Assert.AreEqual(Shape(2, 7, 9, 7), x.Deformable(7, 3, x.Conv(36, 3), x.Conv(18, 3)).Shape);
    }

    [TestMethod]
    public void TheReceptiveFieldIsTheWidestPathFromTheInput()
    {
        GraphValue x = _g.Input([1, 4, 64, 64]);
        GraphValue two = x.Conv(4, 3).Conv(4, 3), five = x.Conv(4, 5), dilated = x.Conv(4, 3, new ConvSettings { Dilation = 4 });
        GraphValue strided = x.Conv(4, 7, new ConvSettings { Stride = 2 }).MaxPool(3, 2, 1).Conv(4, 3), both = two.Add(dilated);
        ConvGraph g = _g.Build(both, strided);
        Assert.AreEqual(Shape(5, 5), g.ReceptiveField(two.Id));
        Assert.AreEqual(Shape(5, 5), g.ReceptiveField(five.Id));
        Assert.AreEqual(Shape(9, 9), g.ReceptiveField(dilated.Id));
        Assert.AreEqual(Shape(7 + (2 * 2) + (2 * 4), 19), g.ReceptiveField(strided.Id));
        Assert.AreEqual(Shape(9, 9), g.ReceptiveField(both.Id));
    }

    [TestMethod]
    public void NamesAreUniqueAndGiven()
    {
        GraphValue x = _g.Input([1, 3, 8, 8], "image");
        x.Conv(4, 3);
        x.Conv(4, 3);
        GraphValue named = x.Conv(4, 3, new ConvSettings { Name = "stem" });
        ConvGraph g = _g.Build(named);
        CollectionAssert.AreEqual(new[] { "image", "conv", "conv1", "stem" }, g.Nodes.Select(n => n.Name).ToArray());
        Assert.AreEqual(named.Id, g["stem"].Id);
        Assert.Contains("name = stem: must be unique in test", Assert.ThrowsExactly<ConvProblemException>(() => x.Conv(4, 3, new ConvSettings { Name = "stem" })).Message);
    }

    [TestMethod]
    public void WhatDoesNotFitIsAnErrorWithFieldValueAndRule()
    {
        GraphValue x = _g.Input([1, 6, 8, 8]), small = _g.Input([1, 6, 4, 4]), other = new GraphBuilder("other").Input([1, 6, 8, 8]);
        Fails("add = [1,6,4,4]: must be [1,6,8,8]", () => x.Add(small));
        Fails("concat = [1,6,4,4]: must agree with [1,6,8,8]", () => x.Concat(small));
        Fails("gate = [1,6,4,4]: must be [1,6,1,1]", () => x.Scale(small));
        Fails("channels = 6: must be a multiple of 2x2", () => x.SubPixel(2));
        Fails("pads_begin = [3,3]: must be at least 0 and less than the kernel", () => x.MaxPool(3, 1, 3));
        Fails("kernel = [9,9]: must not exceed the padded input", () => x.MaxPool(9, 1));
        Fails("input_shape = [1,6]: must have 3 to 5 axes", () => _g.Input([1, 6]));
        Fails("offset = [1,6,8,8]: channels must be a multiple of 2*9", () => x.Deformable(4, 3, x));
        Fails("groups = 4", () => x.Conv(8, 3, new ConvSettings { Groups = 4 }));
        Assert.ThrowsExactly<ArgumentException>(() => x.Add(other));
        Assert.ThrowsExactly<ArgumentException>(() => _g.Build(other));
        Assert.ThrowsExactly<ArgumentException>(() => _g.Build());
    }

    private static void Fails(string message, Func<GraphValue> add) => StringAssert.StartsWith(Assert.ThrowsExactly<ConvProblemException>(() => add()).Message, message);

    private static Dims Shape(params ReadOnlySpan<long> sizes) => Dims.Create(sizes);
}
