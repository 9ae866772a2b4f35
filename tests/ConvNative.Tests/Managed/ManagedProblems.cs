using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Small problems whose sizes are odd and pairwise different, so that no swapped axis can hide.</summary>
internal static class ManagedProblems
{
    private static ConvSpec Corr(Dims x, Dims w) => new() { InputShape = x, WeightShape = w, HasBias = true };

    private static ConvSpec Deconv(Dims x, Dims w) => Corr(x, w) with { Op = ConvOp.Transposed };

    private static ConvSpec Deform(Dims x, Dims w) => Corr(x, w) with { Op = ConvOp.Deformable };

    /// <summary>Variants without regard to type and layout.</summary>
    public static IEnumerable<ConvSpec> Linear()
    {
        yield return Corr([2, 3, 7], [5, 3, 4]) with { Name = "rank1", PadsBegin = [2], PadsEnd = [1], Strides = [2] };
        yield return Corr([1, 5, 67], [7, 5, 9]) with { Name = "rank1 dilated", PadsBegin = [3], PadsEnd = [8], Dilations = [2] };
        yield return Corr([2, 3, 9, 11], [5, 3, 3, 2]) with { Name = "rank2", PadsBegin = [1, 0], PadsEnd = [2, 1], Strides = [1, 2] };
        yield return Corr([1, 17, 5, 19], [35, 17, 3, 3]) with { Name = "rank2 wide", PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return Corr([1, 19, 5, 31], [67, 19, 1, 1]) with { Name = "1x1" };
        yield return Corr([2, 22, 6, 10], [48, 22, 1, 1]) with { Name = "1x1 in other rows" };
        yield return Corr([1, 96, 7, 31], [24, 48, 1, 1]) with { Name = "1x1 groups to 12", Groups = 2 };
        yield return Corr([1, 3, 23, 71], [33, 3, 7, 5]) with { Name = "first layer", PadsBegin = [3, 2], PadsEnd = [2, 3], Strides = [2, 2] };
        yield return Corr([2, 17, 9, 7], [72, 17, 3, 3]) with { Name = "seven columns", PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return Corr([1, 18, 5, 29], [32, 18, 3, 3]) with { Name = "tiles alike", PadsBegin = [0, 1], PadsEnd = [1, 1] };
        yield return Corr([3, 19, 7, 7], [37, 19, 1, 1]) with { Name = "1x1 strided", Strides = [2, 2] };
        yield return Corr([1, 19, 5, 31], [34, 19, 1, 1]) with { Name = "1x1 padded", PadsBegin = [1, 2], PadsEnd = [3, 0] };
        yield return Corr([2, 3, 5, 9, 7], [7, 3, 3, 2, 4]) with { Name = "rank3", PadsBegin = [1, 0, 2], PadsEnd = [0, 1, 3], Strides = [1, 2, 1], Dilations = [2, 1, 1] };
        yield return Corr([2, 6, 9, 7], [9, 2, 3, 5]) with { Name = "groups", Groups = 3, PadsBegin = [0, 2], PadsEnd = [1, 1] };
        yield return Corr([1, 36, 5, 17], [54, 12, 3, 3]) with { Name = "groups wide", Groups = 3, PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return Corr([2, 33, 5, 17], [60, 11, 1, 1]) with { Name = "groups to 20", Groups = 3 };
        yield return Corr([1, 14, 6, 23], [48, 7, 3, 3]) with { Name = "groups to 24", Groups = 2, PadsBegin = [1, 1], PadsEnd = [1, 0], Strides = [1, 2] };
        yield return Corr([1, 512, 3, 5], [512, 16, 3, 3]) with { Name = "groups of a cache line", Groups = 32, PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return Corr([2, 24, 5, 19], [24, 2, 3, 3]) with { Name = "groups of 2", Groups = 12, PadsBegin = [1, 1], PadsEnd = [1, 2], Strides = [1, 2] };
        yield return Corr([1, 36, 6, 11], [36, 4, 3, 2]) with { Name = "groups of 4", Groups = 9, PadsBegin = [1, 1], PadsEnd = [1, 1], Dilations = [1, 2] };
        yield return Deconv([1, 40, 5, 6], [40, 8, 3, 3]) with { Name = "deconv groups of 8", Groups = 5, Strides = [2, 1], PadsBegin = [1, 1] };
        yield return Corr([2, 11, 9, 7], [11, 1, 3, 5]) with { Name = "depthwise", Groups = 11, PadsBegin = [1, 2], PadsEnd = [1, 2] };
        yield return Corr([1, 37, 5, 23], [37, 1, 3, 3]) with { Name = "depthwise wide", Groups = 37, PadsBegin = [1, 1], PadsEnd = [1, 1], Strides = [2, 2] };
        yield return Corr([2, 5, 9, 8], [15, 1, 2, 3]) with { Name = "depthwise multiplier", Groups = 5, Dilations = [2, 3], PadsBegin = [1, 0], PadsEnd = [0, 4] };
        yield return Corr([1, 33, 41], [33, 1, 5]) with { Name = "depthwise rank1", Groups = 33, PadsBegin = [4], Dilations = [2] };
        yield return Corr([2, 5, 5, 7, 9], [5, 1, 3, 2, 3]) with { Name = "depthwise rank3", Groups = 5, PadsBegin = [1, 1, 1], PadsEnd = [1, 0, 1] };
        yield return Corr([3, 1, 17, 25], [1, 1, 5, 7]) with { Name = "one channel", PadsBegin = [2, 3], PadsEnd = [1, 5] };
        yield return Corr([1, 2, 501], [3, 2, 33]) with { Name = "two channels rank1", PadsBegin = [40], PadsEnd = [7], Dilations = [2] };
        yield return Deconv([2, 2, 9, 13], [2, 3, 4, 3]) with { Name = "deconv few channels", PadsBegin = [1, 2], Dilations = [1, 2] };
        yield return Corr([2, 19, 21, 29], [19, 1, 3, 3]) with { Name = "depthwise planes", Groups = 19, PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return Corr([1, 3, 149, 30], [3, 1, 3, 3]) with { Name = "depthwise tall planes", Groups = 3, PadsBegin = [2, 0], PadsEnd = [0, 2] };
        yield return Corr([1, 17, 56, 49], [17, 1, 5, 3]) with { Name = "depthwise cut planes", Groups = 17, PadsBegin = [2, 2], PadsEnd = [2, 2], Dilations = [1, 2] };
        yield return Corr([2, 21, 14, 7], [21, 1, 5, 3]) with { Name = "depthwise narrow", Groups = 21, PadsBegin = [2, 1], PadsEnd = [2, 1] };
        yield return Corr([1, 18, 9, 13], [36, 1, 7, 5]) with { Name = "depthwise narrow multiplier", Groups = 18, PadsBegin = [2, 2], PadsEnd = [5, 2] };
        yield return Corr([1, 35, 6, 5], [35, 1, 5, 7]) with { Name = "depthwise wider than its rows", Groups = 35, PadsBegin = [2, 5], PadsEnd = [1, 4], Strides = [1, 2] };
        yield return Corr([2, 5, 21, 45], [5, 1, 3, 3]) with { Name = "depthwise stride 2", Groups = 5, Strides = [2, 2], PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return Corr([1, 7, 63, 52], [14, 1, 3, 3]) with { Name = "depthwise stride 2 cut planes", Groups = 7, Strides = [2, 2], PadsBegin = [1, 0], PadsEnd = [1, 1] };
        yield return Corr([1, 3, 34, 41], [3, 1, 3, 3]) with { Name = "depthwise stride 2 far pads", Groups = 3, Strides = [2, 2], PadsBegin = [0, 5], PadsEnd = [3, 7] };
        yield return Corr([2, 21, 9, 7], [21, 1, 5, 5]) with { Name = "depthwise narrow stride 2", Groups = 21, Strides = [2, 2], PadsBegin = [2, 2], PadsEnd = [2, 1] };
        yield return Corr([1, 18, 61, 43], [18, 1, 3, 3]) with { Name = "depthwise bands", Groups = 18, PadsBegin = [2, 0] };
        yield return Corr([1, 35, 7, 8], [35, 1, 7, 7]) with { Name = "depthwise tiles", Groups = 35, PadsBegin = [3, 3], PadsEnd = [3, 3] };
        yield return Deconv([2, 19, 23, 31], [19, 1, 3, 3]) with { Name = "deconv depthwise bands", Groups = 19, Strides = [2, 3], PadsBegin = [1, 1], OutputPadding = [1, 2] };
        yield return Corr([1, 19, 6, 7], [57, 1, 3, 2]) with { Name = "depthwise multiplier of 3", Groups = 19, PadsBegin = [1, 1] };
        yield return Corr([2, 9, 5, 7], [9, 1, 5, 7]) with { Name = "depthwise global", Groups = 9 };
        yield return Corr([2, 6, 5, 7], [4, 3, 5, 7]) with { Name = "global flipped", Groups = 2, Op = ConvOp.Convolution };
        yield return Corr([2, 3, 13, 10], [5, 3, 3, 3]) with { Name = "rows never read", OutputShape = [4, 2], ImpliedTrailingPads = true, Strides = [2, 3], PadsBegin = [1, 1] };
        yield return Corr([1, 3, 6, 5], [4, 3, 5, 4]) with { Name = "pads beyond the input", PadsBegin = [7, 9], PadsEnd = [8, 6], Strides = [3, 2] };
        foreach (PaddingMode mode in (PaddingMode[])[PaddingMode.Constant, PaddingMode.Reflect, PaddingMode.Symmetric, PaddingMode.Replicate, PaddingMode.Circular])
        {
            ConvSpec m = new ConvSpec { PaddingMode = mode, PadValue = mode == PaddingMode.Constant ? -3 : 0, HasBias = true };
            yield return m with { Name = $"{mode} rank2", InputShape = [2, 3, 6, 7], WeightShape = [5, 3, 3, 5], PadsBegin = [2, 3], PadsEnd = [1, 4] };
            yield return m with { Name = $"{mode} strided groups", InputShape = [1, 20, 9, 8], WeightShape = [36, 10, 3, 4], Groups = 2, PadsBegin = [1, 2], PadsEnd = [3, 1], Strides = [2, 3] };
            yield return m with { Name = $"{mode} depthwise", InputShape = [1, 19, 6, 21], WeightShape = [19, 1, 3, 3], Groups = 19, PadsBegin = [1, 1], PadsEnd = [1, 1] };
            yield return m with { Name = $"{mode} rank1", InputShape = [2, 3, 8], WeightShape = [4, 3, 3], PadsBegin = [3], PadsEnd = [2], Dilations = [2] };
            yield return m with { Name = $"{mode} rank3", InputShape = [1, 2, 4, 5, 6], WeightShape = [3, 2, 3, 3, 2], PadsBegin = [1, 2, 3], PadsEnd = [2, 1, 0] };
        }

        foreach (ConvSpec s in Linear2()) yield return s;
    }

    private static IEnumerable<ConvSpec> Linear2()
    {
        yield return Corr([2, 3, 9, 11], [5, 3, 3, 2]) with { Name = "flipped", Op = ConvOp.Convolution, PadsBegin = [1, 0], PadsEnd = [2, 1], Strides = [1, 2] };
        yield return Corr([2, 6, 10], [4, 3, 5]) with { Name = "flipped rank1", Op = ConvOp.Convolution, Groups = 2, Dilations = [2], PadsBegin = [3] };
        yield return Corr([1, 2, 4, 5, 6], [3, 2, 3, 2, 4]) with { Name = "flipped circular", Op = ConvOp.Convolution, PaddingMode = PaddingMode.Circular, PadsBegin = [1, 2, 3], PadsEnd = [2, 1, 0] };
        yield return Corr([1, 21, 6, 9], [21, 1, 3, 2]) with { Name = "flipped depthwise", Op = ConvOp.Convolution, Groups = 21, PadsBegin = [1, 1] };
        yield return Deconv([2, 3, 7], [3, 5, 4]) with { Name = "deconv rank1", Strides = [3], PadsBegin = [1], OutputPadding = [2] };
        yield return Deconv([2, 5, 4, 7], [5, 3, 3, 4]) with { Name = "deconv", Strides = [2, 3], PadsBegin = [1, 2], PadsEnd = [0, 1], OutputPadding = [1, 0] };
        yield return Deconv([1, 21, 5, 6], [21, 35, 2, 2]) with { Name = "deconv kernel = stride", Strides = [2, 2] };
        yield return Deconv([1, 18, 5, 9], [18, 33, 4, 4]) with { Name = "deconv dcgan", Strides = [2, 2], PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return Deconv([1, 3, 5, 4], [3, 5, 2, 3]) with { Name = "deconv kernel < stride", Strides = [3, 5], OutputPadding = [2, 1] };
        yield return Deconv([2, 6, 5, 4], [6, 5, 3, 2]) with { Name = "deconv groups dilated", Groups = 3, Strides = [2, 1], Dilations = [3, 2], PadsBegin = [2, 0], OutputPadding = [2, 1] };
        yield return Deconv([1, 7, 5, 4], [7, 1, 3, 3]) with { Name = "deconv depthwise", Groups = 7, Strides = [2, 2], PadsBegin = [1, 1], OutputPadding = [1, 1] };
        yield return Deconv([1, 3, 3, 5, 4], [3, 2, 2, 3, 4]) with { Name = "deconv rank3", Strides = [2, 1, 3], Dilations = [1, 2, 1], PadsBegin = [0, 1, 2] };
        yield return Deconv([1, 3, 4, 5], [3, 2, 3, 3]) with { Name = "deconv cropped", Strides = [2, 2], OutputShape = [6, 13], ImpliedTrailingPads = true };
        yield return Corr([0, 3, 9, 11], [5, 3, 3, 2]) with { Name = "empty batch" };
        yield return Deconv([0, 3, 5, 4], [3, 5, 2, 3]) with { Name = "deconv empty batch" };
    }

    /// <summary>Deformable problems.</summary>
    public static IEnumerable<ConvSpec> Deformable()
    {
        yield return Deform([2, 3, 7, 9], [5, 3, 3, 2]) with { Name = "v1", PadsBegin = [1, 0], PadsEnd = [1, 1] };
        yield return Deform([1, 12, 8, 7], [6, 4, 2, 3]) with { Name = "v2", HasMask = true, Groups = 3, OffsetGroups = 2, Strides = [2, 1], Dilations = [1, 2], PadsBegin = [1, 2], PadsEnd = [0, 1] };
        yield return Deform([2, 4, 5, 6], [3, 4, 1, 3]) with { Name = "v2 offset groups", HasMask = true, OffsetGroups = 4 };
        yield return Deform([1, 70, 9, 11], [66, 70, 3, 3]) with { Name = "v2 wide", HasMask = true, OffsetGroups = 2, PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return Deform([2, 72, 7, 8], [40, 18, 3, 3]) with { Name = "v1 offsets across groups", Groups = 4, OffsetGroups = 3, PadsBegin = [1, 1], Strides = [2, 1] };
        yield return Deform([1, 37, 9, 8], [37, 1, 3, 3]) with { Name = "v2 depthwise", HasMask = true, Groups = 37, PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return Deform([2, 6, 7, 8], [18, 1, 3, 2]) with { Name = "v2 depthwise multiplier", HasMask = true, Groups = 6, OffsetGroups = 3, PadsBegin = [1, 1] };
        yield return Deform([0, 4, 5, 6], [3, 4, 1, 3]) with { Name = "v2 empty batch", HasMask = true };
    }

    /// <summary>Operations without weights.</summary>
    public static IEnumerable<ConvSpec> Rearrangements()
    {
        yield return new ConvSpec { Name = "shuffle", Op = ConvOp.ChannelShuffle, InputShape = [2, 15, 3, 5], Groups = 3 };
        yield return new ConvSpec { Name = "shuffle rank1", Op = ConvOp.ChannelShuffle, InputShape = [2, 14, 5], Groups = 7 };
        yield return new ConvSpec { Name = "im2col", Op = ConvOp.Im2col, InputShape = [2, 3, 7, 9], Kernel = [3, 2], Strides = [2, 1], Dilations = [1, 3], PadsBegin = [1, 2], PadsEnd = [0, 1] };
        yield return new ConvSpec { Name = "im2col reflect", Op = ConvOp.Im2col, InputShape = [2, 3, 7, 9], Kernel = [3, 2], PadsBegin = [1, 2], PadsEnd = [3, 1], PaddingMode = PaddingMode.Reflect };
        yield return new ConvSpec { Name = "im2col rank3", Op = ConvOp.Im2col, InputShape = [1, 2, 4, 5, 6], Kernel = [3, 2, 4], PadsBegin = [1, 0, 2] };
        yield return new ConvSpec { Name = "col2im", Op = ConvOp.Col2im, InputShape = [2, 30, 12], Kernel = [2, 5], ImageShape = [5, 7] };
        yield return new ConvSpec { Name = "col2im strided", Op = ConvOp.Col2im, InputShape = [2, 18, 12], Kernel = [3, 3], ImageShape = [6, 7], Strides = [2, 2], PadsBegin = [1, 1], PadsEnd = [1, 1] };
        yield return new ConvSpec { Name = "col2im rank1", Op = ConvOp.Col2im, InputShape = [2, 12, 9], Kernel = [4], ImageShape = [15], Dilations = [2] };
    }

    /// <summary>Every spec in both layouts (and mixed), in f32 and f64.</summary>
    public static IEnumerable<ConvProblem> Spread(IEnumerable<ConvSpec> specs)
    {
        foreach (ConvSpec s in specs)
            foreach (var (x, y, w) in ((Layout, Layout, Layout)[])[(Layout.ChannelsFirst, Layout.ChannelsFirst, Layout.ChannelsFirst), (Layout.ChannelsLast, Layout.ChannelsLast, Layout.ChannelsFirst), (Layout.ChannelsFirst, Layout.ChannelsLast, Layout.ChannelsLast), (Layout.ChannelsLast, Layout.ChannelsFirst, Layout.ChannelsLast)])
                foreach (DataType t in (DataType[])[DataType.F32, DataType.F64])
                    yield return new ConvProblem(s with { InputLayout = x, OutputLayout = y, WeightLayout = s.WeightShape.Count > 0 ? w : Layout.ChannelsFirst, InputType = t, WeightType = s.WeightShape.Count > 0 ? t : DataType.F32, OutputType = t, Name = $"{s.Name} {x} to {y} {t.Name()}" });
    }
}
