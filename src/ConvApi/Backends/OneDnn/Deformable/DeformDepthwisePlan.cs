using ConvNative.Backends.Common.Deformable;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Backends.OneDnn.Rewrites;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Deformable;

/// <summary>
/// Deformable forward with as many groups as channels: a product of matrices with one row each would be all overhead, so a pixel's
/// sampled channels are multiplied by their weights where they are sampled, a vector of channels at a time.
/// </summary>
internal sealed unsafe class DeformDepthwisePlan : DeformPlan
{
    private const int Block = 32;

    private readonly int _blocks;
    private readonly int _multiplier;
    private readonly ChannelRun[] _runs;
    private readonly float* _weights;
    private readonly float* _bias;
    private float* _sampled;
    private float* _sums;
    private float* _rows;
    private float* _values;
    private OneDnnEpilogue? _epilogue;

    public DeformDepthwisePlan(ConvProblem p, int threads)
        : base(p, threads)
    {
        _blocks = (Plane + Block - 1) / Block;
        _multiplier = GroupOutputs;
        _runs = [.. Runs(0, Channels, 0, Channels)];
        _weights = (float*)AllocateWeights((long)Taps * Outputs * sizeof(float));
        _bias = (float*)AllocateWeights(Outputs * sizeof(float));
        _sampled = (float*)AllocateWorkspace((long)Threads * Channels * sizeof(float));
        if (_multiplier > 1) _sums = (float*)AllocateWorkspace((long)Threads * Outputs * sizeof(float));
        if (!OutputLast) _rows = (float*)AllocateWorkspace((long)Threads * Block * Outputs * sizeof(float));
        if (p.PostOps.IsNone) return;
        _epilogue = Keep(new OneDnnEpilogue(p.OutputShape.Product, p.PostOps, Threads));
        if (Threads > 1) Host = TeamGate.Run;
        CountWorkspace(_epilogue.ScratchpadBytes);
        if (p.PostOps.Residual) _values = (float*)AllocateWorkspace(p.OutputShape.Product * sizeof(float));
    }

    /// <summary>True where each channel is a group of its own.</summary>
    public static bool Serves(ConvProblem p) => p.Direction == Direction.Forward && p.Groups == p.InputChannels;

    public override string Implementation => $"gather:{InstructionSet.Name}+depthwise{(_epilogue is null ? "" : $"+binary:{_epilogue.Implementation}")}";

    public override IReadOnlyList<string> Notes =>
    [
        "sampling and the sums over taps are our own code: a group of one channel leaves no matrix product",
        .. InputLast ? Array.Empty<string>() : ["input copied to channels-last"],
        .. OutputLast ? Array.Empty<string>() : ["output copied to channels-first, a block at a time"],
        .. _epilogue is null ? Array.Empty<string>() : ["post-ops apart, by oneDNN's binary primitive"],
    ];

    private float* Target => _values != null ? _values : (float*)Now.Result;

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        // [tap][j][channel]: what is multiplied together lies together; output channel c*m + j.
        for (int tap = 0; tap < Taps; tap++)
            for (int j = 0; j < _multiplier; j++)
                for (int c = 0; c < Channels; c++) _weights[(((tap * (long)_multiplier) + j) * Channels) + c] = ((float*)weights)[WeightOffset(((long)c * _multiplier) + j, 0, tap)];
        for (int j = 0; j < _multiplier; j++)
            for (int c = 0; c < Channels; c++) _bias[(j * Channels) + c] = bias == null ? 0 : ((float*)bias)[(c * _multiplier) + j];
    }

    protected override void Renew()
    {
        base.Renew();
        _sampled = Another(_sampled);
        _sums = Another(_sums);
        _rows = Another(_rows);
        _values = Another(_values);
        if (_epilogue is not null) _epilogue = Keep(_epilogue.Fork());
    }

    protected override void Steps()
    {
        RunPhase(0, Problem.Batch * _blocks);
        if (_epilogue is null) return;
        if (_values != null) new ReadOnlySpan<byte>(Now.Residual, checked((int)OutputBytes)).CopyTo(new Span<byte>(Now.Result, checked((int)OutputBytes)));
        _epilogue.Run(Target, (float*)Now.Result);
    }

    protected override void DoPart(int phase, long part, int worker)
    {
        long n = part / _blocks;
        int first = (int)(part % _blocks) * Block, pixels = Math.Min(Block, Plane - first);
        float* rows = OutputLast ? Target + (((n * Plane) + first) * Outputs) : _rows + ((long)worker * Block * Outputs);
        for (int i = 0; i < pixels; i++)
        {
            float* row = rows + ((long)i * Outputs), sums = _multiplier == 1 ? row : _sums + ((long)worker * Outputs);
            Sum(n, first + i, _sampled + ((long)worker * Channels), sums);
            if (_multiplier > 1) Transposition.ToPixels(sums, 1, Channels, row, _multiplier, Channels, _multiplier);
        }

        if (!OutputLast) Transposition.ToChannels(rows, Outputs, Target + (n * Outputs * Plane) + first, Plane, 1, pixels, Outputs);
    }

    /// <summary>All outputs of a pixel, <c>[j][channel]</c>.</summary>
    private void Sum(long n, int pixel, float* sampled, float* sums)
    {
        float* image = Pixels + (n * ImagePlane * Channels);
        new ReadOnlySpan<float>(_bias, Outputs).CopyTo(new Span<float>(sums, Outputs));
        for (int tap = 0; tap < Taps; tap++)
            foreach (ref readonly ChannelRun run in _runs.AsSpan())
            {
                Sampler.Locate((float*)Now.Offset, (float*)Now.Mask, n, run.OffsetGroup, tap, pixel, out BilinearPoint point);
                Sample(image, point, run, 0, sampled);
                for (int j = 0; j < _multiplier; j++)
                {
                    long at = ((long)j * Channels) + run.Channel;
                    BilinearRows.MultiplyAdd(_weights + ((long)tap * Outputs) + at, sampled + run.Channel, sums + at, run.Count);
                }
            }
    }
}
