using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Deformable;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Deformable;

/// <summary>
/// Gradient of a deformable convolution's input. A part owns some channels of one image and adds to them in the order of pixels
/// and taps, so the sums do not depend on the number of threads.
/// </summary>
internal sealed unsafe class DeformDataPlan : DeformBackwardPlan
{
    // So many channels of an image fit the second-level cache beside a block, and are still enough for whole vectors.
    private const int WantedWidth = 32;

    private BilinearPoint* _points;
    private float* _columns;
    private float* _image;
    private readonly ChannelRun[][] _runs;

    public DeformDataPlan(ConvProblem p, int threads)
        : base(p, threads, WantedWidth)
    {
        _points = (BilinearPoint*)AllocateWorkspace(checked(p.Batch * OffsetGroups * Plane * Taps * sizeof(BilinearPoint)));
        _columns = (float*)AllocateWorkspace((long)Threads * Block * Taps * Width * sizeof(float));
        _image = (float*)AllocateWorkspace((long)Threads * ImagePlane * Width * sizeof(float));
        _runs = new ChannelRun[Groups * Pieces][];
        for (int i = 0; i < _runs.Length; i++)
        {
            int from = (i / Pieces * GroupChannels) + (i % Pieces * Width);
            _runs[i] = [.. Runs(from, Math.Min(from + Width, ((i / Pieces) + 1) * GroupChannels), 0, Width)];
        }

        MakeProducts((long)Taps * Width);
    }

    public override string Implementation => $"matmul:{Full.Implementation}+scatter:{InstructionSet.Name}";

    protected override void Renew()
    {
        base.Renew();
        _points = Another(_points);
        _columns = Another(_columns);
        _image = Another(_image);
    }

    protected override void Steps()
    {
        ConvertGradient(0);
        RunPhase(1, Problem.Batch * OffsetGroups * Plane);
        RunPhase(2, Problem.Batch * Groups * Pieces);
    }

    protected override void DoPart(int phase, long part, int worker)
    {
        switch (phase)
        {
            case 0: ConvertGradientPart(part); break;
            case 1: Locate(part); break;
            default: Scatter(part / (Groups * Pieces), (int)(part % (Groups * Pieces)), worker); break;
        }
    }

    private void Locate(long part)
    {
        int pixel = (int)(part % Plane), offsetGroup = (int)(part / Plane % OffsetGroups);
        for (int tap = 0; tap < Taps; tap++)
            Sampler.Locate((float*)Now.Offset, (float*)Now.Mask, part / Plane / OffsetGroups, offsetGroup, tap, pixel, out _points[(part * Taps) + tap]);
    }

    private void Scatter(long n, int piece, int worker)
    {
        float* columns = _columns + ((long)worker * Block * Taps * Width), image = _image + ((long)worker * ImagePlane * Width);
        NativeMemory.Clear(image, (nuint)ImagePlane * (nuint)Width * sizeof(float));
        for (int block = 0; block < Blocks; block++)
        {
            Multiply(worker, n, block, piece / Pieces, piece % Pieces, columns);
            int first = block * Block, pixels = PixelsOf(block);
            for (int i = 0; i < pixels; i++)
                foreach (ref readonly ChannelRun run in _runs[piece].AsSpan())
                    for (int tap = 0; tap < Taps; tap++)
                    {
                        ref readonly BilinearPoint p = ref _points[(((((n * OffsetGroups) + run.OffsetGroup) * Plane) + first + i) * Taps) + tap];
                        BilinearRows.Spread(p, columns + ((((long)i * Taps) + tap) * Width) + run.Column, To(image, p.TopLeft, run), To(image, p.TopRight, run), To(image, p.BottomLeft, run), To(image, p.BottomRight, run), run.Count);
                    }
        }

        int from = _runs[piece][0].Channel, count = Math.Min(Width, GroupChannels - (piece % Pieces * Width));
        var result = (float*)Now.Result + (n * Channels * ImagePlane);
        if (!InputLast) Transposition.ToChannels(image, Width, result + ((long)from * ImagePlane), ImagePlane, 1, ImagePlane, count);
        else
            for (int i = 0; i < ImagePlane; i++)
                new ReadOnlySpan<float>(image + ((long)i * Width), count).CopyTo(new Span<float>(result + ((long)i * Channels) + from, count));
    }

    private float* To(float* image, int pixel, in ChannelRun run) => pixel < 0 ? null : image + ((long)pixel * Width) + run.Column;
}
