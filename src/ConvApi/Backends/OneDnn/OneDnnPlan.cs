using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Backends.OneDnn.Rewrites;
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
    private MissingTaps? _missing;

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

    // A primitive's code and tables, with those of its reorders.
    internal override long OverheadBytes => 300 << 10;

    public override IReadOnlyList<string> Notes =>
    [
        $"{_kernel.Candidate}: {_why}",
        .. _kernel.Notes,
        .. _extension is null ? Array.Empty<string>() : [$"{_purpose} by a copy of the input, {_extension.Bytes} bytes"],
        .. Problem.Op == ConvOp.Convolution ? ["weights flipped once"] : Array.Empty<string>(),
        .. _missing is { } m ? [$"weights of {m.Channels} channel(s) are not finite: there our own loops compute the elements beside padding, whose zeros oneDNN multiplies"] : Array.Empty<string>(),
    ];

    public override void PackInput(ReadOnlySpan<byte> plain, Span<byte> packed) => Reorder(plain, packed, input: true, toPacked: true);

    public override void UnpackInput(ReadOnlySpan<byte> packed, Span<byte> plain) => Reorder(packed, plain, input: true, toPacked: false);

    public override void PackOutput(ReadOnlySpan<byte> plain, Span<byte> packed) => Reorder(plain, packed, input: false, toPacked: true);

    public override void UnpackOutput(ReadOnlySpan<byte> packed, Span<byte> plain) => Reorder(packed, plain, input: false, toPacked: false);

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        if (!NeedsWeights) return;
        _missing = Reads(Problem.PaddingMode) ? MissingTaps.For(Plain(Problem.Direction == Direction.Forward ? Problem : _kernel.Problem), weights, bias) : null;
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
        _kernel.Forward(Extended(input), null, output);
        if (_missing is not null) Mend(input, null, output);
    }

    protected override void ExecuteCore(in ConvPointers q)
    {
        switch (Problem.Direction)
        {
            case Direction.Forward:
                Forward(q);
                break;
            case Direction.BackwardData:
                void* gradient = _extension is null ? q.Result : _extended;
                _kernel.BackwardData(q.OutputGradient, gradient);
                if (_missing is not null) Mend(q.OutputGradient, null, gradient);
                _extension?.Fold((float*)_extended, _folded != null ? _folded : (float*)q.Result);
                if (_folded != null) HalfPrecision.Round(_folded, q.Result, Problem.InputType, Problem.InputShape.Product);
                break;
            default:
                _kernel.BackwardWeights(Extended(q.Input), q.OutputGradient, _flipped != null ? _flipped : q.Result, q.BiasResult);
                if (_flipped != null) WeightFlip.Copy(Problem, _flipped, q.Result);
                if (Problem.PaddingMode == PaddingMode.Zeros) MendWeights(q);
                break;
        }
    }

    protected override void Dispose(bool disposing)
    {
        _kernel.Dispose();
        foreach (AlignedBuffer b in _buffers) b.Dispose();
    }

    /// <summary>Other modes leave no forward tap out; the gradient of the padded copy lacks taps at its edges whatever the mode.</summary>
    private bool Reads(PaddingMode mode) => mode == PaddingMode.Zeros || Problem.Direction == Direction.BackwardData;

    private static ConvProblem Plain(ConvProblem p) => p.InputLayout != Layout.Any && p.OutputLayout != Layout.Any ? p : p.With(s => s with
    {
        InputLayout = p.InputLayout == Layout.Any ? Layout.ChannelsFirst : p.InputLayout,
        OutputLayout = p.OutputLayout == Layout.Any ? Layout.ChannelsFirst : p.OutputLayout,
    });

    private void Forward(in ConvPointers q)
    {
        // The residual may lie in the result's own memory, which the kernel writes.
        using AlignedBuffer? kept = _missing is not null && q.Residual != null && q.Residual == q.Result ? new AlignedBuffer(OutputBytes) : null;
        if (kept is not null) NativeMemory.Copy(q.Residual, kept.Pointer, (nuint)OutputBytes);
        _kernel.Forward(Extended(q.Input), q.Residual, q.Result);
        if (_missing is not null) Mend(q.Input, kept is null ? q.Residual : kept.Pointer, q.Result);
    }

    private void Mend(void* source, void* residual, void* result)
    {
        ConvProblem p = Problem;
        bool forward = p.Direction == Direction.Forward;
        (Layout from, Layout to) = forward ? (p.InputLayout, p.OutputLayout) : (p.OutputLayout, _extension is null ? p.InputLayout : Layout.ChannelsFirst);
        using AlignedBuffer? plainSource = from == Layout.Any ? Unpacked(source, input: forward) : null;
        using AlignedBuffer? plainResidual = to == Layout.Any && residual != null ? Unpacked(residual, input: false) : null;
        using AlignedBuffer? plainResult = to == Layout.Any ? Unpacked(result, input: !forward) : null;
        _missing!.Mend(plainSource is null ? source : plainSource.Pointer, plainResidual is null ? residual : plainResidual.Pointer, plainResult is null ? result : plainResult.Pointer, Threads);
        if (plainResult is not null) Reorder(plainResult.Pointer, result, input: !forward, toPacked: true);
    }

    private void MendWeights(in ConvPointers q)
    {
        ConvProblem p = Problem;
        if (!MissingTaps.MayTouch(p, q.Input, InputBytes, q.OutputGradient, OutputBytes, q.Result)) return;
        using AlignedBuffer? input = p.InputLayout == Layout.Any && _extension is null ? Unpacked(q.Input, input: true) : null;
        using AlignedBuffer? gradient = p.OutputLayout == Layout.Any ? Unpacked(q.OutputGradient, input: false) : null;
        MissingTaps.MendWeights(Plain(p), input is null ? q.Input : input.Pointer, gradient is null ? q.OutputGradient : gradient.Pointer, q.Result, Threads);
    }

    private AlignedBuffer Unpacked(void* packed, bool input)
    {
        var plain = new AlignedBuffer(PlainBytes(input));
        Reorder(plain.Pointer, packed, input, toPacked: false);
        return plain;
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

    private void Reorder(ReadOnlySpan<byte> from, Span<byte> to, bool input, bool toPacked)
    {
        if ((input ? InputLayout : Problem.OutputLayout) != Layout.Any)
        {
            from.CopyTo(to);
            return;
        }

        long plain = PlainBytes(input), packed = input ? InputBytes : OutputBytes;
        if (from.Length != (toPacked ? plain : packed)) throw new ArgumentException($"source = {from.Length} bytes: must be {(toPacked ? plain : packed)}", nameof(from));
        if (to.Length != (toPacked ? packed : plain)) throw new ArgumentException($"destination = {to.Length} bytes: must be {(toPacked ? packed : plain)}", nameof(to));
        fixed (byte* f = from, t = to) Reorder(toPacked ? f : t, toPacked ? t : f, input, toPacked);
    }

    private void Reorder(void* plain, void* packed, bool input, bool toPacked)
    {
        (Dims shape, DataType type, DnnlMemoryDescHandle native) = input ? (Problem.InputShape, Problem.InputType, _kernel.InputDesc) : (Problem.OutputShape, Problem.OutputType, _kernel.OutputDesc);
        using var p = new DnnlMemory(OneDnnRuntime.Describe(shape, type, Layout.ChannelsFirst), allocate: false);
        using var n = new DnnlMemory(OneDnnRuntime.Clone(native), allocate: false);

        // On the calling thread alone, which need not be one that has a team.
        OpenMp.SetNumThreads(1);
        p.Set(plain);
        n.Set(packed);
        using DnnlPrimitive reorder = toPacked ? DnnlPrimitive.Reorder(p, n) : DnnlPrimitive.Reorder(n, p);
        OneDnnRuntime.RunOnce(reorder);
    }

    private long PlainBytes(bool input) => input ? Problem.InputShape.Product * Problem.InputType.SizeOf() : Problem.OutputShape.Product * Problem.OutputType.SizeOf();
}
