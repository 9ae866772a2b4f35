using ConvNative.Backends.Common.Deformable;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Deformable;

/// <summary>Deformable forward: a part samples a block of output pixels, multiplies it by the weights and finishes it.</summary>
internal sealed unsafe class SampledForwardPlan : SampledPlan
{
    private readonly PostOpRunner<float> _post;
    private readonly SampledRun[] _runs;
    private readonly int _vectors;
    private readonly int _outBlocks;
    private readonly int _row;
    private readonly int _block;
    private readonly int _blocks;
    private readonly float* _weights;
    private readonly float* _bias;
    private float* _scratch;
    private readonly long _columns;
    private readonly long _scratchPerWorker;

    public SampledForwardPlan(ConvProblem p, PlanOptions options)
        : base(p, options, readsInput: true, keepsPoints: false)
    {
        _post = new PostOpRunner<float>(p.PostOps);
        _runs = Runs(0, Channels);
        _vectors = GroupOutputs > Lanes ? 2 : 1;
        _outBlocks = IsDepthwise ? 1 : (GroupOutputs + (_vectors * Lanes) - 1) / (_vectors * Lanes);

        // A pixel's results: groups one after the other, each padded to whole blocks; depthwise [j][channel].
        _row = IsDepthwise ? Outputs : Groups * _outBlocks * _vectors * Lanes;
        long columns = IsDepthwise ? Channels : (long)Taps * Channels;
        _block = BlockOf(columns + _row);
        _blocks = (Plane + _block - 1) / _block;
        _weights = (float*)AllocateWeights((IsDepthwise ? (long)Taps * Outputs : (long)_row * GroupChannels * Taps) * sizeof(float));
        _bias = (float*)AllocateWeights((long)_row * sizeof(float));
        _columns = ((IsDepthwise ? columns : columns * _block) + 15) / 16 * 16;
        _scratchPerWorker = _columns + (((long)_block * _row) + 31) / 16 * 16;
        _scratch = (float*)AllocateWorkspace(checked(_scratchPerWorker * Threads * sizeof(float)));
    }

    protected override (long Work, long Finish) Parts => (Problem.Batch * _blocks, 0);

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        var w = (float*)weights;
        int width = _vectors * Lanes;
        if (IsDepthwise)
        {
            for (int tap = 0; tap < Taps; tap++)
                for (int j = 0; j < GroupOutputs; j++)
                    for (int c = 0; c < Channels; c++) _weights[(((tap * (long)GroupOutputs) + j) * Channels) + c] = w[WeightOffset(((long)c * GroupOutputs) + j, 0, tap)];
        }
        else
        {
            // [group][block][tap][channel of the group][lane]
            float* to = _weights;
            for (int g = 0; g < Groups; g++)
                for (int b = 0; b < _outBlocks; b++)
                    for (int tap = 0; tap < Taps; tap++)
                        for (int c = 0; c < GroupChannels; c++, to += width)
                            for (int l = 0; l < Math.Min(width, GroupOutputs - (b * width)); l++) to[l] = w[WeightOffset(((long)g * GroupOutputs) + (b * width) + l, c, tap)];
        }

