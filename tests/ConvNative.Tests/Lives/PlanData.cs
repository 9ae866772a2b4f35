using ConvNative.Backends.Common.Numbers;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Tensors of any type for a problem, and two sets of weights. Any number of threads may run plans on it at once.</summary>
internal sealed class PlanData
{
    private readonly byte[] _input, _residual, _offset, _mask, _gradient;
    private readonly byte[][] _weights, _bias;
    private readonly Random _random = new(11);

    /// <param name="p">The problem.</param>
    /// <param name="notFinite">An infinity (f32) is among the first weights, and in the input.</param>
    public PlanData(ConvProblem p, bool notFinite = false)
    {
        Problem = p;
        bool forward = p.Direction == Direction.Forward;
        _input = forward || p.Direction is Direction.BackwardWeights or Direction.BackwardOffset or Direction.BackwardMask ? Fill(p.InputShape, p.InputType) : [];
        _weights = [p.HasWeights ? Fill(p.WeightShape, p.WeightType) : [], p.HasWeights ? Fill(p.WeightShape, p.WeightType) : []];
        _bias = [p.HasBias ? Fill(p.BiasShape, p.BiasType) : [], p.HasBias ? Fill(p.BiasShape, p.BiasType) : []];
        _residual = forward && p.PostOps.Residual ? Fill(p.OutputShape, p.OutputType) : [];
        bool sampled = p.Op == ConvOp.Deformable && p.Direction != Direction.BackwardBias;
        _offset = sampled ? Fill(p.OffsetShape, p.InputType) : [];
        _mask = sampled && p.HasMask ? Fill(p.MaskShape, p.InputType) : [];
        _gradient = forward ? [] : Fill(p.OutputShape, p.OutputType);
        if (!notFinite) return;
        BitConverter.TryWriteBytes(_weights[0], float.PositiveInfinity);
        BitConverter.TryWriteBytes(_input, float.PositiveInfinity);
    }

    public ConvProblem Problem { get; }

    /// <summary>The first or the second set; nothing where the plan reads none.</summary>
    public void SetWeights(ConvPlan plan, int set)
    {
        if (plan.NeedsWeights) plan.SetWeights(_weights[set], _bias[set]);
    }

    /// <summary>Room for the result with the bias's gradient behind it.</summary>
    public byte[] NewResult(ConvPlan plan) => new byte[plan.ResultBytes + BiasBytes(plan)];

    public void Run(ConvPlan plan, byte[] result) => plan.Execute(new ConvArguments
    {
        Input = _input,
        Residual = _residual,
        Offset = _offset,
        Mask = _mask,
        OutputGradient = _gradient,
        Result = result.AsSpan(0, result.Length - BiasBytes(plan)),
        BiasResult = result.AsSpan(result.Length - BiasBytes(plan)),
    });

    private int BiasBytes(ConvPlan plan) => Problem.Direction == Direction.BackwardWeights ? checked((int)plan.BiasBytes) : 0;

    private byte[] Fill(Dims shape, DataType type)
    {
        var b = new byte[shape.Product * type.SizeOf()];
        int size = type.SizeOf();
        for (int i = 0; i < b.Length; i += size)
        {
            float v = _random.NextSingle() - 0.5f;
            Span<byte> at = b.AsSpan(i, size);
            switch (type)
            {
                case DataType.F64: BitConverter.TryWriteBytes(at, (double)v); break;
                case DataType.F32: BitConverter.TryWriteBytes(at, v); break;
                case DataType.F16: BitConverter.TryWriteBytes(at, (Half)v); break;
                case DataType.BF16: BitConverter.TryWriteBytes(at, HalfPrecision.BFloat16(v)); break;
                case DataType.S32: BitConverter.TryWriteBytes(at, _random.Next(-999, 999)); break;
                default: at[0] = (byte)_random.Next(256); break;
            }
        }

        return b;
    }
}
