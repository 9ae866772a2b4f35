namespace ConvNative.Plans;

/// <summary>
/// The tensors of one execution, as bytes in the layouts that the plan's problem states. What the direction does not need stays
/// empty. The caller owns all memory; nothing is kept after the call.
/// </summary>
public ref struct ConvArguments
{
    /// <summary>Forward input (forward, backward weights, backward offset and mask).</summary>
    public ReadOnlySpan<byte> Input { get; set; }

    /// <summary>Residual of the output's shape, type and layout (forward, with <c>PostOps.Residual</c>); not the memory of <see cref="Result"/>.</summary>
    public ReadOnlySpan<byte> Residual { get; set; }

    /// <summary>Offsets of a deformable convolution.</summary>
    public ReadOnlySpan<byte> Offset { get; set; }

    /// <summary>Mask of a deformable convolution v2.</summary>
    public ReadOnlySpan<byte> Mask { get; set; }

    /// <summary>Gradient of the output (backward directions).</summary>
    public ReadOnlySpan<byte> OutputGradient { get; set; }

    /// <summary>What the direction computes; must not overlap any other tensor, the residual included.</summary>
    public Span<byte> Result { get; set; }

    /// <summary>Gradient of the bias, for backward weights of a problem with bias; may stay empty, must not overlap any other tensor.</summary>
    public Span<byte> BiasResult { get; set; }
}

/// <summary>Pinned pointers of <see cref="ConvArguments"/>, for engines.</summary>
public unsafe struct ConvPointers
{
    /// <summary>See <see cref="ConvArguments.Input"/>.</summary>
    public void* Input;

    /// <summary>See <see cref="ConvArguments.Residual"/>.</summary>
    public void* Residual;

    /// <summary>See <see cref="ConvArguments.Offset"/>.</summary>
    public void* Offset;

    /// <summary>See <see cref="ConvArguments.Mask"/>.</summary>
    public void* Mask;

    /// <summary>See <see cref="ConvArguments.OutputGradient"/>.</summary>
    public void* OutputGradient;

    /// <summary>See <see cref="ConvArguments.Result"/>.</summary>
    public void* Result;

    /// <summary>See <see cref="ConvArguments.BiasResult"/>.</summary>
    public void* BiasResult;
}
