using ConvNative.Problems;

namespace ConvNative.Plans;

/// <summary>Random operands of one problem, shared by the plans that are timed on it; never zeros, which some processors multiply faster.</summary>
internal sealed class TrialOperands
{
    private readonly byte[] _input, _residual, _offset, _mask, _gradient, _result, _weights, _bias;

    /// <param name="plans">Plans of one problem.</param>
    /// <exception cref="OutOfMemoryException">There is no room: ask <see cref="BytesFor"/> before.</exception>
    public TrialOperands(IReadOnlyList<ConvPlan> plans)
    {
        ConvProblem p = plans[0].Problem;
        Direction d = p.Direction;
        bool forward = d == Direction.Forward, sampled = IsSampled(p);
        long output = plans.Max(q => q.OutputBytes);
        _input = Random(forward || d is Direction.BackwardWeights or Direction.BackwardOffset or Direction.BackwardMask ? plans.Max(q => q.InputBytes) : 0, p.InputType);
        _residual = Random(forward && p.PostOps.Residual ? output : 0, p.OutputType);
        _offset = Random(sampled ? p.OffsetShape.Product * p.InputType.SizeOf() : 0, p.InputType);
        _mask = Random(sampled && p.HasMask ? p.MaskShape.Product * p.InputType.SizeOf() : 0, p.InputType);
        _gradient = Random(forward ? 0 : output, p.OutputType);
        _result = new byte[plans.Max(q => q.ResultBytes)];
        _weights = Random(plans[0].WeightBytes, p.WeightType);
        _bias = Random(plans[0].BiasBytes, p.BiasType);
    }

    /// <summary>What the last run computed; a plan of smaller buffers fills its beginning.</summary>
    public ReadOnlySpan<byte> Result => _result;

    /// <summary>At least the bytes of all operands of such plans.</summary>
    public static double BytesFor(IReadOnlyList<ConvPlan> plans)
    {
        ConvProblem p = plans[0].Problem;
        double sampled = IsSampled(p) ? ((double)p.OffsetShape.Product + (p.HasMask ? p.MaskShape.Product : 0)) * p.InputType.SizeOf() : 0;
        return plans.Max(q => (double)q.InputBytes + (2.0 * q.OutputBytes) + q.ResultBytes) + sampled + plans[0].WeightBytes + plans[0].BiasBytes;
    }

    public void SetWeights(ConvPlan plan)
    {
        if (plan.NeedsWeights) plan.SetWeights(_weights, _bias);
    }

    public void Run(ConvPlan plan) => plan.Execute(new ConvArguments
    {
        Input = Part(_input, plan.InputBytes),
        Residual = Part(_residual, plan.OutputBytes),
        Offset = _offset,
        Mask = _mask,
        OutputGradient = Part(_gradient, plan.OutputBytes),
        Result = Part(_result, plan.ResultBytes),
    });

    private static bool IsSampled(ConvProblem p) => p.Op == ConvOp.Deformable && p.Direction != Direction.BackwardBias;

    // A plan with a layout of its own has buffers of its own length.
    private static Span<byte> Part(byte[] all, long bytes) => all.Length == 0 ? default : all.AsSpan(0, (int)bytes);

    private static byte[] Random(long bytes, DataType type)
    {
        var data = new byte[bytes];
        RandomData.Fill(data, type);
        return data;
    }
}
