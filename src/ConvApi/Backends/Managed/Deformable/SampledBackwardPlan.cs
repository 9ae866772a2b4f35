using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Deformable;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Rearrange;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Deformable;

/// <summary>
/// Gradients of a deformable convolution that need the columns' gradient, <c>dcolumns = W'*dy</c>, a block of pixels and a piece of
/// channels at a time. Data: a part owns a piece of an image and spreads its columns in the order of the pixels. Offset and mask: a
/// part owns a block of pixels and adds up its pieces.
/// </summary>
internal sealed unsafe class SampledBackwardPlan : SampledPlan
{
    private readonly bool _data;
    private readonly bool _mask;
    private readonly SampledPiece[] _pieces;
    private readonly int _block;
    private readonly int _blocks;
    private readonly float* _weights;
    private float* _scratch;
    private readonly long _gradient;
    private readonly long _columns;
    private readonly long _scratchPerWorker;

    public SampledBackwardPlan(ConvProblem p, PlanOptions options)
        : base(p, options, readsInput: p.Direction != Direction.BackwardData, keepsPoints: true)
    {
        (_data, _mask) = (p.Direction == Direction.BackwardData, p.Direction == Direction.BackwardMask);
        _pieces = Pieces();
        int width = _pieces[0].Vectors * Lanes;
        _block = BlockOf((long)Taps * width);
        _blocks = (Plane + _block - 1) / _block;

        // [piece][tap][output channel of the group][lane]
        _weights = (float*)AllocateWeights(checked((long)_pieces.Length * Taps * GroupOutputs * width * sizeof(float)));
        _gradient = IsDepthwise ? (long)_block * GroupOutputs * width : 0;
        _columns = (long)_block * Taps * width;
        long own = _data ? (long)ImagePlane * width : 2L * OffsetGroups * Taps * _block;
        _scratchPerWorker = (_gradient + _columns + own + 31) / 16 * 16;
        _scratch = (float*)AllocateWorkspace(checked(_scratchPerWorker * Threads * sizeof(float)));
    }

