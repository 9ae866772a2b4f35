using ConvNative.Problems;

namespace ConvNative.Cli.Benchmarks.Peers;

/// <summary>The peers' fills and checksum (shared with other harnesses): small exact values, by index in logical order.</summary>
public static class PeerFills
{
    /// <summary>Input, and the output's gradient.</summary>
    public static float Source(long i) => (((i * 7) + 3) % 17 - 8) / 8f;

    /// <summary>Weights, in the order G O I D H W.</summary>
    public static float Weight(long i) => (((i * 5) + 1) % 13 - 6) / 64f;

    /// <summary>Bias.</summary>
    public static float Bias(long i) => i % 5 / 4f;

    /// <summary>Mean of the elements, weighted 1 to 7 by index in logical order.</summary>
    public static double Checksum(ReadOnlySpan<float> y)
    {
        double sum = 0;
        for (int i = 0; i < y.Length; i++) sum += (double)y[i] * (1 + (i % 7));
        return sum / y.Length;
    }

    /// <summary>
    /// Weights in our logical order. A transposed problem's are [C, O/G, k], where the peers' are [G, O/G, C/G, k]: the same
    /// numbers belong to the same pair of channels.
    /// </summary>
    public static float[] Weights(ConvProblem p)
    {
        ArgumentNullException.ThrowIfNull(p);
        var w = new float[p.WeightCount];
        if (p.Op != ConvOp.Transposed)
        {
            for (long i = 0; i < w.Length; i++) w[i] = Weight(i);
            return w;
        }

        long groups = p.Groups, inputs = p.InputChannels / groups, outputs = p.WeightShape[1], taps = p.Kernel.Product, at = 0;
        for (long g = 0; g < groups; g++)
            for (long c = 0; c < inputs; c++)
                for (long o = 0; o < outputs; o++)
                    for (long k = 0; k < taps; k++)
                        w[at++] = Weight((((((g * outputs) + o) * inputs) + c) * taps) + k);
        return w;
    }

    /// <summary><paramref name="count"/> values of <see cref="Source"/>.</summary>
    public static float[] Sources(long count)
    {
        var x = new float[count];
        for (long i = 0; i < count; i++) x[i] = Source(i);
        return x;
    }

    /// <summary><paramref name="count"/> values of <see cref="Bias"/>.</summary>
    public static float[] Biases(long count)
    {
        var b = new float[count];
        for (long i = 0; i < count; i++) b[i] = Bias(i);
        return b;
    }

    /// <summary>Mask of a deformable problem: the logistic function of the first half of each image's offsets.</summary>
    public static float[] Masks(ConvProblem p)
    {
        ArgumentNullException.ThrowIfNull(p);
        long image = p.MaskShape.Product / Math.Max(1, p.Batch);
        var m = new float[p.MaskShape.Product];
        for (long i = 0; i < m.Length; i++) m[i] = 1 / (1 + MathF.Exp(-Source((i / image * 2 * image) + (i % image))));
        return m;
    }
}
