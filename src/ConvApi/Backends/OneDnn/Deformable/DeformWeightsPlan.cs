using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Deformable;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Deformable;

/// <summary>
/// Gradient of a deformable convolution's weights (and bias): a part owns all taps of some channels of a group, samples them block
/// after block, and has the product <c>dy * columns</c> added to what it owns, in the order of the blocks.
/// </summary>
internal sealed unsafe class DeformWeightsPlan : DeformPlan
{
    private const int WantedWidth = 32;
    private const int ConvertedPixels = 128;

    private readonly int _pieces;
    private readonly int _width;
    private readonly int _block;
    private readonly int _blocks;
    private float* _columns;
    private float* _sums;
    private float* _convertedGradient;
    private BilinearPoint* _points;
    private readonly ChannelRun[][] _runs;
    private OneDnnMatmul _full;
    private OneDnnMatmul _tail;

    public DeformWeightsPlan(ConvProblem p, int threads)
        : base(p, threads)
    {
        _pieces = (GroupChannels + WantedWidth - 1) / WantedWidth;
        _width = (GroupChannels + _pieces - 1) / _pieces;
        _block = BlockOf(Plane, 256);
        _blocks = (Plane + _block - 1) / _block;
        long row = (long)Taps * _width;
        _columns = (float*)AllocateWorkspace(Threads * _block * row * sizeof(float));
        _sums = (float*)AllocateWorkspace(Threads * GroupOutputs * row * sizeof(float));
        _points = (BilinearPoint*)AllocateWorkspace(checked(p.Batch * OffsetGroups * Plane * Taps * sizeof(BilinearPoint)));
        if (OutputLast) _convertedGradient = (float*)AllocateWorkspace(p.OutputShape.Product * sizeof(float));
        _runs = new ChannelRun[Groups * _pieces][];
        for (int i = 0; i < _runs.Length; i++)
        {
            int from = (i / _pieces * GroupChannels) + (i % _pieces * _width);
            _runs[i] = [.. Runs(from, Math.Min(from + _width, ((i / _pieces) + 1) * GroupChannels), 0, _width)];
        }

        _full = Product(_block);
        int rest = Plane - ((_blocks - 1) * _block);
        _tail = rest == _block ? _full : Product(rest);

        OneDnnMatmul Product(int pixels)
        {
            using var columns = new Matrix(pixels, row, row).Describe();
            var m = Keep(new OneDnnMatmul(new Matrix(GroupOutputs, pixels, Plane), columns, row, new Matrix(GroupOutputs, row, row), bias: false, new PostOps(true, 1, Activation.None), Threads));
            CountWorkspace(m.ScratchpadBytes);
            return m;
        }
    }

    public override string Implementation => $"gather:{InstructionSet.Name}+matmul:{_full.Implementation}";

    protected override IEnumerable<string> OwnNotes =>
    [
        $"blocks of {_block} pixels, pieces of {_width} channels",
        .. OutputLast ? ["output gradient copied to channels-first"] : Array.Empty<string>(),
        .. Problem.HasBias ? ["the bias's gradient is our own sum"] : Array.Empty<string>(),
    ];

    private float* Gradient => OutputLast ? _convertedGradient : (float*)Now.OutputGradient;

    protected override void Renew()
    {
        base.Renew();
        _columns = Another(_columns);
        _sums = Another(_sums);
        _points = Another(_points);
        _convertedGradient = Another(_convertedGradient);
        (_full, _tail) = Forked(_full, _tail);
    }

    protected override void Steps()
    {
        if (OutputLast) RunPhase(0, Problem.Batch * ((Plane + ConvertedPixels - 1) / ConvertedPixels));
        RunPhase(1, Problem.Batch * OffsetGroups * Plane);
        RunPhase(2, Groups * _pieces);
        if (Now.BiasResult != null) RunPhase(3, Outputs);
    }

    protected override void DoPart(int phase, long part, int worker)
    {
        switch (phase)
        {
            case 0:
                int blocks = (Plane + ConvertedPixels - 1) / ConvertedPixels, first = (int)(part % blocks) * ConvertedPixels;
                long image = part / blocks * Outputs * Plane;
                Transposition.ToChannels((float*)Now.OutputGradient + image + ((long)first * Outputs), Outputs, _convertedGradient + image + first, Plane, 1, Math.Min(ConvertedPixels, Plane - first), Outputs);
                break;
            case 1:
                for (int tap = 0; tap < Taps; tap++)
                    Sampler.Locate((float*)Now.Offset, (float*)Now.Mask, part / Plane / OffsetGroups, (int)(part / Plane % OffsetGroups), tap, (int)(part % Plane), out _points[(part * Taps) + tap]);
                break;
            case 2:
                Accumulate((int)part, worker);
                break;
            default:
                ((float*)Now.BiasResult)[part] = RowSums.Channel(Gradient + (part * Plane), Problem.Batch, (long)Outputs * Plane, Plane);
                break;
        }
    }

    private void Accumulate(int piece, int worker)
    {
        int group = piece / _pieces;
        long row = (long)Taps * _width;
        float* columns = _columns + (worker * _block * row), sums = _sums + (worker * GroupOutputs * row);
        NativeMemory.Clear(sums, (nuint)(GroupOutputs * row * sizeof(float)));
        for (long n = 0; n < Problem.Batch; n++)
            for (int block = 0; block < _blocks; block++)
            {
                int first = block * _block, pixels = Math.Min(_block, Plane - first);
                float* image = Pixels + (n * ImagePlane * Channels);
                for (int i = 0; i < pixels; i++)
                    foreach (ref readonly ChannelRun run in _runs[piece].AsSpan())
                        for (int tap = 0; tap < Taps; tap++)
                            Sample(image, _points[(((((n * OffsetGroups) + run.OffsetGroup) * Plane) + first + i) * Taps) + tap], run, tap, columns + (i * row));
                (pixels == _block ? _full : _tail).Run(worker, Gradient + (((n * Outputs) + (group * (long)GroupOutputs)) * Plane) + first, columns, null, sums);
            }

        var result = (float*)Now.Result;
        int from = piece % _pieces * _width, to = Math.Min(from + _width, GroupChannels);
        for (long o = 0; o < GroupOutputs; o++)
            for (int tap = 0; tap < Taps; tap++)
                for (int c = from; c < to; c++) result[WeightOffset((group * (long)GroupOutputs) + o, c, tap)] = sums[(((o * Taps) + tap) * _width) + c - from];
    }
}
