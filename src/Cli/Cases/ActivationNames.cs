using System.Globalization;
using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>
/// Activations by name, as cases, options and JSON output spell them. Parameters follow after colons: <c>leaky_relu:0.1</c>
/// (0.01 without), <c>clip:-1:1</c>.
/// </summary>
public static class ActivationNames
{
    private const string Known = "none, relu, leaky_relu[:SLOPE], relu6, clip:LOW:HIGH, sigmoid, tanh, gelu or gelu_erf, gelu_tanh, silu, hard_swish";

    /// <summary>The activation called <paramref name="text"/>.</summary>
    /// <exception cref="ConvProblemException">The name or its parameters are not understood.</exception>
    public static Activation Parse(string field, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(':');
        var numbers = new double[parts.Length - 1];
        for (int i = 0; i < numbers.Length; i++)
            if (!double.TryParse(parts[i + 1], NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]) || !double.IsFinite(numbers[i]))
                throw new ConvProblemException(field, text, $"\"{parts[i + 1]}\" is not a finite number");
        Activation? activation = (parts[0], numbers) switch
        {
            ("none", []) => Activation.None,
            ("relu", []) => Activation.Relu,
            ("leaky_relu", []) => Activation.LeakyRelu(0.01),
            ("leaky_relu", [double slope]) => Activation.LeakyRelu(slope),
            ("relu6", []) => Activation.Relu6,
            ("clip", [double low, double high]) when low <= high => Activation.Clip(low, high),
            ("sigmoid", []) => Activation.Sigmoid,
            ("tanh", []) => Activation.Tanh,
            ("gelu" or "gelu_erf", []) => Activation.GeluErf,
            ("gelu_tanh", []) => Activation.GeluTanh,
            ("silu", []) => Activation.Silu,
            ("hard_swish" or "hardswish", []) => Activation.HardSwish,
            _ => null,
        };
        return activation ?? throw new ConvProblemException(field, text, $"must be one of {Known}");
    }

    /// <summary>The name that <see cref="Parse"/> reads back.</summary>
    public static string Of(Activation a) => a.Kind switch
    {
        ActivationKind.LeakyRelu => string.Create(CultureInfo.InvariantCulture, $"leaky_relu:{a.Alpha:R}"),
        ActivationKind.Clip when a == Activation.Relu6 => "relu6",
        ActivationKind.Clip => string.Create(CultureInfo.InvariantCulture, $"clip:{a.Alpha:R}:{a.Beta:R}"),
        _ => Names.Of(a.Kind),
    };
}
