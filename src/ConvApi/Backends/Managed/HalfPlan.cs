using ConvNative.Backends.Common;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>
/// bf16 and f16 storage with f32 arithmetic, every variant and direction: operands become f32 (exactly), the f32 kernels run, and
/// each result is rounded once.
/// </summary>
internal sealed unsafe class HalfPlan : ManagedPlan
{
    // A claim of work: 64 KB of f32, which a second-level cache holds beside what the kernels use.
    private const long Chunk = 16 * 1024;

    private readonly ManagedPlan _inner;
    private readonly float* _input;
    private readonly float* _residual;
    private readonly float* _offset;
    private readonly float* _mask;
    private readonly float* _gradient;
    private readonly float* _result;
    private void* _from;
    private void* _to;
    private DataType _type;
    private bool _rounds;
    private long _count;

    /// <param name="problem">The problem.</param>
    /// <param name="options">Threads.</param>
    /// <param name="inner">A plan of <see cref="InSingle"/>; owned.</param>
    public HalfPlan(ConvProblem problem, PlanOptions options, ManagedPlan inner)
        : base(problem, options, $"{inner.Implementation}+{problem.InputType.Name()}", Math.Max(problem.MultiplyAdds, problem.InputShape.Product))
    {
        _inner = inner;
        Direction d = problem.Direction;
        bool forward = d == Direction.Forward, sampled = problem.Op == ConvOp.Deformable && d != Direction.BackwardBias;
        if (forward || d is Direction.BackwardWeights or Direction.BackwardOffset or Direction.BackwardMask) _input = Room(problem.InputShape, problem.InputType);
        if (!forward) _gradient = Room(problem.OutputShape, problem.OutputType);
        if (forward && problem.PostOps.Residual) _residual = Room(problem.OutputShape, problem.OutputType);
        if (sampled) _offset = Room(problem.OffsetShape, problem.InputType);
        if (sampled && problem.HasMask) _mask = Room(problem.MaskShape, problem.InputType);
        _result = Room(problem.ResultShape, problem.ResultType);

        float* Room(Dims shape, DataType type) => type == DataType.F32 ? null : (float*)AllocateWorkspace(checked(shape.Product * sizeof(float)));
    }

    public override IReadOnlyList<string> Notes => ["16-bit operands widened to f32, results rounded once", .. _inner.Notes];

    public override long WorkspaceBytes => base.WorkspaceBytes + _inner.WorkspaceBytes;

    public override AlgorithmClass Algorithm => _inner.Algorithm;

    /// <summary>The same problem with every tensor in f32.</summary>
    public static ConvProblem InSingle(ConvProblem p) =>
        p.With(s => s with { Name = null, InputType = DataType.F32, WeightType = DataType.F32, OutputType = DataType.F32 });

    public override void DoParts(long from, long to, int worker)
    {
        long first = from * Chunk, end = Math.Min(_count, to * Chunk);
        int size = sizeof(ushort);
        if (_rounds) HalfPrecision.Round((float*)_from + first, (byte*)_to + (first * size), _type, end - first);
        else HalfPrecision.Widen((byte*)_from + (first * size), (float*)_to + first, _type, end - first);
    }

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        if (Problem.WeightType == DataType.F32)
        {
            _inner.Set(weights, bias);
            return;
        }

        using var wide = new AlignedBuffer(checked(Problem.WeightCount * sizeof(float)));
        HalfPrecision.Widen(weights, (float*)wide.Pointer, Problem.WeightType, Problem.WeightCount);
        _inner.Set(wide.Pointer, bias);
    }

    protected override void Execute()
    {
        ConvPointers now = Now;
        now.Input = Widened(now.Input, _input, Problem.InputShape, Problem.InputType);
        now.Residual = Widened(now.Residual, _residual, Problem.OutputShape, Problem.OutputType);
        now.Offset = Widened(now.Offset, _offset, Problem.OffsetShape, Problem.InputType);
        now.Mask = Widened(now.Mask, _mask, Problem.MaskShape, Problem.InputType);
        now.OutputGradient = Widened(now.OutputGradient, _gradient, Problem.OutputShape, Problem.OutputType);
        if (_result != null) now.Result = _result;
        _inner.Run(now);
        if (_result != null) Move(_result, Now.Result, Problem.ResultType, Problem.ResultShape.Product, rounds: true);
    }

    private void* Widened(void* tensor, float* room, Dims shape, DataType type)
    {
        if (tensor == null || room == null) return tensor;
        Move(tensor, room, type, shape.Product, rounds: false);
        return room;
    }

    private void Move(void* from, void* to, DataType type, long count, bool rounds)
    {
        _from = from;
        _to = to;
        (_type, _count, _rounds) = (type, count, rounds);
        Spread((count + Chunk - 1) / Chunk);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _inner.Dispose();
        base.Dispose(disposing);
    }
}
