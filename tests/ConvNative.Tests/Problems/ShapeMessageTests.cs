using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Problems;

/// <summary>Shapes of the wrong rank or order: the exception names field, value and rule, and says what the shape probably was.</summary>
[TestClass]
public sealed class ShapeMessageTests
{
    public static IEnumerable<object[]> Short => [[default(Dims)], [Dims.Create([5])], [Dims.Create([1, 5])], [Dims.Create([1, 1, 2, 2, 2, 2])]];

    [TestMethod]
    [DynamicData(nameof(Short))]
    public void AShapeOfTheWrongRankIsNamed(Dims shape)
    {
        foreach (ConvOptions options in (ConvOptions[])[ConvOptions.Default, new() { Stride = 2, Padding = 1, Dilation = 2 }, new() { AutoPad = AutoPad.SameUpper }])
        {
            foreach (ConvOp op in Enum.GetValues<ConvOp>().Where(o => o != ConvOp.Col2im))
                Field("input_shape", () => Conv.Problem(op, shape, [1, 1, 3, 3], false, options));
            Field("input_shape", () => Conv.Convolve(new float[5], shape, new float[9], [1, 1, 3, 3], default, new float[1], options));
            Field("input_shape", () => Conv.ConvolveTransposed(new float[5], shape, new float[9], [1, 1, 3, 3], default, new float[1], options));
            Field("weight_shape", () => Conv.Problem(ConvOp.Correlation, [1, 1, 5, 5], shape, false, options));
            Field("weight_shape", () => Conv.Convolve(new float[25], [1, 1, 5, 5], new float[9], shape, default, new float[9], options));
        }
    }

    [TestMethod]
    [DynamicData(nameof(Short))]
    public void ASizePerAxisOfTheWrongLengthIsNamed(Dims wrong)
    {
        if (wrong.Count == 2) wrong = [1, 2, 3];
        var spec = new ConvSpec { InputShape = [1, 1, 5, 5], WeightShape = [1, 1, 3, 3] };
        Field("strides", () => (spec with { Strides = wrong }).Build());
        Field("dilations", () => (spec with { Dilations = wrong }).Build());
        Field("pads_begin", () => (spec with { PadsBegin = wrong }).Build());
        Field("pads_end", () => (spec with { PadsEnd = wrong }).Build());
        Field("kernel", () => (spec with { Kernel = wrong }).Build());
        Field("image_shape", () => (spec with { ImageShape = wrong }).Build());
        Field("output_padding", () => (spec with { Op = ConvOp.Transposed, OutputPadding = wrong }).Build());
        Field("output_shape", () => (spec with { Op = ConvOp.Transposed, OutputShape = wrong }).Build());
        Field("kernel", () => new ConvSpec { Op = ConvOp.Im2col, InputShape = [1, 1, 5, 5], Kernel = wrong }.Build());
        var fold = new ConvSpec { Op = ConvOp.Col2im, InputShape = [1, 4, 16], Kernel = [2, 2], ImageShape = [5, 5] };
        Field("kernel", () => (fold with { Kernel = wrong }).Build());
        Field("input_shape", () => (fold with { InputShape = wrong.Count == 3 ? default : wrong }).Build());
        if (wrong.Count is 0 or > 3) Field("image_shape", () => (fold with { ImageShape = wrong }).Build());
        GraphValue x = new GraphBuilder("g").Input([1, 1, 5, 5]);
        Field("kernel", () => x.Conv(1, wrong));
        Field("dilations", () => x.Conv(1, 3, new ConvSettings { Dilations = wrong }));
    }

    /// <summary>Fields that an operation would not read.</summary>
    [TestMethod]
    public void WhatAnOperationHasNotIsRefused()
    {
        var shuffle = new ConvSpec { Op = ConvOp.ChannelShuffle, InputShape = [1, 4, 5], Groups = 2 };
        Field("output_shape", () => (shuffle with { OutputShape = [7] }).Build());
        Field("kernel", () => (shuffle with { Kernel = [3] }).Build());
        Field("output_shape", () => new ConvSpec { Op = ConvOp.Col2im, InputShape = [1, 2, 4], Kernel = [2], ImageShape = [5], OutputShape = [9] }.Build());
        Field("output_padding", () => new GraphBuilder("g").Input([1, 4, 5, 5]).Conv(4, 3, new ConvSettings { OutputPadding = [1, 1] }));
        Field("groups", () => new GraphBuilder("g").Input([1, 4, 5, 5]).ConvTransposed(5, 3, new ConvSettings { Groups = 2 }));
    }

    [TestMethod]
    public void AChannelsLastShapeGetsAHint()
    {
        string Message(Dims x, Dims w, ConvOp op = ConvOp.Correlation, long groups = 1) =>
            Assert.ThrowsExactly<ConvProblemException>(() => Conv.Problem(op, x, w, false, new ConvOptions { Groups = groups })).Message;
        StringAssert.Contains(Message([1, 224, 220, 3], [64, 3, 7, 7]), "its logical shape is [1,3,224,220]: give the view Tensor.PermuteDimensions(x, [0, 3, 1, 2])");
        StringAssert.Contains(Message([1, 224, 220, 3], [64, 3, 7, 7]), "axis 1 must be C/groups = 224");
        StringAssert.Contains(Message([2, 50, 8], [4, 8, 3]), "[2,8,50]: give the view Tensor.PermuteDimensions(x, [0, 2, 1])");
        StringAssert.Contains(Message([1, 5, 6, 7, 4], [4, 2, 1, 1, 1], groups: 2), "logical shape is [1,4,5,6,7]");
        StringAssert.Contains(Message([1, 9, 8, 6], [6, 3, 3, 3], ConvOp.Transposed), "logical shape is [1,6,9,8]");
        StringAssert.Contains(Message([1, 224, 220, 3], [64, 7, 7, 3]), "the weights too");
        Assert.DoesNotContain("channels-last", Message([1, 224, 220, 5], [64, 3, 7, 7]));
    }

    private static void Field(string field, Action action)
    {
        ConvProblemException e = Assert.ThrowsExactly<ConvProblemException>(action);
        Assert.AreEqual(field, e.Field, e.Message);
    }
}
