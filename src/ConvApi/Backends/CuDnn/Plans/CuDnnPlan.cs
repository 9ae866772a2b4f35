using System.Runtime.InteropServices;
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
    private bool _weightsAllocated;

    /// <param name="problem">As the caller gave it.</param>
    /// <param name="program">For the problem with every layout decided; owned.</param>
    public CuDnnPlan(ConvProblem problem, CudaProgram program)
        : base(problem, CuDnnBackend.BackendName)
    {
        (_program, _concrete) = (program, program.Problem);
        _implementation = (CudaLibraries.Load().IsDouble ? "cudnn (protocol double) " : "") + program.Implementation;
        _notes = [.. program.Notes];
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
        if (_program.NeedsFiniteWeights) CheckFinite(new ReadOnlySpan<byte>(weights, checked((int)Math.Min(WeightBytes, int.MaxValue))));
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

    private void CheckFinite(ReadOnlySpan<byte> weights)
    {
        int at = Problem.WeightType switch
        {
            DataType.F64 => FirstOf(MemoryMarshal.Cast<byte, ulong>(weights), 0x7FF0_0000_0000_0000UL),
            DataType.F32 => FirstOf(MemoryMarshal.Cast<byte, uint>(weights), 0x7F80_0000u),
            DataType.F16 => FirstOf(MemoryMarshal.Cast<byte, ushort>(weights), (ushort)0x7C00),
            DataType.BF16 => FirstOf(MemoryMarshal.Cast<byte, ushort>(weights), (ushort)0x7F80),
            _ => -1,
        };
        if (at >= 0) throw new ConvNativeException(Backend, $"weights: element {at} is not finite, and no engine of cuDNN takes these pads without a copy whose explicit zeros would make it NaN", problem: Problem);

        // All bits of the exponent are set in infinities and NaNs only.
        static int FirstOf<T>(ReadOnlySpan<T> values, T exponent)
            where T : unmanaged, System.Numerics.IBinaryInteger<T>
        {
            for (int i = 0; i < values.Length; i++)
                if ((values[i] & exponent) == exponent) return i;
            return -1;
        }
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
