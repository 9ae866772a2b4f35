namespace ConvNative.Problems;

/// <summary>
/// An activation with its parameters; see <see cref="ActivationKind"/> for what alpha and beta mean. A parameter that is not given is the
/// kind's usual one: slope 0.01 for leaky relu (ONNX's and PyTorch's), alpha 1 for silu, 1/6 and 1/2 for hard-swish; a clip's limits have
/// none and must be given. Value-equal by the parameters that count, given or usual.
/// </summary>
public readonly record struct Activation
{
    private readonly double? _alpha;
    private readonly double? _beta;

    /// <summary>The function <paramref name="kind"/>; a parameter of null is the kind's usual one.</summary>
    public Activation(ActivationKind kind, double? alpha = null, double? beta = null) => (Kind, _alpha, _beta) = (kind, alpha, beta);

    /// <summary>The function.</summary>
    public ActivationKind Kind { get; init; }

    /// <summary>The first parameter; 0 for a kind without any, NaN for a clip whose limit is not given.</summary>
    public double Alpha
    {
        get => _alpha ?? Kind switch
        {
            ActivationKind.LeakyRelu => 0.01,
            ActivationKind.Silu => 1,
            ActivationKind.HardSwish => 1.0 / 6,
            ActivationKind.Clip => double.NaN,
            _ => 0,
        };
        init => _alpha = value;
    }

    /// <summary>The second parameter; 0 for a kind without any, NaN for a clip whose limit is not given.</summary>
    public double Beta
    {
        get => _beta ?? Kind switch
        {
            ActivationKind.HardSwish => 0.5,
            ActivationKind.Clip => double.NaN,
            _ => 0,
        };
        init => _beta = value;
    }

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
    public static Activation Silu => new(ActivationKind.Silu);

    /// <summary>x*clip(x/6+1/2, 0, 1).</summary>
    public static Activation HardSwish => new(ActivationKind.HardSwish);

    /// <summary>Kind and parameters.</summary>
    public void Deconstruct(out ActivationKind kind, out double alpha, out double beta) => (kind, alpha, beta) = (Kind, Alpha, Beta);

    /// <inheritdoc/>
    public bool Equals(Activation other) => Kind == other.Kind && Alpha.Equals(other.Alpha) && Beta.Equals(other.Beta);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, Alpha, Beta);
}
