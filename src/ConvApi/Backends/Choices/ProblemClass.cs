using System.Globalization;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Choices;

/// <summary>
/// What makes one engine better than another at a problem, as a line of words: problems of one class have the same order of engines, as
/// far as measurements go. The words are few, so that a class has many members, and each one splits a set that was measured to differ.
/// </summary>
internal static class ProblemClass
{
    private const long TinyWork = 100_000;
    private const long SmallWork = 4_000_000;
    private const long FewChannels = 8;
    private const long FewPixels = 64;

    /// <summary>Below this a run takes as long as a call into a native library.</summary>
    public static bool IsTiny(ConvProblem p) => p.MultiplyAdds < TinyWork;

    /// <summary>The class of a problem under options, of which only what changes candidates counts.</summary>
    public static string Of(ConvProblem p, PlanOptions options)
    {
        long taps = p.Kernel.Count == 0 ? 1 : p.Kernel.Product, inputs = p.InputChannels / Math.Max(1, p.Groups), outputs = p.OutputChannels / Math.Max(1, p.Groups);
        string kind = p.IsDepthwise ? "depthwise" : p.Groups > 1 ? inputs < FewChannels || outputs < FewChannels ? "narrow-groups" : "groups"
            : inputs < FewChannels ? outputs < FewChannels ? "few-few" : "few-in" : outputs < FewChannels ? "few-out" : "dense";
        string kernel = taps == 1 ? "k1" : taps <= 9 ? "k9" : taps <= 128 ? "k128" : "long";
        bool strided = p.Strides.Any(s => s > 1);
        string size = IsTiny(p) ? "tiny" : p.MultiplyAdds < SmallWork ? "small" : "large";
        long pixels = p.OutputSpatial.Count == 0 ? 1 : p.OutputSpatial.Product;
        string threads = options.MaxThreads == 1 || Environment.ProcessorCount == 1 ? "1t" : "nt";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Names.Of(p.Direction)} {OpOf(p)} {p.Rank}d {kind} {kernel} {(strided ? "strided" : "dense-steps")} {(pixels <= FewPixels ? "few-pixels" : "pixels")} {size} {LayoutOf(p)} {p.InputType.Name()}:{p.OutputType.Name()} {threads}{(p.PaddingMode == PaddingMode.Zeros ? "" : " extended")}{(options.Math == MathMode.Fast ? " fast" : "")}");
    }

    // The flip is of the weights, once.
    private static string OpOf(ConvProblem p) => p.Op == ConvOp.Convolution ? Names.Of(ConvOp.Correlation) : Names.Of(p.Op);

    private static string LayoutOf(ConvProblem p) => p.InputLayout == p.OutputLayout ? Names.Of(p.InputLayout) : $"{Names.Of(p.InputLayout)}-{Names.Of(p.OutputLayout)}";
}
