using ConvNative.Cli.Execution;
using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>A case ready to run: a valid problem and its operands, and how its result becomes a file.</summary>
public sealed record PreparedCase
{
    public required ConvProblem Problem { get; init; }

    public required LogicalTensors Tensors { get; init; }

    /// <summary>Shape of the result's file: the problem's result shape, for a signal mode the plain N-D shape.</summary>
    public required Dims ResultShape { get; init; }

    /// <summary>A correlation whose operands swapped comes out reversed along every axis.</summary>
    public bool ReverseResult { get; init; }

    /// <summary>Type that bf16 operands came in.</summary>
    public NpyType? Container { get; init; }

    /// <summary>The result of the problem as the file that the case asks for.</summary>
    public NpyArray ToFile(byte[] result)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (ReverseResult) Reverse(result, Problem.ResultType.SizeOf());
        return TensorFiles.ToFile(result, ResultShape, Problem.ResultType, Container);
    }

    /// <summary>Reverses a dense tensor along every axis, which is reversing its elements.</summary>
    internal static void Reverse(byte[] data, int size)
    {
        data.AsSpan().Reverse();
        for (int i = 0; i < data.Length && size > 1; i += size) data.AsSpan(i, size).Reverse();
    }
}
