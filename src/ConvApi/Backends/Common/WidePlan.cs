using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Common;

/// <summary>
/// A plan for operands that are not f32: they are widened, which is exact, an f32 plan computes, and its result is rounded once.
/// </summary>
internal sealed unsafe class WidePlan : OwnPlan
{
    // A claim of work: 64 KB of f32, which a second-level cache holds beside what the kernels use.
    private const int Chunk = 16 * 1024;

    private OwnPlan _inner;
    private Operand _input;
    private Operand _residual;
    private Operand _offset;
    private Operand _mask;
    private Operand _gradient;
    private Operand _result;
    private Job _job;

    /// <param name="p">The problem.</param>
    /// <param name="inner">A plan of <see cref="InSingle"/>; owned.</param>
    public WidePlan(ConvProblem p, OwnPlan inner)
        : base(p, inner.Backend, inner.Threads, long.MaxValue)
    {
        _inner = Keep(inner);
        Host = inner.Host;
        CountWorkspace(inner.WorkspaceBytes);
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

    public override AlgorithmClass Algorithm => _inner.Algorithm;

    /// <summary>The same problem with every tensor in f32.</summary>
    public static ConvProblem InSingle(ConvProblem p) =>
        p.With(s => s with { Name = null, InputType = DataType.F32, WeightType = DataType.F32, OutputType = DataType.F32 });

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
        if (Problem.WeightType == DataType.F32)
        {
            _inner.Set(weights, bias);
            return;
        }

        using var wide = new AlignedBuffer(checked(Problem.WeightCount * sizeof(float)));
        Convert(new Job(weights, Problem.WeightType, (float*)wide.Pointer, Problem.WeightCount, widens: true));
        _inner.Set(wide.Pointer, bias);
    }

    protected override void Renew()
    {
        base.Renew();
        _inner = Another(_inner);
        _input = Again(_input);
        _residual = Again(_residual);
        _offset = Again(_offset);
        _mask = Again(_mask);
        _gradient = Again(_gradient);
        _result = Again(_result);
    }

    protected override void Execute()
    {
        // What is not replaced is f32 already: the gradient of a bias.
        ConvPointers now = Now;
        now.Input = Widened(_input, now.Input);
        now.Residual = Widened(_residual, now.Residual);
        now.Offset = Widened(_offset, now.Offset);
        now.Mask = Widened(_mask, now.Mask);
        now.OutputGradient = Widened(_gradient, now.OutputGradient);
        if (_result.Floats != null) now.Result = _result.Floats;
        _inner.Run(now);
        if (_result.Floats != null) Convert(new Job(Now.Result, _result.Type, _result.Floats, _result.Count, widens: false));
    }

    private void* Widened(in Operand o, void* typed)
    {
        if (o.Floats == null) return typed;
        Convert(new Job(typed, o.Type, o.Floats, o.Count, widens: true));
        return o.Floats;
    }

    private void Convert(in Job job)
    {
        _job = job;
        Spread((job.Count + Chunk - 1) / Chunk);
    }

    private Operand Make(bool needed, Dims shape, DataType type) => needed && type != DataType.F32
        ? new Operand((float*)AllocateWorkspace(checked(shape.Product * sizeof(float))), shape.Product, type)
        : default;

    private Operand Again(in Operand o) => new(Another(o.Floats), o.Count, o.Type);

    /// <summary>Room for a tensor in f32; none where the caller's own memory serves.</summary>
    private readonly struct Operand(float* floats, long count, DataType type)
    {
        public float* Floats { get; } = floats;

        public long Count { get; } = count;

        public DataType Type { get; } = type;
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
