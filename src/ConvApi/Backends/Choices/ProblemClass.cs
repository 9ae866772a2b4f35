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
    public static string Of(ConvProblem p, PlanOptions options) => Near(p, options).First();

    /// <summary>
    /// The problem's class, then those that differ from it in one word, the least telling first, and at last in two: who is worth a look is alike there, who
    /// wins need not be.
    /// </summary>
    public static IEnumerable<string> Near(ConvProblem p, PlanOptions options)
    {
        long taps = p.Kernel.Count == 0 ? 1 : p.Kernel.Product, inputs = p.InputChannels / Math.Max(1, p.Groups), outputs = p.OutputChannels / Math.Max(1, p.Groups);
        string kind = p.IsDepthwise ? "depthwise" : p.Groups > 1 ? inputs < FewChannels || outputs < FewChannels ? "narrow-groups" : "groups"
            : inputs < FewChannels ? outputs < FewChannels ? "few-few" : "few-in" : outputs < FewChannels ? "few-out" : "dense";
        string[] kernels = taps == 1 ? ["k1"] : taps <= 9 ? ["k9", "k128", "long"] : taps <= 128 ? ["k128", "long", "k9"] : ["long", "k128", "k9"];
        string[] steps = p.Strides.Any(s => s > 1) ? ["strided", "dense-steps"] : p.Dilations.Any(d => d > 1) ? ["dilated", "dense-steps"] : ["dense-steps", "strided"];
        string[] sizes = IsTiny(p) ? ["tiny"] : p.MultiplyAdds < SmallWork ? ["small", "large"] : ["large", "small"];
        string[] pixels = (p.OutputSpatial.Count == 0 ? 1 : p.OutputSpatial.Product) <= FewPixels ? ["few-pixels", "pixels"] : ["pixels", "few-pixels"];
        string threads = options.MaxThreads == 1 || Environment.ProcessorCount == 1 ? "1t" : "nt";
        yield return Name(kernels[0], steps[0], pixels[0], sizes[0]);
        foreach (string other in pixels[1..]) yield return Name(kernels[0], steps[0], other, sizes[0]);
        foreach (string other in sizes[1..]) yield return Name(kernels[0], steps[0], pixels[0], other);
        foreach (string other in kernels[1..]) yield return Name(other, steps[0], pixels[0], sizes[0]);
        yield return Name(kernels[0], steps[1], pixels[0], sizes[0]);
        foreach (string other in kernels[1..]) yield return Name(other, steps[1], pixels[0], sizes[0]);

        string Name(string kernel, string step, string many, string size) => string.Create(
            CultureInfo.InvariantCulture,
            $"{Names.Of(p.Direction)} {OpOf(p)} {p.Rank}d {kind} {kernel} {step} {many} {size} {LayoutOf(p)} {p.InputType.Name()}:{p.OutputType.Name()} {threads}{(p.PaddingMode == PaddingMode.Zeros ? "" : " extended")}{(options.Math == MathMode.Fast ? " fast" : "")}");
    }

    // The flip is of the weights, once.
    private static string OpOf(ConvProblem p) => p.Op == ConvOp.Convolution ? Names.Of(ConvOp.Correlation) : Names.Of(p.Op);

    private static string LayoutOf(ConvProblem p) => p.InputLayout == p.OutputLayout ? Names.Of(p.InputLayout) : $"{Names.Of(p.InputLayout)}-{Names.Of(p.OutputLayout)}";
}
