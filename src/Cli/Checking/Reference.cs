using ConvNative.Cli.Execution;
using ConvNative.Oracle;
using ConvNative.Oracle.Bounds;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Verdicts;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Checking;

/// <summary>One fill of one problem: operands, and the oracle's answer, which all engines share.</summary>
public sealed class Reference
{
    private readonly ConvProblem _problem;
    private readonly OracleResult _oracle;
    private readonly ConvProblem? _biasProblem;
    private readonly OracleResult? _biasOracle;

    /// <summary>Fills the operands and computes the answer, for <paramref name="sampling"/> only.</summary>
    public Reference(ConvProblem problem, FillKind fill, Sampling sampling, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(sampling);
        (_problem, Fill) = (problem, fill);
        OracleTensors t = Fills.Create(problem, fill, seed);
        _oracle = NaiveOracle.Compute(problem, t, sampling.Indices);
        if (problem is { Direction: Direction.BackwardWeights, HasBias: true })
        {
            // Only the weights' own gradient may have a wider type than what it is computed from.
            _biasProblem = problem.With(s => s with { Direction = Direction.BackwardBias, WeightType = s.InputType });
            _biasOracle = NaiveOracle.Compute(_biasProblem, t);
        }

        Tensors = new LogicalTensors
        {
            Input = Bytes(t, "input"),
            Weights = Bytes(t, "weights"),
            Bias = Bytes(t, "bias"),
            Residual = Bytes(t, "residual"),
            Offset = Bytes(t, "offset"),
            Mask = Bytes(t, "mask"),
            OutputGrad = Bytes(t, "output_grad"),
        };
    }

    /// <summary>What the operands hold.</summary>
    public FillKind Fill { get; }

    /// <summary>The operands in the problem's types, logical order.</summary>
    public LogicalTensors Tensors { get; }

    /// <summary>Judges a result (bytes in logical order) by how <paramref name="plan"/> says that it computes.</summary>
    public FillResult Judge(ReadOnlySpan<byte> result, ReadOnlySpan<byte> biasResult, ConvPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        SumAlgorithm algorithm = plan.Algorithm switch
        {
            AlgorithmClass.Winograd => SumAlgorithm.Winograd,
            AlgorithmClass.Fft => SumAlgorithm.Fft,
            _ => SumAlgorithm.Direct,
        };
        var arithmetic = new Arithmetic(algorithm, plan.OperandRoundoff);
        FillResult main = Judge(_problem, _oracle, result, arithmetic, "");
        if (_biasProblem is null || main.Status != CellStatus.Pass) return main;
        FillResult bias = Judge(_biasProblem, _biasOracle!, biasResult, Arithmetic.Strict, "bias result: ");
        return bias with { WorstError = Math.Max(main.WorstError, bias.WorstError), Compared = main.Compared + bias.Compared, Elements = main.Elements + bias.Elements };
    }

    private FillResult Judge(ConvProblem p, OracleResult oracle, ReadOnlySpan<byte> result, Arithmetic arithmetic, string what)
    {
        double[] actual = TensorBytes.Read(result, p.ResultType, p.ResultShape, Layout.ChannelsFirst);
        Comparison c = Verdict.Compare(p, Fill, oracle, actual, arithmetic);
        CellStatus status = c.Outcome switch
        {
            Outcome.Pass => CellStatus.Pass,
            Outcome.Mistrusted => CellStatus.Mistrusted,
            _ => CellStatus.Fail,
        };
        string? message = status == CellStatus.Pass ? null : what + c.Summary + (status == CellStatus.Fail ? First(p, oracle, actual, arithmetic) : "");
        return new FillResult(Names.Of(Fill), status, c.WorstInBounds, c.Checked, c.Total, message);
    }

    // The worst element tells how wrong it is, the first one often where: a border, a channel block, a tail.
    private string First(ConvProblem p, OracleResult oracle, double[] actual, Arithmetic arithmetic)
    {
        for (int slot = 0; slot < oracle.Values.Length; slot++)
        {
            long index = oracle.IndexOf(slot);
            double bound = ErrorBound.Of(p, Fill, oracle, slot, arithmetic);
            if (Verdict.Ratio(p, oracle, slot, actual[index], bound) <= 1) continue;
            return FormattableString.Invariant($"; first at [{string.Join(',', Coordinates(oracle.Shape, index))}]: expected {oracle.Values[slot]:R}, got {actual[index]:R}, bound {bound:0.###e+0}");
        }

        return "";
    }

    private static long[] Coordinates(Dims shape, long index)
    {
        var c = new long[shape.Count];
        for (int i = shape.Count - 1; i >= 0; i--) (index, c[i]) = Math.DivRem(index, shape[i]);
        return c;
    }

    private byte[]? Bytes(OracleTensors t, string name)
    {
        foreach ((string operand, Dims shape, DataType type) in NaiveOracle.Operands(_problem))
            if (operand == name) return TensorBytes.ToBytes(NaiveOracle.Operand(t, name), type, shape, Layout.ChannelsFirst);
        return null;
    }
}
