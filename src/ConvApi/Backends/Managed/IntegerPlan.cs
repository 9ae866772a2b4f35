using ConvNative.Backends.Common;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Managed;

/// <summary>
/// 8-bit convolutions (and im2col, col2im and channel shuffle): integers with their zero points taken off, as doubles through the f64 kernels (exact up to 2^53), then bias,
/// scales, rounding and saturation. Correct for every problem, not fast.
/// </summary>
internal sealed unsafe class IntegerPlan : ManagedPlan
{
    private readonly ManagedPlan _sums;
    private readonly IntegerEpilogue<double> _epilogue;
    private readonly double* _input;
    private readonly double* _sum;
    private readonly double* _weights;

    /// <param name="problem">The problem.</param>
    /// <param name="options">Threads.</param>
    /// <param name="sums">A plan of <see cref="Sums"/>; owned.</param>
    public IntegerPlan(ConvProblem problem, PlanOptions options, ManagedPlan sums)
        : base(problem, options, $"{sums.Implementation}+integer", Math.Max(problem.MultiplyAdds, problem.OutputShape.Product))
    {
        _sums = Keep(sums);
        CountWorkspace(sums.WorkspaceBytes);
        _epilogue = Keep(new IntegerEpilogue<double>(problem.With(s => s with { OutputLayout = Plain(s.OutputLayout) }), Threads, 0));
        _input = (double*)AllocateWorkspace(problem.InputShape.Product * sizeof(double));
        _sum = (double*)AllocateWorkspace(problem.OutputShape.Product * sizeof(double));
        _weights = (double*)AllocateWeights(problem.WeightCount * sizeof(double));
    }

    public override IReadOnlyList<string> Notes => ["exact integers in f64"];

    /// <summary>Why the engine does not compute the integers of <paramref name="p"/>, or null.</summary>
    public static string? Lacking(ConvProblem p)
    {
        if (p.Direction != Direction.Forward) return $"direction {Names.Of(p.Direction)}: the managed engine computes 8-bit integers forward only";
        if (p.Op == ConvOp.Deformable) return $"data type {p.InputType.Name()}: a deformable convolution samples between pixels, at offsets that 8-bit integers do not hold";

        // 255 * 255 a term, and a bias: far below 2^53 for any kernel that fits memory.
        return null;
    }

    /// <summary>The same convolution of doubles whose zero points are gone.</summary>
    public static ConvProblem Sums(ConvProblem p) => p.With(s => s with
    {
        Name = null,
        InputType = DataType.F64,
        WeightType = DataType.F64,
        OutputType = DataType.F64,
        HasBias = false,
        PostOps = PostOps.None,
        Quantization = null,
        InputLayout = Plain(s.InputLayout),
        WeightLayout = Plain(s.WeightLayout),
        OutputLayout = Plain(s.OutputLayout),
        PadValue = s.PaddingMode == PaddingMode.Constant ? s.PadValue - (s.Quantization?.InputZeroPoint ?? 0) : 0,
    });

    public override void DoParts(long from, long to, int worker) => throw new InvalidOperationException("the parts are the inner plan's");

    protected override void SetWeightsCore(void* weights, void* bias)
    {
        ConvProblem p = Problem;
        long kernel = p.Kernel.Product, second = p.WeightShape[1], inputs = p.InputChannels / p.Groups;
        bool last = p.WeightLayout == Layout.ChannelsLast;
        for (long i = 0; i < p.WeightCount; i++)
        {
            long a = i / kernel / second, b = last ? i % second : i / kernel % second;
            long o = p.Op == ConvOp.Transposed ? (a / inputs * second) + b : a;
            _weights[i] = (p.WeightType == DataType.U8 ? ((byte*)weights)[i] : ((sbyte*)weights)[i]) - (p.Quantization?.WeightZeroPoint(o) ?? 0);
        }

        _sums.Set(_weights, null);
        _epilogue.SetBias((int*)bias);
    }

    protected override void Execute()
    {
        long count = Problem.InputShape.Product;
        int zero = Problem.Quantization?.InputZeroPoint ?? 0;
        if (Problem.InputType == DataType.U8)
            for (long i = 0; i < count; i++) _input[i] = ((byte*)Now.Input)[i] - zero;
        else
            for (long i = 0; i < count; i++) _input[i] = ((sbyte*)Now.Input)[i] - zero;
        _sums.Run(new ConvPointers { Input = _input, Result = _sum });
        _epilogue.Run(_sum, null, null, Now.Residual, Now.Result);
    }

    private static Layout Plain(Layout layout) => layout == Layout.Any ? Layout.ChannelsFirst : layout;
}
