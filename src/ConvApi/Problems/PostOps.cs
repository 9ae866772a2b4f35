namespace ConvNative.Problems;

/// <summary>An activation with its parameters; see <see cref="ActivationKind"/> for what alpha and beta mean.</summary>
public readonly record struct Activation(ActivationKind Kind, double Alpha = 0, double Beta = 0)
{
    /// <summary>No activation.</summary>
    public static Activation None => default;

    /// <summary>max(x, 0).</summary>
    public static Activation Relu => new(ActivationKind.Relu);

    /// <summary>Slope <paramref name="alpha"/> for negative x.</summary>
    public static Activation LeakyRelu(double alpha) => new(ActivationKind.LeakyRelu, alpha);

    /// <summary>Limits to [0, 6].</summary>
    public static Activation Relu6 => new(ActivationKind.Clip, 0, 6);

    /// <summary>Limits to [<paramref name="low"/>, <paramref name="high"/>].</summary>
    public static Activation Clip(double low, double high) => new(ActivationKind.Clip, low, high);

    /// <summary>1/(1+exp(-x)).</summary>
    public static Activation Sigmoid => new(ActivationKind.Sigmoid);

    /// <summary>Hyperbolic tangent.</summary>
    public static Activation Tanh => new(ActivationKind.Tanh);

    /// <summary>Gaussian error linear unit by erf.</summary>
    public static Activation GeluErf => new(ActivationKind.GeluErf);

    /// <summary>Gaussian error linear unit, tanh approximation.</summary>
    public static Activation GeluTanh => new(ActivationKind.GeluTanh);

    /// <summary>x*sigmoid(x).</summary>
    public static Activation Silu => new(ActivationKind.Silu, 1);

    /// <summary>x*clip(x/6+1/2, 0, 1).</summary>
    public static Activation HardSwish => new(ActivationKind.HardSwish, 1.0 / 6, 0.5);
}

/// <summary>What follows the sum, in this order: bias (in the problem), residual, activation, output scale.</summary>
/// <param name="Residual">Adds a tensor of the output's shape, times <paramref name="ResidualScale"/>.</param>
/// <param name="ResidualScale">Factor of the residual.</param>
/// <param name="Activation">Applied after bias and residual.</param>
/// <param name="OutputScale">
/// Factor of the activation's result, null for none (1). In an 8-bit problem the value that it multiplies is still the real one:
/// the output's own scale and zero point come after it.
/// </param>
public readonly record struct PostOps(bool Residual, double ResidualScale, Activation Activation, double? OutputScale = null)
{
    /// <summary>Nothing follows.</summary>
    public static PostOps None => default;

    /// <summary>True when nothing follows.</summary>
    public bool IsNone => !Residual && Activation.Kind == ActivationKind.None && OutputScale is null;
}
