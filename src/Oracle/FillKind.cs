namespace ConvNative.Oracle;

/// <summary>What operands hold.</summary>
public enum FillKind
{
    /// <summary>Normally distributed, no zeros; weights scaled so that outputs are of order one.</summary>
    Random,

    /// <summary>Small integers whose sums are exact in any order: the answer must be equal bit for bit.</summary>
    ExactInteger,

    /// <summary>Magnitudes over many binades, negative zeros among them, no overflow of sums; products may underflow.</summary>
    FullRange,
}
