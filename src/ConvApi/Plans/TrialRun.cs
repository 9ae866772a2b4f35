using ConvNative.Problems;

namespace ConvNative.Plans;

/// <summary>Random operands for a plan, so that it can be timed; never zeros, which some processors multiply faster.</summary>
internal sealed class TrialRun
{
    private readonly ConvPlan _plan;
    private readonly byte[] _input, _residual, _offset, _mask, _gradient, _result;

    public TrialRun(ConvPlan plan)
    {
        _plan = plan;
        ConvProblem p = plan.Problem;
        Direction d = p.Direction;
        bool forward = d == Direction.Forward, sampled = p.Op == ConvOp.Deformable && d != Direction.BackwardBias;
        _input = Random(forward || d is Direction.BackwardWeights or Direction.BackwardOffset or Direction.BackwardMask ? plan.InputBytes : 0, p.InputType);
        _residual = Random(forward && p.PostOps.Residual ? plan.OutputBytes : 0, p.OutputType);
        _offset = Random(sampled ? p.OffsetShape.Product * p.InputType.SizeOf() : 0, p.InputType);
        _mask = Random(sampled && p.HasMask ? p.MaskShape.Product * p.InputType.SizeOf() : 0, p.InputType);
        _gradient = Random(forward ? 0 : plan.OutputBytes, p.OutputType);
        _result = new byte[plan.ResultBytes];
        plan.SetWeights(Random(plan.WeightBytes, p.WeightType), Random(plan.BiasBytes, p.BiasType));
    }

    /// <summary>What the last run computed.</summary>
    public ReadOnlySpan<byte> Result => _result;

    public void Run() => _plan.Execute(new ConvArguments
    {
        Input = _input,
        Residual = _residual,
        Offset = _offset,
        Mask = _mask,
        OutputGradient = _gradient,
        Result = _result,
    });

    private static byte[] Random(long bytes, DataType type)
    {
        var data = new byte[bytes];
        RandomData.Fill(data, type);
        return data;
    }
}