    protected override (long Work, long Finish) Parts => (Problem.Batch * (_data ? _pieces.Length : _blocks), 0);

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        float* to = _weights;
        foreach (SampledPiece piece in _pieces)
            for (int tap = 0; tap < Taps; tap++)
                for (int o = 0; o < GroupOutputs; o++, to += piece.Vectors * Lanes)
                    for (int l = 0; l < piece.Count; l++)
                        to[l] = ((float*)weights)[IsDepthwise ? WeightOffset((((long)piece.From + l) * GroupOutputs) + o, 0, tap) : WeightOffset(((long)piece.Group * GroupOutputs) + o, piece.From + l, tap)];
    }

    protected override void Renew()
    {
        base.Renew();
        _scratch = Another(_scratch);
    }

    protected override void Work(long part, int worker)
    {
        float* gradient = _scratch + (worker * _scratchPerWorker), columns = gradient + _gradient, own = columns + _columns;
        if (_data) Data(part / _pieces.Length, (int)(part % _pieces.Length), gradient, columns, own);
        else Places(part / _blocks, (int)(part % _blocks) * _block, gradient, columns, own);
    }

    /// <summary>The columns' gradient of a piece, <c>[pixel][tap][lane]</c>.</summary>
    private void Columns(long n, int first, int pixels, int index, float* gradient, float* columns)
    {
        SampledPiece piece = _pieces[index];
        int width = piece.Vectors * Lanes, row = Taps * width;
        NativeMemory.Clear(columns, (nuint)((long)pixels * row * sizeof(float)));
        float* w = _weights + ((long)index * Taps * GroupOutputs * width);
        if (IsDepthwise)
        {
            GradientRows(n, first, pixels, piece, gradient);
            for (int i = 0; i < pixels; i++)
                for (int tap = 0; tap < Taps; tap++)
                    for (int j = 0; j < GroupOutputs; j++)
                        BilinearRows.MultiplyAdd(w + ((((long)tap * GroupOutputs) + j) * width), gradient + ((((long)i * GroupOutputs) + j) * width), columns + ((long)i * row) + ((long)tap * width), piece.Count);
            return;
        }

        float* dy = (float*)Now.OutputGradient + (n * Output.N) + ((long)piece.Group * GroupOutputs * Output.C) + (first * PixelStep);
        for (int tap = 0; tap < Taps; tap++)
            Multiply(dy, PixelStep, Output.C, w + ((long)tap * GroupOutputs * width), width, pixels, GroupOutputs, piece.Vectors, columns + ((long)tap * width), row);
    }

    private void Data(long n, int index, float* gradient, float* columns, float* image)
    {
        SampledPiece piece = _pieces[index];
        int width = piece.Vectors * Lanes;
        NativeMemory.Clear(image, (nuint)((long)ImagePlane * width * sizeof(float)));
        for (int first = 0; first < Plane; first += _block)
        {
            int pixels = Math.Min(_block, Plane - first);
            Columns(n, first, pixels, index, gradient, columns);
            for (int i = 0; i < pixels; i++)
                foreach (ref readonly SampledRun run in piece.Runs.AsSpan())
                {
                    BilinearPoint* points = Points(n, run.OffsetGroup, first + i);
                    for (int tap = 0; tap < Taps; tap++)
                    {
                        BilinearPoint p = points[tap];
                        float* from = columns + ((((long)i * Taps) + tap) * width) + run.Column;
                        BilinearRows.Spread(p, from, To(p.TopLeft, run), To(p.TopRight, run), To(p.BottomLeft, run), To(p.BottomRight, run), run.Count);
                    }
                }
        }

        long channel = piece.From + (IsDepthwise ? 0L : (long)piece.Group * GroupChannels);
        float* dx = (float*)Now.Result + (n * Channels * ImagePlane);
        if (!InputLast) Transposition.ToChannels(image, width, dx + (channel * ImagePlane), ImagePlane, 1, ImagePlane, piece.Count);
        else
            for (int i = 0; i < ImagePlane; i++) Copy.Run(image + ((long)i * width), dx + ((long)i * Channels) + channel, piece.Count);

        float* To(int pixel, in SampledRun run) => pixel < 0 ? null : image + ((long)pixel * width) + run.Column;
    }

    private void Places(long n, int first, float* gradient, float* columns, float* sums)
    {
        int pixels = Math.Min(_block, Plane - first);
        float* image = Image(n);
        NativeMemory.Clear(sums, (nuint)(2L * OffsetGroups * Taps * _block * sizeof(float)));
        for (int index = 0; index < _pieces.Length; index++)
        {
            SampledPiece piece = _pieces[index];
            int width = piece.Vectors * Lanes;
            Columns(n, first, pixels, index, gradient, columns);
            for (int i = 0; i < pixels; i++)
                foreach (ref readonly SampledRun run in piece.Runs.AsSpan())
                {
                    BilinearPoint* points = Points(n, run.OffsetGroup, first + i);
                    for (int tap = 0; tap < Taps; tap++)
                    {
                        BilinearPoint p = points[tap];
                        float* g = columns + ((((long)i * Taps) + tap) * width) + run.Column, sum = sums + (2 * ((((long)run.OffsetGroup * Taps) + tap) * _block + i));
                        float* a = At(image, p.TopLeft, run), b = At(image, p.TopRight, run), d = At(image, p.BottomLeft, run), e = At(image, p.BottomRight, run);
                        if (_mask) sum[0] += BilinearRows.Dot(p, g, a, b, d, e, run.Count);
                        else BilinearRows.Slopes(p, g, a, b, d, e, run.Count, ref sum[0], ref sum[1]);
                    }
                }
        }

        var result = (float*)Now.Result;
        for (int og = 0; og < OffsetGroups; og++)
            for (int tap = 0; tap < Taps; tap++)
                for (int i = 0; i < pixels; i++)
                {
                    float* sum = sums + (2 * ((((long)og * Taps) + tap) * _block + i));
                    if (_mask)
                    {
                        result[Sampler.MaskIndex(n, og, tap, first + i)] = sum[0];
                        continue;
                    }

                    long at = Sampler.OffsetIndex(n, og, tap, first + i);
                    float mask = Points(n, og, first + i)[tap].Mask;
                    result[at] = mask * sum[0];
                    result[at + Plane] = mask * sum[1];
                }
    }
}
