using ConvNative.Backends.Common;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn;

/// <summary>
/// One of our own plans for operands that are not f32: they are widened, which is exact, the plan computes in f32, and its result is
/// rounded once.
/// </summary>
internal sealed unsafe class WidePlan : OneDnnOwnPlan
{
    private const int Chunk = 16 * 1024;

    private readonly OneDnnOwnPlan _inner;
    private readonly Operand _input;
    private readonly Operand _residual;
    private readonly Operand _offset;
    private readonly Operand _mask;
    private readonly Operand _gradient;
    private readonly Operand _result;
    private Job _job;

    /// <param name="p">The problem.</param>
    /// <param name="inner">A plan of <see cref="Inner"/>; owned.</param>
    public WidePlan(ConvProblem p, OneDnnOwnPlan inner)
        : base(p, inner.Threads, long.MaxValue)
    {
        _inner = Keep(inner);
        Direction d = p.Direction;
        bool forward = d == Direction.Forward, sampled = p.Op == ConvOp.Deformable && d != Direction.BackwardBias;
        _input = Make(forward || d is Direction.BackwardWeights or Direction.BackwardOffset or Direction.BackwardMask, p.InputShape, p.InputType);
        _residual = Make(forward && p.PostOps.Residual, p.OutputShape, p.OutputType);
        _offset = Make(sampled, p.OffsetShape, p.InputType);
        _mask = Make(sampled && p.HasMask, p.MaskShape, p.InputType);
        _gradient = Make(!forward, p.OutputShape, p.OutputType);
        _result = Make(true, p.ResultShape, p.ResultType);
    }

    public override string Implementation => $"{_inner.Implementation}+widened";

    public override IReadOnlyList<string> Notes =>
        [.. _inner.Notes, $"operands of {Problem.InputType.Name()} widened to f32, products and sums in f32, the result rounded to {Problem.ResultType.Name()} once"];

    public override long WorkspaceBytes => base.WorkspaceBytes + _inner.WorkspaceBytes;

    /// <summary>The same problem in f32.</summary>
    public static ConvProblem Inner(ConvProblem p) => p.With(s => s with
    {
        Name = null,
        InputType = DataType.F32,
        WeightType = DataType.F32,
        OutputType = DataType.F32,
    });

    public override void DoParts(long from, long to, int worker)
    {
        for (long part = from; part < to; part++)
        {
            long first = part * Chunk;
            int count = (int)Math.Min(Chunk, _job.Count - first);
            byte* typed = (byte*)_job.Typed + (first * _job.Type.SizeOf());
            if (_job.Widens) SingleConversion.Widen(typed, _job.Type, _job.Floats + first, count);
            else SingleConversion.Narrow(_job.Floats + first, typed, _job.Type, count);
        }
    }

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        using var wide = new AlignedBuffer(checked(Problem.WeightCount * sizeof(float)));
        SingleConversion.Widen(weights, Problem.WeightType, (float*)wide.Pointer, checked((int)Problem.WeightCount));
        _inner.Set(wide.Pointer, bias);
    }

    protected override void Execute()
    {
        ConvPointers q = Now;
        _inner.Run(new ConvPointers
        {
            Input = Widened(_input, q.Input),
            Residual = Widened(_residual, q.Residual),
            Offset = Widened(_offset, q.Offset),
            Mask = Widened(_mask, q.Mask),
            OutputGradient = Widened(_gradient, q.OutputGradient),
            Result = _result.IsWide ? q.Result : _result.Floats,

            // A bias is f32 beside any of these types.
            BiasResult = q.BiasResult,
        });
        if (!_result.IsWide) Convert(new Job(q.Result, _result.Type, _result.Floats, _result.Count, false));
    }

    private void* Widened(in Operand o, void* typed)
    {
        if (o.Count == 0 || o.IsWide) return typed;
        Convert(new Job(typed, o.Type, o.Floats, o.Count, true));
        return o.Floats;
    }

    private void Convert(in Job job)
    {
        _job = job;
        Spread((job.Count + Chunk - 1) / Chunk);
    }

    private Operand Make(bool needed, Dims shape, DataType type)
    {
        if (!needed) return default;
        long count = shape.Product;
        return new Operand(type == DataType.F32 ? null : (float*)Allocate(checked(count * sizeof(float))), count, type);
    }

    private readonly struct Operand(float* floats, long count, DataType type)
    {
        public float* Floats { get; } = floats;

        public long Count { get; } = count;

        public DataType Type { get; } = type;

        /// <summary>The caller's own memory serves.</summary>
        public bool IsWide => Type == DataType.F32;
    }

    private readonly struct Job(void* typed, DataType type, float* floats, long count, bool widens)
    {
        public void* Typed { get; } = typed;

        public DataType Type { get; } = type;

        public float* Floats { get; } = floats;

        public long Count { get; } = count;

        public bool Widens { get; } = widens;
    }
}
