using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Epilogue;
using ConvNative.Backends.Common.Memory;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Integers;

/// <summary>
/// oneDNN's exact s32 sums with our steps around them: u8 weights become s8, weights' zero points are corrected by a second
/// convolution of ones, a zero point of the input that oneDNN does not take by the sums of an input that is all zero point, and
/// bias, scales, rounding and saturation follow in double.
/// </summary>
internal sealed unsafe class OneDnnIntegerPlan : ConvPlan
{
    private readonly ConvPlan _sums;
    private readonly ConvPlan? _window;
    private readonly AlignedBuffer _weights;
    private readonly AlignedBuffer? _constant;
    private readonly long _sumBytes;
    private readonly long _windowBytes;
    private readonly bool _correctsInput;
    private bool _isLane;
    private IntegerEpilogue<int> _epilogue;
    private AlignedBuffer _sum;
    private AlignedBuffer? _windowSum;

    /// <param name="problem">The problem.</param>
    /// <param name="sums">A plan of <see cref="OneDnnIntegers.Sums"/>; owned.</param>
    /// <param name="window">The same of ones, or null where the weights have no zero points; owned.</param>
    public OneDnnIntegerPlan(ConvProblem problem, ConvPlan sums, ConvPlan? window)
        : base(problem, OneDnnBackend.BackendName)
    {
        (_sums, _window, Host) = (sums, window, sums.Host ?? window?.Host);
        bool unsigned = problem.WeightType == DataType.U8;
        _correctsInput = problem.Quantization is { InputZeroPoint: not 0 } && sums.Problem.Quantization is null;
        ConvProblem plain = problem.With(s => s with { OutputLayout = OneDnnIntegers.Plain(s.OutputLayout) });
        _epilogue = new IntegerEpilogue<int>(plain, sums.Threads, unsigned ? 128 : 0);
        _sumBytes = checked(problem.OutputShape.Product * sizeof(int));
        _sum = new AlignedBuffer(_sumBytes);
        _weights = new AlignedBuffer(WeightBytes);
        if (_correctsInput) _constant = new AlignedBuffer(_sumBytes / problem.Batch);
        if (window is null) return;
        _windowBytes = window.OutputBytes;
        _windowSum = new AlignedBuffer(_windowBytes);
        var ones = new byte[window.WeightBytes];
        ones.AsSpan().Fill(1);
        window.SetWeights(ones, []);
    }

    public override string Implementation => $"{_sums.Implementation}+exact_scales";

    public override int Threads => _sums.Threads;

    public override long WorkspaceBytes => _sums.WorkspaceBytes + _sumBytes + (_window is null ? 0 : _window.WorkspaceBytes + _windowBytes) + (_correctsInput ? _sumBytes / Problem.Batch : 0);

    public override IReadOnlyList<string> Notes =>
    [
        .. _sums.Notes,
        "s32 sums by oneDNN; bias, scales and rounding after it in double: oneDNN's own scaling adds the zero point before it rounds, in f32",
        .. Problem.WeightType == DataType.U8 ? ["u8 weights as s8, 128 off"] : Array.Empty<string>(),
        .. _window is null ? Array.Empty<string>() : [$"weights' zero points corrected by a convolution of ones ({_window.Implementation})"],
        .. _correctsInput ? ["the input's zero point corrected by the sums of an input that is all zero point"] : Array.Empty<string>(),
    ];

    public override void PackInput(ReadOnlySpan<byte> plain, Span<byte> packed) => Move(plain, packed, Problem.InputShape, Problem.InputType, Problem.InputLayout, true);

    public override void UnpackInput(ReadOnlySpan<byte> packed, Span<byte> plain) => Move(packed, plain, Problem.InputShape, Problem.InputType, Problem.InputLayout, false);

    public override void PackOutput(ReadOnlySpan<byte> plain, Span<byte> packed) => Move(plain, packed, Problem.OutputShape, Problem.OutputType, Problem.OutputLayout, true);

