using ConvNative.Problems;

namespace ConvNative.Oracle;

/// <summary>
/// The oracle's answer: the exact value (to double's rounding) of each element, with what a bound on an engine's error needs.
/// Arrays run in logical order over the whole result, or over <see cref="Sampled"/> only.
/// </summary>
public sealed class OracleResult
{
    /// <summary>Logical shape of the whole result.</summary>
    public required Dims Shape { get; init; }

    /// <summary>The values, after post-ops.</summary>
    public required double[] Values { get; init; }

    /// <summary><c>A = sum |x*w|</c> of each element, with |bias| and |residual|.</summary>
    public required double[] Magnitude { get; init; }

    /// <summary>The most roundings that any one term of the element's sum can pass through, in any order of summation; 0 for a copy.</summary>
    public required int[] Roundings { get; init; }

    /// <summary>
    /// Change of the element per unit roundoff of the sampling positions of a deformable convolution; null elsewhere.
    /// </summary>
    public double[]? Sensitivity { get; init; }

    /// <summary>The values before the activation; null without one.</summary>
    public double[]? BeforeActivation { get; init; }

    /// <summary>
    /// Forward 8-bit problems with an integer output: the values in steps of the output, before rounding, zero point and saturation;
    /// null elsewhere.
    /// </summary>
    public double[]? BeforeRounding { get; init; }

    /// <summary>Largest <see cref="Magnitude"/> that any element could have, from the operands' largest absolute values.</summary>
    public double LargestMagnitude { get; init; }

    /// <summary>Flat logical indices of the elements that were evaluated, ascending; null when all were.</summary>
    public long[]? Sampled { get; init; }

    /// <summary>The flat logical index of the element at <paramref name="slot"/> of the arrays.</summary>
    public long IndexOf(int slot) => Sampled is null ? slot : Sampled[slot];
}
