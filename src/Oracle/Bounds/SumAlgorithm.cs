namespace ConvNative.Oracle.Bounds;

/// <summary>How an engine forms its sums; decides the error bound.</summary>
public enum SumAlgorithm
{
    /// <summary>Sums of products, in any order.</summary>
    Direct,

    /// <summary>Winograd's minimal filtering with tiles of at most F(4x4, 3x3).</summary>
    Winograd,

    /// <summary>By fast Fourier transform.</summary>
    Fft,
}

/// <summary>What an engine says of its arithmetic.</summary>
/// <param name="Algorithm">How sums are formed.</param>
/// <param name="OperandRoundoff">
/// Unit roundoff to which operands are rounded before they are multiplied: 0 under strict math, 2^-11 for TF32, 2^-8 for bf16.
/// </param>
public readonly record struct Arithmetic(SumAlgorithm Algorithm = SumAlgorithm.Direct, double OperandRoundoff = 0)
{
    /// <summary>Direct sums of exact operands.</summary>
    public static Arithmetic Strict => default;
}
