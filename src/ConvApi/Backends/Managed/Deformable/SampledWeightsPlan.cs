using ConvNative.Backends.Common.Deformable;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Backends.Managed.Gradients;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed.Deformable;

/// <summary>
/// Gradient of a deformable convolution's weights (and bias): a part samples a piece of channels over a slice of the pixels and adds
/// <c>dy * columns</c> to accumulators of its own. Slices follow from the shape alone.
/// </summary>
internal sealed unsafe class SampledWeightsPlan : SampledPlan
{
    private const int WantedParts = 16;
    private const long MostAccumulators = 16L << 20;

    private readonly SampledPiece[] _pieces;
    private readonly BiasSums<float> _bias;
    private float* _biasScratch;
    private readonly int _block;
    private readonly int _blocks;
    private readonly int _slices;
    private readonly long _sums;
    private float* _accumulators;
    private float* _scratch;
    private readonly long _gradient;
    private readonly long _scratchPerWorker;

    public SampledWeightsPlan(ConvProblem p, PlanOptions options)
        : base(p, options, readsInput: true, keepsPoints: true)
    {
        _pieces = Pieces();
        int width = _pieces[0].Vectors * Lanes;
        _block = BlockOf((long)Taps * width);
        _blocks = (Plane + _block - 1) / _block;
        _sums = (long)GroupOutputs * Taps * width;
        long most = Math.Min(Math.Max(1, p.Batch * _blocks), Math.Max(1, MostAccumulators / (_pieces.Length * _sums * sizeof(float))));
        _slices = (int)Math.Clamp((WantedParts + _pieces.Length - 1) / _pieces.Length, 1, most);
        _accumulators = (float*)AllocateWorkspace(checked(_slices * _pieces.Length * _sums * sizeof(float)));
        _gradient = IsDepthwise ? (long)_block * GroupOutputs * width : 0;
        _scratchPerWorker = (_gradient + ((long)_block * Taps * width) + 31) / 16 * 16;
        _scratch = (float*)AllocateWorkspace(checked(_scratchPerWorker * Threads * sizeof(float)));
        _bias = new BiasSums<float>(p);
        _biasScratch = (float*)AllocateWorkspace(_bias.ScratchElements * sizeof(float));
    }

    protected override (long Work, long Finish) Parts => (((long)_slices * _pieces.Length) + (Now.BiasResult != null ? _bias.Parts : 0), _pieces.Length);

    protected override void Renew()
    {
        base.Renew();
        _accumulators = Another(_accumulators);
        _scratch = Another(_scratch);
        _biasScratch = Another(_biasScratch);
    }

    protected override void Execute()
    {
        base.Execute();
        if (Now.BiasResult != null) _bias.Combine(_biasScratch, (float*)Now.BiasResult);
    }

    protected override void Work(long part, int worker)
    {
        int sums = _slices * _pieces.Length;
        if (part >= sums) _bias.Add((int)part - sums, (float*)Now.OutputGradient, _biasScratch);
        else Sum((int)(part / _pieces.Length), (int)(part % _pieces.Length), worker);
    }

    private void Sum(int slice, int index, int worker)
    {
        SampledPiece piece = _pieces[index];
        int width = piece.Vectors * Lanes, row = Taps * width;
        float* sums = _accumulators + ((((long)slice * _pieces.Length) + index) * _sums), gradient = _scratch + (worker * _scratchPerWorker), columns = gradient + _gradient;
        new Span<float>(sums, checked((int)_sums)).Clear();
        long units = Problem.Batch * _blocks;
        for (long u = units * slice / _slices; u < units * (slice + 1) / _slices; u++)
        {
            long n = u / _blocks;
            int first = (int)(u % _blocks) * _block, pixels = Math.Min(_block, Plane - first);
            float* image = Image(n);
            for (int i = 0; i < pixels; i++)
                foreach (ref readonly SampledRun run in piece.Runs.AsSpan())
                {
                    BilinearPoint* points = Points(n, run.OffsetGroup, first + i);
                    for (int tap = 0; tap < Taps; tap++) Sample(image, points[tap], run, columns + ((long)i * row) + ((long)tap * width) + run.Column);
                }

            if (IsDepthwise)
            {
                // [tap][j][lane]
                GradientRows(n, first, pixels, piece, gradient);
                for (int i = 0; i < pixels; i++)
                    for (int tap = 0; tap < Taps; tap++)
                        for (int j = 0; j < GroupOutputs; j++)
                            BilinearRows.MultiplyAdd(gradient + ((((long)i * GroupOutputs) + j) * width), columns + ((long)i * row) + ((long)tap * width), sums + ((((long)tap * GroupOutputs) + j) * width), piece.Count);
                continue;
            }

            // [output channel][tap][lane]
            float* dy = (float*)Now.OutputGradient + (n * Output.N) + ((long)piece.Group * GroupOutputs * Output.C) + (first * PixelStep);
            for (int tap = 0; tap < Taps; tap++)
                Multiply(dy, Output.C, PixelStep, columns + ((long)tap * width), row, GroupOutputs, pixels, piece.Vectors, sums + ((long)tap * width), row);
        }
    }

    protected override void Finish(long part)
    {
        SampledPiece piece = _pieces[part];
        int width = piece.Vectors * Lanes;
        float* sums = _accumulators + (part * _sums);
        for (int s = 1; s < _slices; s++) RowSums.Add(sums + (s * _pieces.Length * _sums), sums, checked((int)_sums));
        var result = (float*)Now.Result;
        for (int o = 0; o < GroupOutputs; o++)
            for (int tap = 0; tap < Taps; tap++)
                for (int l = 0; l < piece.Count; l++)
                    if (IsDepthwise) result[WeightOffset((((long)piece.From + l) * GroupOutputs) + o, 0, tap)] = sums[((((long)tap * GroupOutputs) + o) * width) + l];
                    else result[WeightOffset(((long)piece.Group * GroupOutputs) + o, piece.From + l, tap)] = sums[((((long)o * Taps) + tap) * width) + l];
    }
}
