using System.Diagnostics;
using System.Runtime.InteropServices;
using ConvNative.Backends;
using ConvNative.Cli.Benchmarks.Peers;
using ConvNative.Cli.Checking;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Benchmarks;

/// <summary>One engine on one layer.</summary>
internal sealed class LayerContestant : BenchContestant
{
    private ConvPlan? _plan;
    private PlanSession? _session;

    public LayerContestant(ConvBackend backend, ConvProblem p, BenchSettings settings, BenchRow row)
        : base(row) => Prepare(backend, () => Begin(backend, p, settings));

    public override void Dispose()
    {
        _session?.Dispose();
        _plan?.Dispose();
    }

    private void Begin(ConvBackend backend, ConvProblem p, BenchSettings settings)
    {
        // Everything random comes from one seed a problem, so that all engines compute the same.
        var random = new Random(20_240_607);
        byte[] weights = RandomBytes(random, p.WeightCount, p.WeightType), bias = RandomBytes(random, p.HasBias ? p.OutputChannels : 0, p.BiasType);
        byte[] input = RandomBytes(random, p.InputShape.Product, p.InputType), like = RandomBytes(random, p.OutputShape.Product, p.OutputType);
        bool sampled = p.Op == ConvOp.Deformable && p.Direction != Direction.BackwardBias;
        byte[] offset = RandomBytes(random, sampled ? p.OffsetShape.Product : 0, p.InputType), mask = RandomBytes(random, sampled && p.HasMask ? p.MaskShape.Product : 0, p.InputType);
        long t0 = Stopwatch.GetTimestamp();
        PlanResult made = backend.CreatePlan(p, settings.Options);
        if (made.Plan is null)
        {
            Row = Row with { Status = "unsupported", Message = made.Reason };
            return;
        }

        _plan = made.Plan;
        double create = Stopwatch.GetElapsedTime(t0).TotalMilliseconds;
        _session = new PlanSession(_plan, skewed: false);
        t0 = Stopwatch.GetTimestamp();
        _session.SetWeights(weights, bias);
        create += Stopwatch.GetElapsedTime(t0).TotalMilliseconds;
        _session.SetInput(input);
        _session.SetResidual(like);
        _session.SetOutputGradient(like);
        if (offset.Length > 0) _session.SetOffset(offset);
        if (mask.Length > 0) _session.SetMask(mask);
        t0 = Stopwatch.GetTimestamp();
        _session.Run();
        double first = Stopwatch.GetElapsedTime(t0).TotalMilliseconds;
        Row = Row with
        {
            Implementation = _plan.Implementation,
            Threads = _plan.Threads,
            CreateMs = create,
            FirstMs = first,
            Checksum = p.ResultType == DataType.F32 ? PeerFills.Checksum(MemoryMarshal.Cast<byte, float>(_session.Result())) : 0,
        };
        Call = _session.Run;
    }

    private static byte[] RandomBytes(Random random, long count, DataType type)
    {
        var v = new double[count];
        bool integer = type.IsInteger();
        for (int i = 0; i < v.Length; i++) v[i] = integer ? random.Next(type == DataType.U8 ? 0 : -8, 9) : (random.NextDouble() * 2) - 1;
        return TensorBytes.ToBytes(v, type, [count], Problems.Layout.ChannelsFirst);
    }
}
