namespace ConvNative.Oracle.Operands;

/// <summary>What operands hold.</summary>
public enum FillKind
{
    /// <summary>Normally distributed, no zeros; weights scaled so that outputs are of order one.</summary>
    Random,

    /// <summary>Small integers whose sums are exact in any order: the answer must be equal bit for bit.</summary>
    ExactInteger,

    /// <summary>Magnitudes over many binades, negative zeros among them, no overflow of sums; products may underflow.</summary>
    FullRange,

    /// <summary>
    /// As <see cref="Random"/>, with infinities and NaNs strewn into the operands, so that what an element sums tells: it is not finite where
    /// a tap that exists reads one, and finite where padding stands in the place. A deformable convolution's weights stay
    /// finite: its samples outside are the number 0; so does what 16-bit weights multiply (a forward input, an output's gradient), where oneDNN's kernels multiply what lies behind an odd channel with a zero. For
    /// floating-point operands and direct sums; what an activation makes of a sum that is not finite is not judged.
    /// </summary>
    NotFinite,
}