        if (bias == null) return;
        for (int o = 0; o < Outputs; o++)
        {
            int g = o / GroupOutputs, within = o % GroupOutputs;
            _bias[IsDepthwise ? (within * Channels) + g : (g * _outBlocks * width) + within] = ((float*)bias)[o];
        }
    }

    protected override void Renew()
    {
        base.Renew();
        _scratch = Another(_scratch);
    }

    protected override void Work(long part, int worker)
    {
        long n = part / _blocks;
        int first = (int)(part % _blocks) * _block, pixels = Math.Min(_block, Plane - first);
        float* columns = _scratch + (worker * _scratchPerWorker), rows = columns + _columns;
        for (int i = 0; i < pixels; i++) new ReadOnlySpan<float>(_bias, _row).CopyTo(new Span<float>(rows + ((long)i * _row), _row));
        if (IsDepthwise) Depthwise(n, first, pixels, columns, rows);
        else Dense(n, first, pixels, columns, rows);
        Store(n, first, pixels, rows);
    }

    private void Dense(long n, int first, int pixels, float* columns, float* rows)
    {
        float* image = Image(n);
        long pixel = (long)Taps * Channels;
        int depth = Taps * GroupChannels, width = _vectors * Lanes;
        for (int i = 0; i < pixels; i++)
            for (int tap = 0; tap < Taps; tap++)
            {
                int located = -1;
                BilinearPoint p = default;
                foreach (ref readonly SampledRun run in _runs.AsSpan())
                {
                    if (run.OffsetGroup != located) Sampler.Locate((float*)Now.Offset, (float*)Now.Mask, n, run.OffsetGroup, tap, first + i, out p);
                    located = run.OffsetGroup;

                    // [group][tap][channel of the group]: a run may cross groups.
                    for (int c = run.Channel; c < run.Channel + run.Count;)
                    {
                        int g = c / GroupChannels, end = Math.Min(run.Channel + run.Count, (g + 1) * GroupChannels);
                        Sample(image, p, new SampledRun(c, end - c, 0, 0), columns + (i * pixel) + ((long)g * depth) + ((long)tap * GroupChannels) + (c - (g * GroupChannels)));
                        c = end;
                    }
                }
            }

        for (int g = 0; g < Groups; g++)
            for (int b = 0; b < _outBlocks; b++)
            {
                int block = (g * _outBlocks) + b;
                Multiply(columns + ((long)g * depth), pixel, 1, _weights + ((long)block * depth * width), width, pixels, depth, _vectors, rows + ((long)block * width), _row);
            }
    }

    private void Depthwise(long n, int first, int pixels, float* sampled, float* rows)
    {
        float* image = Image(n);
        for (int i = 0; i < pixels; i++)
            for (int tap = 0; tap < Taps; tap++)
                foreach (ref readonly SampledRun run in _runs.AsSpan())
                {
                    Sampler.Locate((float*)Now.Offset, (float*)Now.Mask, n, run.OffsetGroup, tap, first + i, out BilinearPoint p);
                    Sample(image, p, run, sampled);
                    for (int j = 0; j < GroupOutputs; j++)
                    {
                        long at = ((long)j * Channels) + run.Channel;
                        BilinearRows.MultiplyAdd(_weights + ((long)tap * Outputs) + at, sampled, rows + ((long)i * _row) + at, run.Count);
                    }
                }
    }

    /// <summary>Rows of pixels to the caller's layout, then residual and activation.</summary>
    private void Store(long n, int first, int pixels, float* rows)
    {
        long at = (n * Output.N) + (first * PixelStep);
        float* y = (float*)Now.Result + at;
        int sources = IsDepthwise ? GroupOutputs : Groups, count = IsDepthwise ? Channels : GroupOutputs;
        for (int s = 0; s < sources; s++)
        {
            float* from = rows + ((long)s * (IsDepthwise ? Channels : _outBlocks * _vectors * Lanes));
            long to = (IsDepthwise ? s : (long)s * GroupOutputs) * Output.C, step = (IsDepthwise ? GroupOutputs : 1) * Output.C;
            if (step != 1) Transposition.ToChannels(from, _row, y + to, step, PixelStep, pixels, count);
            else
                for (int i = 0; i < pixels; i++) Copy.Run(from + ((long)i * _row), y + to + (i * PixelStep), count);
        }

        if (_post.IsNone) return;
        var residual = (float*)Now.Residual;
        int lines = Output.C == 1 ? pixels : Outputs, length = Output.C == 1 ? Outputs : pixels;
        for (int i = 0; i < lines; i++)
        {
            long offset = at + (i * (Output.C == 1 ? PixelStep : Output.C));
            _post.Apply((float*)Now.Result + offset, residual == null ? null : residual + offset, length);
        }
    }
}
