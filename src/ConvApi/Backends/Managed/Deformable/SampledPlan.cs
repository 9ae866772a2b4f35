using ConvNative.Backends.Common.Deformable;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Kernels;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Deformable;

/// <summary>
/// Deformable convolution in f32. Sampled values ("columns") are rows of output pixels with runs of channels, so that interpolation
/// works on vectors of channels; products with the weights are the gradient kernels' outer products. A group of one channel leaves no
/// matrix: its channels are multiplied where they are sampled.
/// </summary>
internal abstract unsafe class SampledPlan : ManagedPlan
{
    private const int ConvertedPixels = 128;

    private readonly float* _zeros;
    private float* _converted;
    private BilinearPoint* _points;
    private readonly BilinearSampler _sampler;
    private Step _step;

    protected SampledPlan(ConvProblem p, PlanOptions options, bool readsInput, bool keepsPoints)
        : base(p, options, $"managed:deform:{InstructionSet.Name}", p.MultiplyAdds)
    {
        Kernels = GradientSet.For<float>();
        _sampler = new BilinearSampler(p);
        Output = Strides5.Of(p.OutputShape, p.OutputLayout);
        (Channels, Outputs, Groups, OffsetGroups) = (checked((int)p.InputChannels), checked((int)p.OutputChannels), checked((int)p.Groups), checked((int)p.OffsetGroups));
        (Taps, ImagePlane, Plane) = (checked((int)p.Kernel.Product), checked((int)p.InputSpatial.Product), checked((int)p.OutputSpatial.Product));
        (GroupChannels, GroupOutputs) = (Channels / Groups, Outputs / Groups);
        IsDepthwise = GroupChannels == 1;
        InputLast = p.InputLayout == Layout.ChannelsLast;
        if (keepsPoints) _points = (BilinearPoint*)AllocateWorkspace(checked(p.Batch * OffsetGroups * Plane * Taps * sizeof(BilinearPoint)));
        if (!readsInput) return;
        _zeros = (float*)AllocateWorkspace((long)Channels * sizeof(float));
        if (!InputLast) _converted = (float*)AllocateWorkspace(checked(p.InputShape.Product * sizeof(float)));
    }

    private enum Step
    {
        Convert,
        Locate,
        Work,
        Finish,
    }

    public override IReadOnlyList<string> Notes =>
    [
        $"sampling and products by vectors of {Lanes} channels{(_converted == null ? "" : "; input copied to channels-last")}",
        IsDepthwise ? "groups of one channel: multiplied where they are sampled" : "products of a block of pixels on the thread that sampled it",
    ];

    protected GradientSet Kernels { get; }

    protected int Lanes => Kernels.Lanes;

    protected Strides5 Output { get; }

    protected int Channels { get; }

    protected int Outputs { get; }

    protected int Groups { get; }

    protected int OffsetGroups { get; }

    protected int Taps { get; }

    /// <summary>H*W of the input.</summary>
    protected int ImagePlane { get; }

    /// <summary>H*W of the output.</summary>
    protected int Plane { get; }

    protected int GroupChannels { get; }

    protected int GroupOutputs { get; }

    protected bool IsDepthwise { get; }

    protected bool InputLast { get; }

    protected BilinearSampler Sampler => _sampler;

    /// <summary>Parts of the work itself, and of what follows when all of it is done.</summary>
    protected abstract (long Work, long Finish) Parts { get; }

    protected abstract void Work(long part, int worker);

    protected virtual void Finish(long part)
    {
    }

    /// <summary>All channels of a pixel side by side.</summary>
    protected float* Image(long n) => (InputLast ? (float*)Now.Input : _converted) + (n * ImagePlane * Channels);

    /// <summary>The kept points of a pixel, one a tap.</summary>
    protected BilinearPoint* Points(long n, int offsetGroup, int pixel) => _points + ((((n * OffsetGroups) + offsetGroup) * Plane) + pixel) * Taps;

    protected override void Renew()
    {
        base.Renew();
        _converted = Another(_converted);
        _points = Another(_points);
    }

    protected override void Execute()
    {
        (long work, long finish) = Parts;
        if (_converted != null) Spread(Step.Convert, Problem.Batch * ((ImagePlane + ConvertedPixels - 1) / ConvertedPixels));
        if (_points != null) Spread(Step.Locate, Problem.Batch * OffsetGroups * Plane);
        Spread(Step.Work, work);
        Spread(Step.Finish, finish);
    }

    private void Spread(Step step, long parts)
    {
        _step = step;
        Spread(parts);
    }

    public override void DoParts(long from, long to, int worker)
    {
        for (long part = from; part < to; part++)
            switch (_step)
            {
                case Step.Convert:
                    int blocks = (ImagePlane + ConvertedPixels - 1) / ConvertedPixels, first = (int)(part % blocks) * ConvertedPixels;
                    long image = part / blocks * Channels * ImagePlane;
                    Transposition.ToPixels((float*)Now.Input + image + first, 1, ImagePlane, _converted + image + ((long)first * Channels), Channels, Math.Min(ConvertedPixels, ImagePlane - first), Channels);
                    break;
                case Step.Locate:
                    for (int tap = 0; tap < Taps; tap++)
                        _sampler.Locate((float*)Now.Offset, (float*)Now.Mask, part / Plane / OffsetGroups, (int)(part / Plane % OffsetGroups), tap, (int)(part % Plane), out _points[(part * Taps) + tap]);
                    break;
                case Step.Work:
                    Work(part, worker);
                    break;
                default:
                    Finish(part);
                    break;
            }
    }

