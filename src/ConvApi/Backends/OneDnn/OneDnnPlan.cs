using System.Runtime.InteropServices;
using ConvNative.Backends.Common;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn;

/// <summary>A chosen kernel with the explicit steps that oneDNN has no word for: padding modes and the flip.</summary>
internal sealed unsafe class OneDnnPlan : ConvPlan
{
    private OneDnnKernel _kernel;
    private readonly InputExtension? _extension;
    private List<AlignedBuffer> _buffers = [];
    private void* _extended;
    private void* _flipped;
    private float* _folded;
    private readonly string _why;
    private readonly string _purpose;

    public OneDnnPlan(ConvProblem problem, InputExtension? extension, string purpose, OneDnnKernel kernel, string why)
        : base(problem, OneDnnBackend.BackendName)
    {
        _kernel = kernel;
        _extension = extension;
        _why = why;
        _purpose = purpose;
        if (kernel.Candidate.Threads > 1) Host = TeamGate.Run;
        if (problem.InputLayout == Layout.Any && extension is null) InputBytes = kernel.InputBytes;
        if (problem.OutputLayout == Layout.Any) OutputBytes = kernel.OutputBytes;
        if (extension is not null) _extended = Allocate(extension.Bytes);
        if (extension is not null && problem.Direction == Direction.BackwardData && problem.InputType != DataType.F32)
            _folded = (float*)Allocate(problem.InputShape.Product * sizeof(float));
        if (problem.Op == ConvOp.Convolution) _flipped = Allocate(WeightBytes);
    }

    public override string Implementation => _kernel.Implementation;

    public override int Threads => _kernel.Candidate.Threads;

    internal override bool AddsInPlace => _kernel.AddsInPlace;

    public override long WorkspaceBytes => _kernel.WorkspaceBytes + _buffers.Sum(b => b.Bytes);

    public override IReadOnlyList<string> Notes =>
    [
        $"{_kernel.Candidate}: {_why}",
        .. _kernel.Notes,
        .. _extension is null ? Array.Empty<string>() : [$"{_purpose} by a copy of the input, {_extension.Bytes} bytes"],
        .. Problem.Op == ConvOp.Convolution ? ["weights flipped once"] : Array.Empty<string>(),
    ];

    public override void PackInput(ReadOnlySpan<byte> plain, Span<byte> packed) => Reorder(Problem.InputShape, Problem.InputType, InputLayout, _kernel.InputDesc, plain, packed, toPacked: true);

    public override void UnpackInput(ReadOnlySpan<byte> packed, Span<byte> plain) => Reorder(Problem.InputShape, Problem.InputType, InputLayout, _kernel.InputDesc, packed, plain, toPacked: false);

    public override void PackOutput(ReadOnlySpan<byte> plain, Span<byte> packed) => Reorder(Problem.OutputShape, Problem.OutputType, Problem.OutputLayout, _kernel.OutputDesc, plain, packed, toPacked: true);

