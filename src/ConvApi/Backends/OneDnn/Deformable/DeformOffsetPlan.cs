using ConvNative.Backends.Common.Deformable;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Deformable;

/// <summary>Gradient of a deformable convolution's offsets or mask: a part owns a block of pixels and reduces over channels.</summary>
internal sealed unsafe class DeformOffsetPlan : DeformBackwardPlan
{
    private float* _columns;
    private readonly ChannelRun[][] _runs;
    private readonly bool _mask;

    public DeformOffsetPlan(ConvProblem p, int threads)
        : base(p, threads, int.MaxValue / 2)
    {
        _mask = p.Direction == Direction.BackwardMask;
        _columns = (float*)AllocateWorkspace((long)Threads * Block * Taps * Channels * sizeof(float));

        // The columns of a group are one dense matrix after the other.
        _runs = new ChannelRun[OffsetGroups][];
        ChannelRun[] all = [.. Enumerable.Range(0, Groups).SelectMany(g => Runs(g * GroupChannels, (g + 1) * GroupChannels, 0, GroupChannels))];
        for (int og = 0; og < OffsetGroups; og++) _runs[og] = [.. all.Where(r => r.OffsetGroup == og)];
        MakeProducts((long)Taps * GroupChannels);
    }

    public override string Implementation => $"matmul:{Full.Implementation}+reduce:{InstructionSet.Name}";

    protected override void Renew()
    {
        base.Renew();
        _columns = Another(_columns);
    }

    protected override void Steps()
    {
        ConvertGradient(0);
        RunPhase(1, Problem.Batch * Blocks);
    }

    protected override void DoPart(int phase, long part, int worker)
    {
        if (phase == 0)
        {
            ConvertGradientPart(part);
            return;
        }

        long n = part / Blocks;
        int block = (int)(part % Blocks), first = block * Block, pixels = PixelsOf(block);
        float* columns = _columns + ((long)worker * Block * Taps * Channels), image = Pixels + (n * ImagePlane * Channels);
        for (int g = 0; g < Groups; g++) Multiply(worker, n, block, g, 0, columns + ((long)g * Block * Taps * GroupChannels));
        for (int og = 0; og < OffsetGroups; og++)
            for (int tap = 0; tap < Taps; tap++)
                for (int i = 0; i < pixels; i++) Reduce(n, og, tap, first + i, i, columns, image);
    }

    private void Reduce(long n, int offsetGroup, int tap, int pixel, int row, float* columns, float* image)
    {
        Sampler.Locate((float*)Now.Offset, (float*)Now.Mask, n, offsetGroup, tap, pixel, out BilinearPoint p);
        float value = 0, alongY = 0, alongX = 0;
        foreach (ref readonly ChannelRun run in _runs[offsetGroup].AsSpan())
        {
            float* g = columns + ((((((long)(run.Channel / GroupChannels) * Block) + row) * Taps) + tap) * GroupChannels) + run.Column;
            float* a = At(image, p.TopLeft, run), b = At(image, p.TopRight, run), d = At(image, p.BottomLeft, run), e = At(image, p.BottomRight, run);
            if (_mask) value += BilinearRows.Dot(p, g, a, b, d, e, run.Count);
            else BilinearRows.Slopes(p, g, a, b, d, e, run.Count, ref alongY, ref alongX);
        }

        var result = (float*)Now.Result;
        if (_mask)
        {
            result[Sampler.MaskIndex(n, offsetGroup, tap, pixel)] = value;
            return;
        }

        long at = Sampler.OffsetIndex(n, offsetGroup, tap, pixel);
        result[at] = p.Mask * alongY;
        result[at + Plane] = p.Mask * alongX;
    }
}
