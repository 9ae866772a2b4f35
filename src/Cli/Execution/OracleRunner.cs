using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Cli.Execution;

/// <summary>The oracle as a backend: naive loops in double, rounded once to the result's type.</summary>
public static class OracleRunner
{
    /// <summary>What stands in the place of an implementation's name.</summary>
    public const string Implementation = "naive:double";

    /// <summary>Computes a problem from tensors in logical order.</summary>
    /// <exception cref="ArgumentException">An operand is missing or of the wrong length.</exception>
    public static RunResult Run(ConvProblem problem, LogicalTensors tensors)
    {
        try
        {
            OracleResult result = NaiveOracle.Compute(problem, ToDoubles(problem, tensors));
            return new RunResult(CaseStatus.Ok, "oracle", Implementation, "", Numbers.FromDoubles(result.Values, problem.ResultType));
        }
        catch (NotSupportedException e)
        {
            return new RunResult(CaseStatus.Unsupported, "oracle", "", e.Message);
        }
    }

    /// <summary>The operands as the oracle takes them.</summary>
    public static OracleTensors ToDoubles(ConvProblem problem, LogicalTensors tensors)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(tensors);
        static double[]? Of(byte[]? data, DataType type) => data is null ? null : Numbers.ToDoubles(data, type);
        return new OracleTensors
        {
            Input = Of(tensors.Input, problem.InputType),
            Weights = Of(tensors.Weights, problem.WeightType),
            Bias = Of(tensors.Bias, problem.BiasType),
            Residual = Of(tensors.Residual, problem.OutputType),
            Offset = Of(tensors.Offset, problem.InputType),
            Mask = Of(tensors.Mask, problem.InputType),
            OutputGrad = Of(tensors.OutputGrad, problem.OutputType),
        };
    }
}