    public override void UnpackOutput(ReadOnlySpan<byte> packed, Span<byte> plain) => Reorder(Problem.OutputShape, Problem.OutputType, Problem.OutputLayout, _kernel.OutputDesc, packed, plain, toPacked: false);

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        if (!NeedsWeights) return;
        if (_extension is not null && Problem.Op == ConvOp.Transposed) CheckFinite(weights);
        if (_flipped != null) WeightFlip.Copy(Problem, weights, _flipped);
        _kernel.SetWeights(_flipped != null ? _flipped : weights, bias);
    }

    protected override ConvPlan Fork()
    {
        var lane = (OneDnnPlan)CopyFields();
        lane._buffers = [];
        try
        {
            // Flipped weights are the operand when they are set, and a result of the gradient.
            if (_extended != null) lane._extended = lane.Allocate(_extension!.Bytes);
            if (_folded != null) lane._folded = (float*)lane.Allocate(Problem.InputShape.Product * sizeof(float));
            if (_flipped != null && Problem.Direction == Direction.BackwardWeights) lane._flipped = lane.Allocate(WeightBytes);
            lane._kernel = _kernel.Fork();
            return lane;
        }
        catch
        {
            foreach (AlignedBuffer b in lane._buffers) b.Dispose();
            throw;
        }
    }

    protected override void RunCore(void* input, void* output)
    {
        if (_extension is not null)
        {
            _extension.Extend(input, _extended);
            input = _extended;
        }

        _kernel.Forward(input, null, output);
    }

    protected override void ExecuteCore(in ConvPointers q)
    {
        switch (Problem.Direction)
        {
            case Direction.Forward:
                _kernel.Forward(Extended(q.Input), q.Residual, q.Result);
                break;
            case Direction.BackwardData:
                _kernel.BackwardData(q.OutputGradient, _extension is null ? q.Result : _extended);
                _extension?.Fold((float*)_extended, _folded != null ? _folded : (float*)q.Result);
                if (_folded != null) HalfPrecision.Round(_folded, q.Result, Problem.InputType, Problem.InputShape.Product);
                break;
            default:
                _kernel.BackwardWeights(Extended(q.Input), q.OutputGradient, _flipped != null ? _flipped : q.Result, q.BiasResult);
                if (_flipped != null) WeightFlip.Copy(Problem, _flipped, q.Result);
                break;
        }
    }

    protected override void Dispose(bool disposing)
    {
        _kernel.Dispose();
        foreach (AlignedBuffer b in _buffers) b.Dispose();
    }

    // Zeros appended for output padding are not taps: times Inf they would be NaN where no padding may tell.
    private void CheckFinite(void* weights)
    {
        if (Problem.WeightType != DataType.F32) return;
        foreach (float w in new ReadOnlySpan<float>(weights, checked((int)Problem.WeightCount)))
            if (!float.IsFinite(w)) throw new NotSupportedException($"weights = {w}: oneDNN's engine takes finite weights only with output padding of a stride or more ({Problem})");
    }

    private void* Allocate(long bytes)
    {
        var buffer = new AlignedBuffer(bytes);
        _buffers.Add(buffer);
        return buffer.Pointer;
    }

    private Layout InputLayout => _extension is null ? Problem.InputLayout : Layout.ChannelsFirst;

    private void* Extended(void* input)
    {
        if (_extension is null) return input;
        _extension.Extend(input, _extended);
        return _extended;
    }

    private static void Reorder(Dims shape, DataType type, Layout layout, DnnlMemoryDescHandle packedDesc, ReadOnlySpan<byte> from, Span<byte> to, bool toPacked)
    {
        if (layout != Layout.Any)
        {
            from.CopyTo(to);
            return;
        }

        using var plain = new DnnlMemory(OneDnnRuntime.Describe(shape, type, Layout.ChannelsFirst), allocate: false);
        using var packed = new DnnlMemory(OneDnnRuntime.Clone(packedDesc), allocate: false);
        if (from.Length != (toPacked ? plain.Size : packed.Size)) throw new ArgumentException($"source = {from.Length} bytes: must be {(toPacked ? plain.Size : packed.Size)}", nameof(from));
        if (to.Length != (toPacked ? packed.Size : plain.Size)) throw new ArgumentException($"destination = {to.Length} bytes: must be {(toPacked ? packed.Size : plain.Size)}", nameof(to));
        fixed (byte* f = from, t = to)
        {
            // On the calling thread alone, which need not be one that has a team.
            OpenMp.SetNumThreads(1);
            plain.Set(toPacked ? f : t);
            packed.Set(toPacked ? t : f);
            using DnnlPrimitive reorder = toPacked ? DnnlPrimitive.Reorder(plain, packed) : DnnlPrimitive.Reorder(packed, plain);
            OneDnnRuntime.RunOnce(reorder);
        }
    }
}
