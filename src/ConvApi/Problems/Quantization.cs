using System.Collections.Immutable;

namespace ConvNative.Problems;

/// <summary>
/// What the integers of an 8-bit problem stand for: a stored q means <c>(q - zero point) * scale</c>. Value-equal. Weights have one
/// scale and zero point, or one for each output channel; the bias counts in units of input scale times weight scale; padding counts
/// as the input's zero point. An 8-bit output is the value in units of the output scale, rounded half to even, plus the output zero
/// point, saturated. s32 output is the plain sum (zero points only), floating-point output the value itself.
/// </summary>
public sealed record Quantization
{
    /// <summary>Scale 1 and zero point 0 everywhere.</summary>
    public static Quantization None { get; } = new();

    /// <summary>Scale of the input, positive.</summary>
    public double InputScale { get; init; } = 1;

    /// <summary>Zero point of the input, a value of its type.</summary>
    public int InputZeroPoint { get; init; }

    /// <summary>One scale of the weights, or one for each output channel; positive.</summary>
    public ImmutableArray<double> WeightScales { get; init; } = [1.0];

    /// <summary>One zero point of the weights, or one for each output channel; values of their type.</summary>
    public ImmutableArray<int> WeightZeroPoints { get; init; } = [0];

    /// <summary>Scale of an 8-bit output, positive.</summary>
    public double OutputScale { get; init; } = 1;

    /// <summary>Zero point of an 8-bit output, a value of its type.</summary>
    public int OutputZeroPoint { get; init; }

    /// <summary>The weights' scale of output channel <paramref name="channel"/>.</summary>
    public double WeightScale(long channel) => WeightScales[WeightScales.Length == 1 ? 0 : (int)channel];

    /// <summary>The weights' zero point of output channel <paramref name="channel"/>.</summary>
    public int WeightZeroPoint(long channel) => WeightZeroPoints[WeightZeroPoints.Length == 1 ? 0 : (int)channel];

    /// <inheritdoc/>
    public bool Equals(Quantization? other) => other is not null
        && InputScale.Equals(other.InputScale) && InputZeroPoint == other.InputZeroPoint
        && WeightScales.AsSpan().SequenceEqual(other.WeightScales.AsSpan()) && WeightZeroPoints.AsSpan().SequenceEqual(other.WeightZeroPoints.AsSpan())
        && OutputScale.Equals(other.OutputScale) && OutputZeroPoint == other.OutputZeroPoint;

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var h = default(HashCode);
        h.Add(InputScale);
        h.Add(InputZeroPoint);
        foreach (double s in WeightScales) h.Add(s);
        foreach (int z in WeightZeroPoints) h.Add(z);
        h.Add(OutputScale);
        h.Add(OutputZeroPoint);
        return h.ToHashCode();
    }

    /// <summary>As <c>--quant=</c> spells it.</summary>
    public override string ToString() => Language.QuantizationText.Write(this);
}
