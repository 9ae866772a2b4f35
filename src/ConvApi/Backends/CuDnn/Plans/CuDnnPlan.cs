using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Geometry;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.CuDnn.Device;
using ConvNative.Bindings.Cuda;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Plans;

/// <summary>
/// A program on a device. A run on the host's memory copies in, runs, copies out and waits; one on device tensors is queued. The plan holds
/// the device while it queues, so plans of several threads take turns.
/// </summary>
internal sealed unsafe class CuDnnPlan : ConvPlan
{
    private readonly CudaProgram _program;
    private readonly ConvProblem _concrete;
    private readonly string _implementation;
    private readonly string[] _notes;
    private readonly Dictionary<Operand, nint> _hostSlots = [];
    private readonly long _offsetBytes;
    private readonly long _maskBytes;
    private readonly bool _needsFinite;
    private bool _weightsAllocated;

    /// <param name="problem">As the caller gave it.</param>
    /// <param name="program">For the problem with every layout decided; owned.</param>
    public CuDnnPlan(ConvProblem problem, CudaProgram program)
        : base(problem, CuDnnBackend.BackendName)
    {
        (_program, _concrete) = (program, program.Problem);
        _implementation = (CudaLibraries.Load().IsDouble ? "cudnn (protocol double) " : "") + program.Implementation;
        _needsFinite = NeedsFinite(_concrete);
        _notes = [.. program.Notes, .. _needsFinite ? ["operands on the host and weights must be finite: zeros where taps are missing may be multiplied"] : Array.Empty<string>()];
        _offsetBytes = problem.OffsetShape.Count == 0 ? 0 : problem.OffsetShape.Product * problem.InputType.SizeOf();
        _maskBytes = problem.MaskShape.Count == 0 ? 0 : problem.MaskShape.Product * problem.InputType.SizeOf();
    }

    public override string Implementation => _implementation;

    public override IReadOnlyList<string> Notes => _notes;

    public override long WorkspaceBytes => _program.ScratchBytes;

    public override AlgorithmClass Algorithm => _program.Algorithm;

    // TF32 keeps ten bits of the fraction; truncation is assumed.
    public override double OperandRoundoff => _program.IsTensorCore ? 1.0 / 1024 : 0;

    public override bool IsDeterministic => _program.IsDeterministic;

    public override ConvDevice Device => _program.Device;

    public override void PackInput(ReadOnlySpan<byte> plain, Span<byte> packed) => LayoutMove.Copy(plain, packed, Problem.InputShape, Problem.InputType, Problem.InputLayout, _concrete.InputLayout, pack: true);

    public override void UnpackInput(ReadOnlySpan<byte> packed, Span<byte> plain) => LayoutMove.Copy(packed, plain, Problem.InputShape, Problem.InputType, Problem.InputLayout, _concrete.InputLayout, pack: false);

    public override void PackOutput(ReadOnlySpan<byte> plain, Span<byte> packed) => LayoutMove.Copy(plain, packed, Problem.OutputShape, Problem.OutputType, Problem.OutputLayout, _concrete.OutputLayout, pack: true);

