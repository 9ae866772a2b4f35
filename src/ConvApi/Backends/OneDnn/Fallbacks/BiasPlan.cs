using ConvNative.Backends.Common;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Fallbacks;

/// <summary>The gradient of a bias alone, which oneDNN computes only along with that of the weights: our own sum, a part per channel or block of channels.</summary>
internal sealed unsafe class BiasPlan : OwnPlan
{
    private readonly bool _last;
    private readonly long _plane;

    public BiasPlan(ConvProblem p, int threads)
        : base(p, OneDnnBackend.BackendName, threads, p.OutputShape.Product)
    {
        _last = p.OutputLayout == Layout.ChannelsLast;
        _plane = p.OutputSpatial.Product;
    }

    public override string Implementation => $"sum:{InstructionSet.Name}";

    public override IReadOnlyList<string> Notes => ["our own sum: oneDNN has this gradient only along with the weights'"];

    protected override void Execute() => Spread(_last ? (Problem.OutputChannels + RowSums.MostChannels - 1) / RowSums.MostChannels : Problem.OutputChannels);

    public override void DoParts(long from, long to, int worker)
    {
        float* dy = (float*)Now.OutputGradient, sums = (float*)Now.Result;
        long channels = Problem.OutputChannels;
        for (long part = from; part < to; part++)
            if (_last)
            {
                long first = part * RowSums.MostChannels;
                RowSums.Channels(dy + first, Problem.Batch * _plane, channels, sums + first, (int)Math.Min(RowSums.MostChannels, channels - first));
            }
            else
            {
                sums[part] = RowSums.Channel(dy + (part * _plane), Problem.Batch, channels * _plane, _plane);
            }
    }
}
