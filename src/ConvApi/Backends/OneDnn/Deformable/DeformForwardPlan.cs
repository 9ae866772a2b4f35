using ConvNative.Backends.Common.Deformable;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Deformable;

/// <summary>Deformable forward: a part samples a block of output pixels and multiplies it by the weights, bias and post-ops fused.</summary>
internal sealed unsafe class DeformForwardPlan : DeformPlan
{
    // Rows of columns are taps*C floats: this many pixels stay in a second-level cache for usual sizes.
    private const int WantedBytes = 640 * 1024;

    private readonly int _block;
    private readonly int _blocks;
    private readonly int _rowFloats;
    private float* _columns;
    private float* _rows;
    private readonly float* _bias;
    private readonly ChannelRun[] _runs;
    private OneDnnMatmul _full;
    private OneDnnMatmul _tail;
    private readonly DnnlMemory[] _weights;
    private readonly DnnlMemory[] _tailWeights;
    private readonly bool _narrow;

    public DeformForwardPlan(ConvProblem p, int threads)
        : base(p, threads)
    {
        _rowFloats = checked(Taps * Channels);
        _block = BlockOf(Plane, Math.Clamp(WantedBytes / (_rowFloats * sizeof(float)), 16, 128));
        _blocks = (Plane + _block - 1) / _block;
        _columns = (float*)AllocateWorkspace((long)Threads * _block * _rowFloats * sizeof(float));

        // A product with one column ignores its destination's row step (oneDNN 3.7, brg_matmul), so such a column must be dense.
        _narrow = GroupOutputs == 1;
        if (OutputLast == _narrow) _rows = (float*)AllocateWorkspace((long)Threads * _block * Outputs * sizeof(float));
        if (p.HasBias) _bias = (float*)AllocateWeights(Outputs * sizeof(float));
        _runs = [.. Enumerable.Range(0, Groups).SelectMany(g => Runs(g * GroupChannels, (g + 1) * GroupChannels, g * GroupChannels * Taps, GroupChannels)).OrderBy(r => r.OffsetGroup)];
        _full = Product(_block, null);
        int rest = Plane - ((_blocks - 1) * _block);
        _tail = rest == _block ? _full : LastProduct(_full, like => Product(rest, like));
        (_weights, _tailWeights) = WeightsFor(_full, _tail, Groups);

        OneDnnMatmul Product(int rows, DnnlMemoryDescHandle? like)
        {
            var m = Keep(new OneDnnMatmul(new Matrix(rows, GroupChannels * Taps, _rowFloats), like, GroupOutputs, new Matrix(rows, GroupOutputs, _narrow ? 1 : Outputs), p.HasBias, p.PostOps, Threads));
            CountWorkspace(m.ScratchpadBytes);
            return m;
        }
    }

    public override string Implementation => $"gather:{InstructionSet.Name}+matmul:{_full.Implementation}";

    protected override IEnumerable<string> OwnNotes =>
    [
        $"blocks of {_block} pixels, {(long)_block * _rowFloats * sizeof(float)} bytes of columns a thread",
        .. Problem.PostOps.IsNone ? Array.Empty<string>() : ["post-ops fused"],
        .. _rows == null ? Array.Empty<string>() : [$"output copied to {(OutputLast ? "channels-last" : "channels-first")}, a block at a time"],
        .. _full.Implementation.Contains("ref", StringComparison.Ordinal) ? ["warning: oneDNN's reference implementation, slow"] : Array.Empty<string>(),
    ];

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        long k = (long)GroupChannels * Taps;
        using var plain = new AlignedBuffer(checked(k * GroupOutputs * sizeof(float)));
        for (int g = 0; g < Groups; g++)
        {
            var to = (float*)plain.Pointer;
            for (long o = (long)g * GroupOutputs; o < (g + 1L) * GroupOutputs; o++)
                for (int tap = 0; tap < Taps; tap++)
                    for (int c = 0; c < GroupChannels; c++) *to++ = ((float*)weights)[WeightOffset(o, c, tap)];
            Pack((float*)plain.Pointer, k, GroupOutputs, 1, k, _weights[g], _tailWeights[g]);
        }