    public override void UnpackOutput(ReadOnlySpan<byte> packed, Span<byte> plain) => LayoutMove.Copy(packed, plain, Problem.OutputShape, Problem.OutputType, Problem.OutputLayout, _concrete.OutputLayout, pack: false);

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        if (_needsFinite) CheckFinite("weights", weights, Problem.WeightCount, Problem.WeightType);
        CudaDevice device = _program.Device;
        lock (device.Gate)
        {
            device.Enter();
            TakeWeights();
            if (WeightBytes > 0) device.Staging.Upload(weights, _program.Weights.Pointer, WeightBytes);
            if (bias != null) device.Staging.Upload(bias, _program.Bias.Pointer, BiasBytes);
            _program.Run(weights: true);
        }
    }

    protected override void SetWeightsCore(DeviceBuffer? weights, DeviceBuffer? bias)
    {
        CudaDevice device = _program.Device;
        lock (device.Gate)
        {
            device.Enter();
            if (_needsFinite && weights is not null)
            {
                // Setting weights is rare: they are looked at where the processor can.
                using var copy = new AlignedBuffer(WeightBytes);
                device.Staging.Download(((CudaBuffer)weights).Pointer, copy.Pointer, WeightBytes);
                CheckFinite("weights", copy.Pointer, Problem.WeightCount, Problem.WeightType);
            }

            TakeWeights();
            Take(weights, _program.Weights, WeightBytes);
            Take(bias, _program.Bias, BiasBytes);
            _program.Run(weights: true);
        }

        void Take(DeviceBuffer? from, Operand to, long bytes)
        {
            if (from is not null && bytes > 0)
                CudaRt.cudaMemcpyAsync(to.Pointer, ((CudaBuffer)from).Pointer, (nuint)bytes, cudaMemcpyKind.cudaMemcpyDeviceToDevice, device.Stream.Raw).Check(nameof(CudaRt.cudaMemcpyAsync));
        }
    }

    protected override void ExecuteCore(in ConvPointers q)
    {
        if (_needsFinite && Problem.Direction == Direction.BackwardWeights)
        {
            // Either operand may meet the zeros beside the other.
            CheckFinite("input", q.Input, Problem.InputShape.Product, Problem.InputType, InputBytes);
            CheckFinite("output_grad", q.OutputGradient, Problem.OutputShape.Product, Problem.OutputType, OutputBytes);
        }

        CudaDevice device = _program.Device;
        lock (device.Gate)
        {
            device.Enter();
            Upload(_program.Input, q.Input, InputBytes);
            Upload(_program.Residual, q.Residual, OutputBytes);
            Upload(_program.Offset, q.Offset, _offsetBytes);
            Upload(_program.Mask, q.Mask, _maskBytes);
            Upload(_program.Gradient, q.OutputGradient, OutputBytes);
            _program.Result.Pointer = Slot(_program.Result, ResultBytes);
            _program.BiasResult.Pointer = q.BiasResult == null ? null : Slot(_program.BiasResult, BiasBytes);
            _program.Run(weights: false);
            if (ResultBytes > 0) device.Staging.Download(_program.Result.Pointer, q.Result, ResultBytes);
            if (q.BiasResult != null) device.Staging.Download(_program.BiasResult.Pointer, q.BiasResult, BiasBytes);
        }
    }

    protected override ValueTask ExecuteCoreAsync(in DeviceArguments a)
    {
        CudaDevice device = _program.Device;
        lock (device.Gate)
        {
            device.Enter();
            Bind(_program.Input, a.Input);
            Bind(_program.Residual, a.Residual);
            Bind(_program.Offset, a.Offset);
            Bind(_program.Mask, a.Mask);
            Bind(_program.Gradient, a.OutputGradient);
            Bind(_program.Result, a.Result);
            Bind(_program.BiasResult, a.BiasResult);
            _program.Run(weights: false);
            return device.Completions.AfterAll();
        }

        static void Bind(Operand operand, DeviceBuffer? buffer) => operand.Pointer = buffer is null ? null : ((CudaBuffer)buffer).Pointer;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        lock (_program.Device.Gate) _program.Dispose();
    }

    /// <summary>
    /// Some sum lacks a tap, which the kernels may have a zero for. What cuDNN's own kernels do beside padding no document says; the copies of
    /// ours have explicit zeros.
    /// </summary>
    private static bool NeedsFinite(ConvProblem p)
    {
        if (p.Op is not (ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed) || p.InputType.IsInteger() || p.InputShape.Product == 0 || p.OutputShape.Product == 0) return false;
        if (p.Direction == Direction.BackwardBias) return false;
        if (p.PaddingMode != PaddingMode.Zeros) return p.Direction == Direction.BackwardData;
        return !new TapWindow(p).IsWhole;
    }

    private void CheckFinite(string tensor, void* values, long count, DataType type, long bytes = 0)
    {
        // A layout of the plan's own may hold more than the tensor's elements.
        long at = Elements.FirstNotFinite(values, bytes > 0 ? bytes / type.SizeOf() : count, type);
        if (at >= 0) throw new UnsupportedOperandsException(Backend, $"{tensor}: element {at} is not finite, and cuDNN's kernels multiply zeros where taps are missing, which must not tell", Problem);
    }

    private void TakeWeights()
    {
        if (_weightsAllocated) return;
        _program.Weights.Pointer = _program.Take(WeightBytes);
        if (BiasBytes > 0) _program.Bias.Pointer = _program.Take(BiasBytes);
        _weightsAllocated = true;
    }

    private void Upload(Operand operand, void* from, long bytes)
    {
        operand.Pointer = null;
        if (from == null) return;
        operand.Pointer = Slot(operand, bytes);
        if (bytes > 0) _program.Device.Staging.Upload(from, operand.Pointer, bytes);
    }

    /// <summary>Device memory for a tensor of a run on the host's memory; taken at the first such run.</summary>
    private void* Slot(Operand operand, long bytes)
    {
        ref nint slot = ref CollectionsMarshal.GetValueRefOrAddDefault(_hostSlots, operand, out bool known);
        if (!known) slot = 0;
        if (slot == 0) slot = (nint)_program.Take(bytes);
        return (void*)slot;
    }
}