    public override void UnpackOutput(ReadOnlySpan<byte> packed, Span<byte> plain) => Move(packed, plain, Problem.OutputShape, Problem.OutputType, Problem.OutputLayout, false);

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        int length = checked((int)WeightBytes);
        var stored = new ReadOnlySpan<byte>(weights, length);
        var signed = new Span<byte>(_weights.Pointer, length);
        stored.CopyTo(signed);
        if (Problem.WeightType == DataType.U8)
            foreach (ref byte w in signed) w ^= 0x80;
        _sums.SetWeights(signed, []);
        _epilogue.SetBias((int*)bias);
        if (_correctsInput) Constant();
    }

    protected override ConvPlan Fork()
    {
        var lane = (OneDnnIntegerPlan)CopyFields();
        lane._isLane = true;
        (lane._sum, lane._windowSum) = (new AlignedBuffer(_sum.Bytes), _windowSum is null ? null : new AlignedBuffer(_windowSum.Bytes));
        lane._epilogue = _epilogue.Fork();
        return lane;
    }

    protected override void ExecuteCore(in ConvPointers q)
    {
        Sums(new ReadOnlySpan<byte>(q.Input, checked((int)InputBytes)));
        _epilogue.Run((int*)_sum.Pointer, WindowSum, Constants, q.Residual, q.Result);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _epilogue.Dispose();
        _sum.Dispose();
        _windowSum?.Dispose();
        if (_isLane) return;
        _constant?.Dispose();
        _weights.Dispose();
        _window?.Dispose();
        _sums.Dispose();
    }

    private void Sums(ReadOnlySpan<byte> input)
    {
        _sums.Execute(new ConvArguments { Input = input, Result = new Span<byte>(_sum.Pointer, checked((int)_sumBytes)) });
        _window?.Execute(new ConvArguments { Input = input, Result = new Span<byte>(WindowSum, checked((int)_windowBytes)) });
    }

    /// <summary>The sums of an input that is nothing but its zero point; every image has the same.</summary>
    private void Constant()
    {
        int* constants = Constants, windowSum = WindowSum;
        var input = new byte[InputBytes];
        input.AsSpan().Fill((byte)Problem.Quantization!.InputZeroPoint);
        Sums(input);
        NativeMemory.Copy(_sum.Pointer, constants, (nuint)(_sumBytes / Problem.Batch));
        if (_window is null) return;

        // The window sums have the zero point in them too.
        Quantization q = Problem.Quantization;
        long channels = Problem.OutputChannels, perGroup = channels / Problem.Groups, plane = Problem.OutputSpatial.Product;
        bool last = OneDnnIntegers.Plain(Problem.OutputLayout) == Layout.ChannelsLast;
        for (long o = 0; o < channels; o++)
            for (long i = 0; i < plane; i++)
            {
                long g = o / perGroup;
                int covered = windowSum[last ? (i * Problem.Groups) + g : (g * plane) + i];
                constants[last ? (i * channels) + o : (o * plane) + i] -= (q.WeightZeroPoint(o) - (Problem.WeightType == DataType.U8 ? 128 : 0)) * covered;
            }
    }

    private static void Move(ReadOnlySpan<byte> from, Span<byte> to, Dims shape, DataType type, Layout layout, bool pack)
    {
        if (layout != Layout.Any)
        {
            from.CopyTo(to);
            return;
        }

        int size = type.SizeOf(), channels = checked((int)shape[1]), positions = checked((int)shape.Slice(2).Product), plane = channels * positions * size;
        for (int n = 0; n < shape[0]; n++)
            for (int c = 0; c < channels; c++)
                for (int i = 0; i < positions; i++)
                {
                    int first = (n * plane) + (((c * positions) + i) * size), last = (n * plane) + (((i * channels) + c) * size);
                    from.Slice(pack ? first : last, size).CopyTo(to[(pack ? last : first)..]);
                }
    }

    private int* WindowSum => _windowSum is null ? null : (int*)_windowSum.Pointer;

    private int* Constants => _constant is null ? null : (int*)_constant.Pointer;
}