        if (_bias != null) new ReadOnlySpan<float>(bias, Outputs).CopyTo(new Span<float>(_bias, Outputs));
    }

    protected override void Renew()
    {
        base.Renew();
        _columns = Another(_columns);
        _rows = Another(_rows);
        (_full, _tail) = Forked(_full, _tail);
    }

    protected override void Steps() => RunPhase(0, Problem.Batch * _blocks);

    protected override void DoPart(int phase, long part, int worker)
    {
        long n = part / _blocks;
        int first = (int)(part % _blocks) * _block, pixels = Math.Min(_block, Plane - first);
        float* columns = _columns + ((long)worker * _block * _rowFloats);
        Gather(n, first, pixels, columns);

        (OneDnnMatmul product, DnnlMemory[] weights) = pixels == _block ? (_full, _weights) : (_tail, _tailWeights);
        if (_narrow)
        {
            MultiplyNarrow(product, weights, n, first, pixels, columns, worker);
            return;
        }

        float* rows = OutputLast ? (float*)Now.Result + (((n * Plane) + first) * Outputs) : _rows + ((long)worker * _block * Outputs);
        if (Now.Residual != null) CopyResidual(n, first, pixels, rows);
        for (int g = 0; g < Groups; g++)
            product.Run(worker, columns + ((long)g * GroupChannels * Taps), weights[g].Data, _bias + ((long)g * GroupOutputs), rows + ((long)g * GroupOutputs));
        if (!OutputLast)
            Transposition.ToChannels(rows, Outputs, (float*)Now.Result + (n * Outputs * Plane) + first, Plane, 1, pixels, Outputs);
    }

    /// <summary>One output channel a group: dense columns, which are the output's own where it is channels-first.</summary>
    private void MultiplyNarrow(OneDnnMatmul product, DnnlMemory[] weights, long n, int first, int pixels, float* columns, int worker)
    {
        long at = ((n * Plane) + first) * Outputs, plane = (n * Outputs * Plane) + first, step = OutputLast ? _block : Plane;
        float* y = OutputLast ? _rows + ((long)worker * _block * Outputs) : (float*)Now.Result + plane;
        if (Now.Residual != null && OutputLast) Transposition.ToChannels((float*)Now.Residual + at, Outputs, y, step, 1, pixels, Outputs);
        for (int g = 0; g < Groups; g++)
        {
            float* to = y + (g * step);
            if (Now.Residual != null && !OutputLast)
                new ReadOnlySpan<float>((float*)Now.Residual + plane + (g * step), pixels).CopyTo(new Span<float>(to, pixels));
            product.Run(worker, columns + ((long)g * GroupChannels * Taps), weights[g].Data, _bias + g, to);
        }

        if (OutputLast) Transposition.ToPixels(y, 1, step, (float*)Now.Result + at, Outputs, pixels, Outputs);
    }

    private void Gather(long n, int first, int pixels, float* columns)
    {
        float* image = Pixels + (n * ImagePlane * Channels);
        for (int i = 0; i < pixels; i++)
        {
            float* row = columns + ((long)i * _rowFloats);
            for (int tap = 0; tap < Taps; tap++)
            {
                int offsetGroup = -1;
                BilinearPoint point = default;
                foreach (ref readonly ChannelRun run in _runs.AsSpan())
                {
                    if (run.OffsetGroup != offsetGroup) Sampler.Locate((float*)Now.Offset, (float*)Now.Mask, n, offsetGroup = run.OffsetGroup, tap, first + i, out point);
                    Sample(image, point, run, tap, row);
                }
            }
        }
    }

    // The product adds to what its destination holds.
    private void CopyResidual(long n, int first, int pixels, float* rows)
    {
        if (!OutputLast)
        {
            Transposition.ToPixels((float*)Now.Residual + (n * Outputs * Plane) + first, 1, Plane, rows, Outputs, pixels, Outputs);
            return;
        }

        float* from = (float*)Now.Residual + (((n * Plane) + first) * Outputs);
        if (from != rows) new ReadOnlySpan<float>(from, pixels * Outputs).CopyTo(new Span<float>(rows, pixels * Outputs));
    }
}
