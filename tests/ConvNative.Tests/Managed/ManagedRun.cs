using ConvNative.Backends.Managed;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>One problem with integer-valued tensors (sums are exact), run by the managed engine. Tensors are logical and channels first.</summary>
internal sealed class ManagedRun
{
    private static readonly ManagedBackend s_engine = new();

    public ManagedRun(ConvProblem p, int seed = 1)
    {
        Problem = p;
        var random = new Random(seed);
        Input = Fill(p.InputShape, 4);
        Weights = p.HasWeights ? Fill(p.WeightShape, 3) : [];
        Bias = p.HasBias ? Fill(p.BiasShape, 9) : [];
        Residual = p.PostOps.Residual ? Fill(p.OutputShape, 5) : [];
        OutputGradient = Fill(p.OutputShape, 4);

        // Quarters: exact in binary, and products of two of them too.
        Offset = p.OffsetShape.Count > 0 ? [.. Fill(p.OffsetShape, 6).Select(v => v / 4)] : [];
        Mask = p.MaskShape.Count > 0 ? [.. Fill(p.MaskShape, 4).Select(v => v / 4)] : [];

        double[] Fill(Dims shape, int most)
        {
            var v = new double[shape.Product];
            for (long i = 0; i < v.Length; i++) v[i] = random.Next(-most, most + 1);
            return v;
        }
    }

    public ConvProblem Problem { get; }

    public double[] Input { get; set; }

    public double[] Weights { get; set; }

    public double[] Bias { get; set; }

    public double[] Residual { get; set; }

    public double[] OutputGradient { get; set; }

    public double[] Offset { get; set; }

    public double[] Mask { get; set; }

    public double[] BiasGradient { get; private set; } = [];

    public string Implementation { get; private set; } = "";

    public static ConvPlan Plan(ConvProblem p, PlanOptions? options = null)
    {
        PlanResult r = s_engine.CreatePlan(p, options ?? PlanOptions.Default);
        Assert.IsNotNull(r.Plan, r.Reason);
        return r.Plan;
    }

    /// <summary>The result of <paramref name="direction"/> on these tensors.</summary>
    public double[] Get(Direction direction, PlanOptions? options = null)
    {
        ConvProblem p = Problem.With(s => s with { Direction = direction, PostOps = direction == Direction.Forward ? s.PostOps : default });
        using ConvPlan plan = Plan(p, options);
        Implementation = plan.Implementation;
        if (plan.NeedsWeights)
            plan.SetWeights(Bytes(Weights, p.WeightShape, p.WeightLayout, p.WeightType), p.HasBias ? Bytes(Bias, p.BiasShape, Layout.ChannelsFirst, p.BiasType) : []);
        bool forward = direction == Direction.Forward, input = forward || direction is not (Direction.BackwardData or Direction.BackwardBias);
        bool sampled = p.Op == ConvOp.Deformable && direction != Direction.BackwardBias;
        Layout layout = direction switch
        {
            Direction.Forward => p.OutputLayout,
            Direction.BackwardData => p.InputLayout,
            Direction.BackwardWeights => p.WeightLayout,
            _ => Layout.ChannelsFirst,
        };
        byte[] result = Guarded(plan.ResultBytes), bias = Guarded(plan.BiasBytes);
        plan.Execute(new ConvArguments
        {
            Input = input ? Bytes(Input, p.InputShape, p.InputLayout, p.InputType) : default,
            Residual = forward && p.PostOps.Residual ? Bytes(Residual, p.OutputShape, p.OutputLayout, p.OutputType) : default,
            Offset = sampled ? Bytes(Offset, p.OffsetShape, Layout.ChannelsFirst, p.InputType) : default,
            Mask = sampled && p.HasMask ? Bytes(Mask, p.MaskShape, Layout.ChannelsFirst, p.InputType) : default,
            OutputGradient = forward ? default : Bytes(OutputGradient, p.OutputShape, p.OutputLayout, p.OutputType),
            Result = Inside(result),
            BiasResult = direction == Direction.BackwardWeights ? Inside(bias) : default,
        });
        foreach (byte[] b in (byte[][])[result, bias])
            Assert.IsTrue(b.AsSpan(0, Band).IndexOfAnyExcept(Poison) < 0 && b.AsSpan(b.Length - Band).IndexOfAnyExcept(Poison) < 0, $"wrote beside the result: {p}");
        if (direction == Direction.BackwardWeights) BiasGradient = Doubles(Inside(bias), p.BiasShape, Layout.ChannelsFirst, p.BiasType);
        return Doubles(Inside(result), p.ResultShape, layout, p.ResultType);
    }

    /// <summary>Bytes that ten runs allocate on this thread; the least of three tries, since the runtime may allocate for itself once.</summary>
    public static long Allocated(Action run)
    {
        for (int i = 0; i < 3; i++) run();
        long least = long.MaxValue;
        for (int t = 0; t < 3; t++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++) run();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private const int Band = 256;
    private const byte Poison = 0xCB;

    private static byte[] Guarded(long bytes)
    {
        var b = new byte[bytes + (2 * Band)];
        b.AsSpan().Fill(Poison);
        return b;
    }

    private static Span<byte> Inside(byte[] b) => b.AsSpan(Band, b.Length - (2 * Band));

    public static byte[] Bytes(double[] logical, Dims shape, Layout layout, DataType type) => TensorBytes.ToBytes(logical, type, shape, layout);

    public static double[] Doubles(ReadOnlySpan<byte> b, Dims shape, Layout layout, DataType type) => TensorBytes.Read(b, type, shape, layout);
}
