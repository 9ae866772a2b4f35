namespace ConvNative.Oracle.Graphs;

/// <summary>A tensor in logical order, and for each element how far an f32 engine's may be from it.</summary>
/// <param name="Values">The exact values, to double's rounding.</param>
/// <param name="Errors">Largest absolute error, of the tensor's own computation and of what it was computed from; infinite where nothing is known.</param>
public sealed record NodeValue(double[] Values, double[] Errors)
{
    /// <summary>A tensor that is given exactly.</summary>
    public static NodeValue Exact(double[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new NodeValue(values, new double[values.Length]);
    }
}

/// <summary>Weights and bias of a convolution in a graph, in logical order.</summary>
/// <param name="Weights">Null for a variant without weights.</param>
/// <param name="Bias">Null without one.</param>
public sealed record NodeParameters(double[]? Weights, double[]? Bias);
