using ConvNative.Backends.Common;
using ConvNative.Backends.Common.Deformable;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Deformable;

/// <summary>
/// What the directions of a deformable convolution share. Sampled values ("columns") are rows of a block of output pixels,
/// <c>[pixel][group][tap][channel of the group]</c>, so that interpolation works on runs of channels and oneDNN's matrix product on
/// whole rows. Each worker keeps its block in its own cache and multiplies it on its own thread.
/// </summary>
internal abstract unsafe class DeformPlan : OwnPlan
{
    /// <summary>Pixels whose conversion to channels-last is one part.</summary>
    private const int ConvertedPixels = 128;

    private float* _convertedInput;
    private readonly float* _zeros;
    private readonly BilinearSampler _sampler;
    private int _phase;

    protected DeformPlan(ConvProblem p, int threads)
        : base(p, OneDnnBackend.BackendName, threads, p.MultiplyAdds)
    {
        _sampler = new BilinearSampler(p);
        (Channels, Outputs, Groups, OffsetGroups) = (checked((int)p.InputChannels), checked((int)p.OutputChannels), checked((int)p.Groups), checked((int)p.OffsetGroups));
        (Taps, ImagePlane, Plane) = (checked((int)p.Kernel.Product), checked((int)p.InputSpatial.Product), checked((int)p.OutputSpatial.Product));
        (GroupChannels, GroupOutputs, OffsetChannels) = (Channels / Groups, Outputs / Groups, Channels / OffsetGroups);
        InputLast = p.InputLayout == Layout.ChannelsLast;
        OutputLast = p.OutputLayout == Layout.ChannelsLast;
        if (p.Direction == Direction.BackwardData) return;
        _zeros = (float*)AllocateWorkspace(Channels * sizeof(float));
        if (!InputLast) _convertedInput = (float*)AllocateWorkspace(p.InputShape.Product * sizeof(float));
    }

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

    protected int OffsetChannels { get; }

    protected bool InputLast { get; }

    protected bool OutputLast { get; }

    /// <summary>Every pixel's channels side by side.</summary>
    protected float* Pixels => InputLast ? (float*)Now.Input : _convertedInput;

    protected BilinearSampler Sampler => _sampler;

    public override IReadOnlyList<string> Notes
    {
        get
        {
            var notes = new List<string> { $"sampling is our own code ({InstructionSet.Name}); the product of a block of pixels is oneDNN's matmul, on the thread that sampled it" };
            if (_convertedInput != null) notes.Add("input copied to channels-last");
            notes.AddRange(OwnNotes);
            return notes;
        }
    }

    protected virtual IEnumerable<string> OwnNotes => [];

    /// <summary>Blocks of about <paramref name="wanted"/> pixels, all of one size but the last.</summary>
    protected static int BlockOf(int pixels, int wanted)
    {
        int blocks = (pixels + wanted - 1) / wanted;
        return (pixels + blocks - 1) / blocks;
    }

    /// <summary>Runs of channels in <c>[from, to)</c> of one group that share their offsets, as columns of a row that holds <paramref name="width"/> channels a tap.</summary>
    protected IEnumerable<ChannelRun> Runs(int from, int to, int column, int width)
    {
        for (int c = from; c < to;)
        {
            int end = Math.Min(to, ((c / OffsetChannels) + 1) * OffsetChannels);
            yield return new ChannelRun(c, end - c, c / OffsetChannels, column + c - from, width);
            c = end;
        }
    }

    /// <summary>
    /// The product of last blocks. It shares the packed weights of <paramref name="full"/> where oneDNN has a kernel for them; with fewer rows it may want them in
    /// other blocks, and has nothing but its reference loops for these.
    /// </summary>
    protected static OneDnnMatmul LastProduct(OneDnnMatmul full, Func<DnnlMemoryDescHandle?, OneDnnMatmul> make)
    {
        OneDnnMatmul last = make(full.Weights);
        return last.Implementation.StartsWith("ref", StringComparison.Ordinal) ? make(null) : last;
    }

