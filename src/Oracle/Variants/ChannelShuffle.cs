using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Oracle.Variants;

/// <summary>Channel shuffle: output channel <c>j*G + i</c> is input channel <c>i*(C/G) + j</c>. A copy, so nothing rounds.</summary>
internal static class ChannelShuffle
{
    public static Sums Compute(ConvProblem p, OracleTensors t, long[]? sample)
    {
        bool forward = p.Direction == Direction.Forward;
        double[] from = forward ? t.Input! : t.OutputGrad!;
        long channels = p.InputChannels, groups = p.Groups, perGroup = channels / groups, plane = p.InputSpatial.Product;
        return Sums.ForEach(p.InputShape.Product, sample, (sums, slot, flat) =>
        {
            long n = flat / plane / channels, channel = flat / plane % channels, at = flat % plane;
            long source = forward
                ? (channel % groups * perGroup) + (channel / groups)
                : (channel % perGroup * groups) + (channel / perGroup);
            double v = from[(((n * channels) + source) * plane) + at];
            sums.Set(slot, v, Math.Abs(v), 0);
        });
    }
}
