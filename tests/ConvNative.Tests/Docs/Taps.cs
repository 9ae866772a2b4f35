using ConvNative.Problems;

namespace ConvNative.Tests.Docs;

/// <summary>An input position that an output reads, and the weight that it meets there.</summary>
/// <param name="At">Per spatial axis; outside the input where padding is read.</param>
/// <param name="Weight">Flat index within the kernel.</param>
/// <param name="Inside">The input has it.</param>
internal sealed record Tap(long[] At, long Weight, bool Inside);

/// <summary>Which input positions each output reads, from a problem's own fields.</summary>
internal static class Taps
{
    /// <summary>What the output at <paramref name="output"/> reads.</summary>
    public static IEnumerable<Tap> Of(ConvProblem p, params long[] output)
    {
        foreach (long[] k in Positions(p.Kernel))
        {
            var at = new long[p.Rank];
            long weight = 0;
            bool reached = true;
            for (int i = 0; i < at.Length; i++)
            {
                if (p.Op == ConvOp.Transposed)
                {
                    (at[i], long rest) = Math.DivRem(output[i] + p.PadsBegin[i] - (k[i] * p.Dilations[i]), p.Strides[i]);
                    reached &= rest == 0 && at[i] >= 0 && at[i] < p.InputSpatial[i];
                }
                else
                {
                    at[i] = (output[i] * p.Strides[i]) - p.PadsBegin[i] + (k[i] * p.Dilations[i]);
                }

                weight = (weight * p.Kernel[i]) + (p.Op == ConvOp.Convolution ? p.Kernel[i] - 1 - k[i] : k[i]);
            }

            bool inside = !at.Where((a, i) => a < 0 || a >= p.InputSpatial[i]).Any();
            if (reached) yield return new Tap(at, weight, inside);
        }
    }

    /// <summary>Every index of a shape, last axis fastest.</summary>
    public static IEnumerable<long[]> Positions(Dims shape)
    {
        for (long flat = 0; flat < shape.Product; flat++)
        {
            var at = new long[shape.Count];
            long rest = flat;
            for (int i = shape.Count - 1; i >= 0; i--) (rest, at[i]) = Math.DivRem(rest, shape[i]);
            yield return at;
        }
    }
}