    /// <summary>Memory for <paramref name="pieces"/> of weights as the products want them, which is one where both want the same.</summary>
    protected (DnnlMemory[] Full, DnnlMemory[] Last) WeightsFor(OneDnnMatmul full, OneDnnMatmul last, int pieces)
    {
        DnnlMemory[] weights = Memories(full);
        return (weights, OneDnnRuntime.Same(last.Weights, full.Weights) ? weights : Memories(last));

        DnnlMemory[] Memories(OneDnnMatmul product)
        {
            var result = new DnnlMemory[pieces];
            for (int i = 0; i < pieces; i++) result[i] = Keep(new DnnlMemory(OneDnnRuntime.Clone(product.Weights), allocate: true));
            return result;
        }
    }

    /// <summary>Products of whole and of last blocks for another lane; the two may be one.</summary>
    protected (OneDnnMatmul Full, OneDnnMatmul Tail) Forked(OneDnnMatmul full, OneDnnMatmul tail)
    {
        OneDnnMatmul fork = Keep(full.Fork());
        return (fork, tail == full ? fork : Keep(tail.Fork()));
    }

    protected override void Renew()
    {
        base.Renew();
        _convertedInput = Another(_convertedInput);
    }

    protected override void Execute()
    {
        if (_convertedInput != null) RunPhase(-1, Problem.Batch * ((ImagePlane + ConvertedPixels - 1) / ConvertedPixels));
        Steps();
    }

    /// <summary>The steps after the conversion of the input.</summary>
    protected abstract void Steps();

    /// <summary>One part of step <paramref name="phase"/>.</summary>
    protected abstract void DoPart(int phase, long part, int worker);

    protected void RunPhase(int phase, long parts)
    {
        _phase = phase;
        Spread(parts);
    }

    public override void DoParts(long from, long to, int worker)
    {
        for (long part = from; part < to; part++)
            if (_phase < 0) ConvertInput(part);
            else DoPart(_phase, part, worker);
    }

    /// <summary>Samples the channels of <paramref name="run"/> at <paramref name="point"/> to their columns of tap <paramref name="tap"/>.</summary>
    protected void Sample(float* image, in BilinearPoint point, in ChannelRun run, int tap, float* row) =>
        BilinearRows.Blend(point, At(image, point.TopLeft, run), At(image, point.TopRight, run), At(image, point.BottomLeft, run), At(image, point.BottomRight, run), row + run.Column + (tap * run.Width), run.Count);

    /// <summary>Channels of a pixel, or zeros outside.</summary>
    protected float* At(float* image, int pixel, in ChannelRun run) => pixel < 0 ? _zeros : image + ((long)pixel * Channels) + run.Channel;

    /// <summary>Reorders plain weights, K rows of N each with the given steps, to the layouts of <paramref name="full"/> and <paramref name="last"/>, which may be one.</summary>
    protected static void Pack(float* plain, long k, long n, long rowStep, long columnStep, DnnlMemory full, DnnlMemory last)
    {
        OpenMp.SetNumThreads(1);
        using var from = new DnnlMemory(OneDnnRuntime.Describe([k, n], DataType.F32, [rowStep, columnStep]), allocate: false);
        from.Set(plain);
        foreach (DnnlMemory packed in full == last ? [full] : (DnnlMemory[])[full, last])
        {
            using DnnlPrimitive reorder = DnnlPrimitive.Reorder(from, packed);
            OneDnnRuntime.RunOnce(reorder);
        }
    }

    /// <summary>Offset of weight (output channel, channel of the group, tap) in the caller's tensor.</summary>
    protected long WeightOffset(long o, long c, long tap) => Problem.WeightLayout == Layout.ChannelsLast
        ? (((o * Taps) + tap) * GroupChannels) + c
        : (((o * GroupChannels) + c) * Taps) + tap;

    private void ConvertInput(long part)
    {
        int blocks = (ImagePlane + ConvertedPixels - 1) / ConvertedPixels, first = (int)(part % blocks) * ConvertedPixels;
        long n = part / blocks, image = n * Channels * ImagePlane;
        Transposition.ToPixels((float*)Now.Input + image + first, 1, ImagePlane, _convertedInput + image + ((long)first * Channels), Channels, Math.Min(ConvertedPixels, ImagePlane - first), Channels);
    }
}

/// <summary>Neighbouring channels with the same group and the same offsets, and their column of tap 0.</summary>
internal readonly record struct ChannelRun(int Channel, int Count, int OffsetGroup, int Column, int Width);
