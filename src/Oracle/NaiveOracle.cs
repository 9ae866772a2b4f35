using ConvNative.Oracle.Bounds;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Problems;

namespace ConvNative.Oracle;

/// <summary>
/// The reference: naive loops in double, one file a variant. Double's own rounding (about 1e-16 of the magnitude a term) is
/// part of <see cref="ErrorBound"/>.
/// </summary>
public static class NaiveOracle
{
    /// <summary>
    /// Computes what <paramref name="p"/>'s direction asks for from dense operands in logical order; with
    /// <paramref name="sample"/> (ascending flat logical indices of the result) only those elements.
    /// </summary>
    /// <exception cref="ArgumentException">An operand that the direction needs is missing or of the wrong length.</exception>
    public static OracleResult Compute(ConvProblem p, OracleTensors t, long[]? sample = null)
    {
        ArgumentNullException.ThrowIfNull(p);
        ArgumentNullException.ThrowIfNull(t);
        Check(p, t);
        if (QuantizedCorrelation.Handles(p)) return QuantizedCorrelation.Compute(p, t, sample);
        Sums sums = p.Op switch
        {
            ConvOp.Correlation or ConvOp.Convolution => Correlation.Compute(p, t, sample),
            ConvOp.Transposed => Transposed.Compute(p, t, sample),
            ConvOp.Deformable => Deformable.Compute(p, t, sample),
            ConvOp.ChannelShuffle => ChannelShuffle.Compute(p, t, sample),
            ConvOp.Im2col => Im2col.Compute(p, t, sample),
            _ => Col2im.Compute(p, t, sample),
        };
        double[]? before = p.Direction == Direction.Forward ? Epilogue.Apply(p, t, sums, sample) : null;
        return new OracleResult
        {
            Shape = p.ResultShape,
            Values = sums.Values,
            Magnitude = sums.Magnitude,
            Roundings = sums.Roundings,
            Sensitivity = sums.Sensitivity,
            BeforeActivation = before,
            LargestMagnitude = Largest(p, t, sums),
            Sampled = sample,
        };
    }

    /// <summary>The operands that the direction reads, by name, with their shapes and element types.</summary>
    public static IEnumerable<(string Name, Dims Shape, DataType Type)> Operands(ConvProblem p)
    {
        ArgumentNullException.ThrowIfNull(p);
        Direction d = p.Direction;
        bool forward = d == Direction.Forward, sampling = p.Op == ConvOp.Deformable && d != Direction.BackwardBias;
        if (forward || d is Direction.BackwardWeights or Direction.BackwardOffset or Direction.BackwardMask) yield return ("input", p.InputShape, p.InputType);
        if (p.HasWeights && d is not (Direction.BackwardWeights or Direction.BackwardBias)) yield return ("weights", p.WeightShape, p.WeightType);
        if (forward && p.HasBias) yield return ("bias", p.BiasShape, p.BiasType);
        if (forward && p.PostOps.Residual) yield return ("residual", p.OutputShape, p.OutputType);
        if (sampling) yield return ("offset", p.OffsetShape, p.InputType);
        if (sampling && p.HasMask) yield return ("mask", p.MaskShape, p.InputType);
        if (!forward) yield return ("output_grad", p.OutputShape, p.OutputType);
    }

    /// <summary>The operand called <paramref name="name"/> (as <see cref="Operands"/> spells it), or null.</summary>
    public static double[]? Operand(OracleTensors t, string name)
    {
        ArgumentNullException.ThrowIfNull(t);
        return name switch
        {
            "input" => t.Input,
            "weights" => t.Weights,
            "bias" => t.Bias,
            "residual" => t.Residual,
            "offset" => t.Offset,
            "mask" => t.Mask,
            "output_grad" => t.OutputGrad,
            _ => throw new ArgumentException($"name = {name}: no such operand"),
        };
    }

    private static void Check(ConvProblem p, OracleTensors t)
    {
        foreach ((string name, Dims shape, _) in Operands(p))
        {
            double[] v = Operand(t, name) ?? throw new ArgumentException($"{name} = none: {Names.Of(p.Direction)} needs it, shape {shape} ({p})");
            if (v.Length != shape.Product) throw new ArgumentException($"{name} = {v.Length} elements: must be {shape.Product}, shape {shape} ({p})");
        }
    }

    /// <summary>Most roundings times the largest product, for algorithms whose error is not local to an element.</summary>
    private static double Largest(ConvProblem p, OracleTensors t, Sums sums)
    {
        double left = Top(p.Direction is Direction.Forward or Direction.BackwardWeights ? t.Input : t.OutputGrad);
        double right = Top(p.Direction == Direction.BackwardWeights ? t.OutputGrad : t.Weights);
        int terms = 0;
        foreach (int r in sums.Roundings) terms = Math.Max(terms, r);
        return (terms * left * right) + Top(t.Bias) + (Top(t.Residual) * Math.Abs(p.PostOps.ResidualScale));
    }

    private static double Top(double[]? values)
    {
        double top = 0;
        foreach (double v in values ?? []) top = Math.Max(top, Math.Abs(v));
        return top;
    }
}
