using ConvNative.Backends;
using ConvNative.Backends.OneDnn;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Oracle.Verdicts;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Runs a problem on the oneDNN engine and compares with the oracle; f32, results between guard bands.</summary>
internal static class OneDnnRun
{
    private const int Band = 256;
    private const byte Poison = 0xCB;
    private static readonly OneDnnBackend s_engine = new();

    public static void Require()
    {
        if (!s_engine.Status.Available) Engines.Skip("onednn", s_engine.Status.Summary);
    }

    /// <summary>Fails unless the engine's plan, whose implementation starts with <paramref name="implementation"/>, agrees with the oracle.</summary>
    public static void Check(ConvProblem p, FillKind fill, string implementation)
    {
        OracleTensors t = Fills.Create(p, fill, 11);
        Comparison c = Verdict.Compare(p, fill, NaiveOracle.Compute(p, t), Run(p, t, PlanOptions.Default, out string name));
        StringAssert.StartsWith(name, implementation);
        Assert.AreEqual(0, c.FailCount, $"{c.Summary} ({p})");
    }

    public static double[] Run(ConvProblem p, FillKind fill, PlanOptions options) => Run(p, Fills.Create(p, fill, 11), options, out _);

    /// <summary>The result, logical and channels first.</summary>
    public static double[] Run(ConvProblem p, OracleTensors t, PlanOptions options, out string implementation)
    {
        Require();
        PlanResult made = s_engine.CreatePlan(p, options);
        Assert.IsNotNull(made.Plan, made.Reason);
        using ConvPlan plan = made.Plan;
        implementation = plan.Implementation;
        Direction d = p.Direction;
        if (plan.NeedsWeights)
            plan.SetWeights(Bytes(t.Weights!, p.WeightShape, p.WeightLayout), p.HasBias ? Bytes(t.Bias ?? new double[p.OutputChannels], p.BiasShape, Layout.ChannelsFirst) : []);
        bool forward = d == Direction.Forward, input = d is not (Direction.BackwardData or Direction.BackwardBias), sampled = p.Op == ConvOp.Deformable && d != Direction.BackwardBias;
        byte[] result = new byte[plan.ResultBytes + (2 * Band)], bias = new byte[d == Direction.BackwardWeights ? plan.BiasBytes : 0];
        result.AsSpan().Fill(Poison);

        // Twice: nothing of a run may reach the next one.
        for (int run = 0; run < 2; run++)
            plan.Execute(new ConvArguments
            {
                Input = input ? Bytes(t.Input!, p.InputShape, p.InputLayout) : default,
                Residual = forward && p.PostOps.Residual ? Bytes(t.Residual!, p.OutputShape, p.OutputLayout) : default,
                Offset = sampled ? Bytes(t.Offset!, p.OffsetShape, Layout.ChannelsFirst) : default,
                Mask = sampled && p.HasMask ? Bytes(t.Mask ?? new double[p.MaskShape.Product], p.MaskShape, Layout.ChannelsFirst) : default,
                OutputGradient = forward ? default : Bytes(t.OutputGrad!, p.OutputShape, p.OutputLayout),
                Result = result.AsSpan(Band, (int)plan.ResultBytes),
                BiasResult = bias,
            });
        Assert.IsTrue(result.AsSpan(0, Band).IndexOfAnyExcept(Poison) < 0 && result.AsSpan(result.Length - Band).IndexOfAnyExcept(Poison) < 0, $"wrote beside the result: {p}");
        if (bias.Length > 0) CheckBias(p, t, bias);
        Layout layout = d switch
        {
            Direction.Forward => p.OutputLayout,
            Direction.BackwardData => p.InputLayout,
            Direction.BackwardWeights => p.WeightLayout,
            _ => Layout.ChannelsFirst,
        };
        return ManagedRun.Doubles(result.AsSpan(Band, (int)plan.ResultBytes), p.ResultShape, layout, DataType.F32);
    }

    private static void CheckBias(ConvProblem p, OracleTensors t, byte[] bias)
    {
        ConvProblem q = p.With(s => s with { Direction = Direction.BackwardBias });
        Comparison c = Verdict.Compare(q, FillKind.Random, NaiveOracle.Compute(q, t), ManagedRun.Doubles(bias, p.BiasShape, Layout.ChannelsFirst, DataType.F32));
        Assert.AreEqual(0, c.FailCount, $"bias: {c.Summary} ({p})");
    }

    private static byte[] Bytes(double[] logical, Dims shape, Layout layout) => ManagedRun.Bytes(logical, shape, layout, DataType.F32);
}
