namespace ConvNative.Problems;

/// <summary>
/// What follows the sum, in this order: bias (in the problem), residual, activation, output scale. Value-equal by the numbers that count,
/// given or usual.
/// </summary>
public readonly record struct PostOps
{
    private readonly double? _residualScale;

    /// <summary>All at once; null is the usual number.</summary>
    public PostOps(bool residual, double? residualScale, Activation activation, double? outputScale = null) =>
        (Residual, _residualScale, Activation, OutputScale) = (residual, residualScale, activation, outputScale);

    /// <summary>Adds a tensor of the output's shape, times <see cref="ResidualScale"/>.</summary>
    public bool Residual { get; init; }

    /// <summary>Factor of the residual; 1 where none is given (0 without a residual).</summary>
    public double ResidualScale
    {
        get => _residualScale ?? (Residual ? 1 : 0);
        init => _residualScale = value;
    }

    /// <summary>Applied after bias and residual.</summary>
    public Activation Activation { get; init; }

    /// <summary>
    /// Factor of the activation's result, null for none (1). In an 8-bit problem the value that it multiplies is still the real one:
    /// the output's own scale and zero point come after it.
    /// </summary>
    public double? OutputScale { get; init; }

    /// <summary>Nothing follows.</summary>
    public static PostOps None => default;

    /// <summary>True when nothing follows.</summary>
    public bool IsNone => !Residual && Activation.Kind == ActivationKind.None && OutputScale is null;

    /// <inheritdoc/>
    public bool Equals(PostOps other) =>
        Residual == other.Residual && ResidualScale.Equals(other.ResidualScale) && Activation == other.Activation && Nullable.Equals(OutputScale, other.OutputScale);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Residual, ResidualScale, Activation, OutputScale);
}
