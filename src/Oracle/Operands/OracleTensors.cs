namespace ConvNative.Oracle.Operands;

/// <summary>
/// The operands of one problem as dense doubles in logical order (channels first, whatever the problem's layouts say).
/// Null where the problem or its direction has none. Values are representable in the problem's element types.
/// </summary>
public sealed record OracleTensors
{
    /// <summary>Forward input, shape <c>InputShape</c>.</summary>
    public double[]? Input { get; init; }

    /// <summary>Weights, shape <c>WeightShape</c>.</summary>
    public double[]? Weights { get; init; }

    /// <summary>Bias, one value an output channel.</summary>
    public double[]? Bias { get; init; }

    /// <summary>Residual, shape <c>OutputShape</c>.</summary>
    public double[]? Residual { get; init; }

    /// <summary>Offsets of a deformable convolution, shape <c>OffsetShape</c>.</summary>
    public double[]? Offset { get; init; }

    /// <summary>Mask of a deformable convolution v2, shape <c>MaskShape</c>.</summary>
    public double[]? Mask { get; init; }

    /// <summary>Gradient of the output, shape <c>OutputShape</c>.</summary>
    public double[]? OutputGrad { get; init; }
}
