using ConvNative.Oracle.Bounds;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary>
/// 8-bit convolutions: <c>sum (x - x_zero_point) * (w - w_zero_point[o]) + bias</c> in exact integers, then post-ops on the value
/// that they stand for, then the output's scale, rounding half to even, zero point and saturation. A padding tap is the input's zero
/// point, so it contributes nothing.
/// </summary>
/// <remarks>
/// The sums run through the loops of the floating-point variants on operands with their zero points taken off: doubles are exact
/// integers up to 2^53, and <c>sum |x*w|</c>, which those loops keep, proves that no partial sum went beyond.
/// </remarks>
internal static class QuantizedCorrelation
{
    private const double Exact = 1L << 53;

    /// <summary>True for the problems that this file computes: forward, 8-bit, linear.</summary>
    public static bool Handles(ConvProblem p) =>
        p.InputType.IsInteger() && p.Direction == Direction.Forward && p.Op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed;

    public static OracleResult Compute(ConvProblem p, OracleTensors t, long[]? sample)
    {
        Quantization q = p.Quantization ?? Quantization.None;
        double zero = q.InputZeroPoint;
        ConvProblem integers = p.With(s => s with
        {
            InputType = DataType.F64,
            WeightType = DataType.F64,
            OutputType = DataType.F64,
            HasBias = false,
            PostOps = PostOps.None,
            Quantization = null,
            PadValue = s.PaddingMode == PaddingMode.Constant ? Rounding.To(s.InputType, s.PadValue) - zero : 0,
        });
        var shifted = new OracleTensors { Input = [.. t.Input!.Select(x => x - zero)], Weights = Weights(p, q, t.Weights!) };
        Sums sums = p.Op == ConvOp.Transposed ? Transposed.Compute(integers, shifted, sample) : Correlation.Compute(integers, shifted, sample);
        return Finish(p, q, t, sums, sample);
    }

    private static double[] Weights(ConvProblem p, Quantization q, double[] stored)
    {
        var w = new double[stored.Length];
        long kernel = p.Kernel.Product, second = p.WeightShape[1], inputs = p.InputChannels / p.Groups;
        for (long i = 0; i < w.Length; i++)
        {
            long a = i / kernel / second, b = i / kernel % second;

            // Weights are [O, C/G, k], transposed [C, O/G, k].
            long o = p.Op == ConvOp.Transposed ? (a / inputs * second) + b : a;
            w[i] = stored[i] - q.WeightZeroPoint(o);
        }

        return w;
    }

    private static OracleResult Finish(ConvProblem p, Quantization q, OracleTensors t, Sums sums, long[]? sample)
    {
        PostOps post = p.PostOps;
        long plane = p.OutputSpatial.Product, channels = p.OutputChannels;
        int count = sums.Values.Length;
        bool plain = post.IsNone, rounds = p.OutputType.IsInteger();
        var before = post.Activation.Kind == ActivationKind.None ? null : new double[count];
        var steps = rounds ? new double[count] : null;
        for (int slot = 0; slot < count; slot++)
        {
            long flat = sample is null ? slot : sample[slot], o = flat / plane % channels;
            double bias = p.HasBias ? t.Bias![o] : 0, sum = sums.Values[slot] + bias;
            if (sums.Magnitude[slot] + Math.Abs(bias) >= Exact) throw new OverflowException($"a sum of {p} exceeds 2^53");
            double weight = q.WeightScale(o), unit = q.InputScale * weight, v, magnitude = (Math.Abs(sums.Values[slot]) + Math.Abs(bias)) * unit;
            if (plain)
            {
                // One factor, as ONNX's reference has it.
                v = sum * (q.InputScale * weight / q.OutputScale);
            }
            else
            {
                v = sum * unit;
                if (post.Residual)
                {
                    double r = (t.Residual![flat] - q.OutputZeroPoint) * q.OutputScale * post.ResidualScale;
                    v += r;
                    magnitude += (Math.Abs(t.Residual[flat]) + Math.Abs(q.OutputZeroPoint)) * q.OutputScale * Math.Abs(post.ResidualScale);
                }

                if (before is not null)
                {
                    before[slot] = v;
                    v = Epilogue.Activate(post.Activation, v);
                }

                if (post.OutputScale is { } scale) v *= scale;

                v /= q.OutputScale;
            }

            if (steps is not null)
            {
                steps[slot] = v;
                v = Rounding.To(p.OutputType, Math.Round(v, MidpointRounding.ToEven) + q.OutputZeroPoint);
            }

            sums.Set(slot, v, magnitude, sums.Roundings[slot] == 0 && bias == 0 && !post.Residual ? 0 : QuantizedBound.Roundings);
        }

        return new OracleResult
        {
            Shape = p.ResultShape,
            Values = sums.Values,
            Magnitude = sums.Magnitude,
            Roundings = sums.Roundings,
            BeforeActivation = before,
            BeforeRounding = steps,
            Sampled = sample,
        };
    }
}