    /// <summary>Samples the channels of a run to <paramref name="to"/>.</summary>
    protected void Sample(float* image, in BilinearPoint p, in SampledRun run, float* to) =>
        BilinearRows.Blend(p, At(image, p.TopLeft, run), At(image, p.TopRight, run), At(image, p.BottomLeft, run), At(image, p.BottomRight, run), to, run.Count);

    /// <summary>Channels of a pixel, or zeros outside.</summary>
    protected float* At(float* image, int pixel, in SampledRun run) => pixel < 0 ? _zeros : image + ((long)pixel * Channels) + run.Channel;

    /// <summary><c>to[row][lane] += sum over depth of a[row] * b[lane]</c>; steps in floats.</summary>
    protected void Multiply(float* a, long aStep, long aElement, float* b, long bElement, int rows, int depth, int vectors, float* to, long toStep)
    {
        int most = Kernels.MostRows(vectors), tiles = (rows + most - 1) / most;
        for (int t = 0; t < tiles; t++)
        {
            int r0 = rows * t / tiles, r1 = rows * (t + 1) / tiles;
            GradientArguments q = new()
            {
                A = (byte*)(a + (r0 * aStep)),
                AStep = checked((nint)(aStep * sizeof(float))),
                AElement = checked((nint)(aElement * sizeof(float))),
                B = (byte*)b,
                BElement = checked((nint)(bElement * sizeof(float))),
                Lines = 1,
                Count = depth,
                Out = (byte*)(to + (r0 * toStep)),
                OutStep = checked((nint)(toStep * sizeof(float))),
            };
            Kernels.Outer(r1 - r0, vectors)(&q);
        }
    }

    /// <summary>Channels cut into pieces of at most two vectors, within groups unless each channel is one.</summary>
    protected SampledPiece[] Pieces()
    {
        var pieces = new List<SampledPiece>();
        int span = IsDepthwise ? Channels : GroupChannels, vectors = span > Lanes ? 2 : 1;
        for (int g = 0; g < Channels / span; g++)
            for (int c = 0; c < span; c += vectors * Lanes)
            {
                int count = Math.Min(vectors * Lanes, span - c);
                pieces.Add(new SampledPiece(g, c, count, vectors, Runs((g * span) + c, count)));
            }

        return [.. pieces];
    }

    /// <summary>Channels from <paramref name="from"/> on, cut where the offsets change.</summary>
    protected SampledRun[] Runs(int from, int count)
    {
        var runs = new List<SampledRun>();
        int perOffset = Channels / OffsetGroups;
        for (int c = from; c < from + count;)
        {
            int end = Math.Min(from + count, ((c / perOffset) + 1) * perOffset);
            runs.Add(new SampledRun(c, end - c, c / perOffset, c - from));
            c = end;
        }

        return [.. runs];
    }

    /// <summary>Output pixels of a block whose columns of so many floats stay in a second-level cache.</summary>
    protected int BlockOf(long floatsPerPixel)
    {
        int wanted = (int)Math.Clamp(512 * 1024 / sizeof(float) / Math.Max(1, floatsPerPixel), 14, 112), blocks = (Plane + wanted - 1) / wanted;
        return (Plane + blocks - 1) / blocks;
    }

    /// <summary>The output's gradient of a depthwise piece as rows of pixels, <c>[pixel][j][channel]</c>.</summary>
    protected void GradientRows(long n, int first, int pixels, SampledPiece piece, float* to)
    {
        int width = piece.Vectors * Lanes;
        for (int j = 0; j < GroupOutputs; j++)
        {
            float* from = (float*)Now.OutputGradient + (n * Output.N) + ((((long)piece.From * GroupOutputs) + j) * Output.C) + (first * PixelStep);
            Transposition.ToPixels(from, PixelStep, GroupOutputs * Output.C, to + ((long)j * width), GroupOutputs * width, pixels, piece.Count);
        }
    }

    /// <summary>Elements from one output pixel to the next.</summary>
    protected long PixelStep => Output.W;

    /// <summary>Offset of weight (output channel, channel of the group, tap) in the caller's tensor.</summary>
    protected long WeightOffset(long o, long c, long tap) => Problem.WeightLayout == Layout.ChannelsLast
        ? (((o * Taps) + tap) * GroupChannels) + c
        : (((o * GroupChannels) + c) * Taps) + tap;
}

/// <summary>Neighbouring channels with the same offsets, and their place in a piece.</summary>
internal readonly record struct SampledRun(int Channel, int Count, int OffsetGroup, int Column);

/// <summary>Channels <c>From</c> on of a group (of all, where each is a group), in <c>Vectors</c> vectors.</summary>
internal sealed record SampledPiece(int Group, int From, int Count, int Vectors, SampledRun[] Runs);
