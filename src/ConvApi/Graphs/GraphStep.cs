using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs;

/// <summary>One thing that a plan does: reads tensors (by index into <see cref="GraphPlan.Tensors"/>) and writes one.</summary>
/// <param name="Output">The tensor that it writes.</param>
public abstract record GraphStep(int Output)
{
    /// <summary>The tensors that it reads; -1 where an optional one is absent.</summary>
    public abstract IReadOnlyList<int> Reads { get; }
}

/// <summary>A convolution with what was fused into it.</summary>
/// <param name="Node">The node whose weights it has.</param>
/// <param name="Problem">With layouts, residual and activation as it is run.</param>
/// <param name="Input">The tensor.</param>
/// <param name="Offset">Offsets of a deformable one, channels-first.</param>
/// <param name="Mask">Mask of a deformable one, channels-first.</param>
/// <param name="Residual">What is added.</param>
/// <param name="Output">See <see cref="GraphStep"/>.</param>
public sealed record ConvStep(ConvNode Node, ConvProblem Problem, int Input, int Offset, int Mask, int Residual, int Output) : GraphStep(Output)
{
    /// <inheritdoc/>
    public override IReadOnlyList<int> Reads => [Input, Offset, Mask, Residual];
}

/// <summary>A pooling.</summary>
public sealed record PoolStep(PoolWindow Window, int Input, int Output) : GraphStep(Output)
{
    /// <inheritdoc/>
    public override IReadOnlyList<int> Reads => [Input];
}

/// <summary>A channel shuffle, then an activation.</summary>
public sealed record ShuffleStep(long Groups, Activation Activation, int Input, int Output) : GraphStep(Output)
{
    /// <inheritdoc/>
    public override IReadOnlyList<int> Reads => [Input];
}

/// <summary>Tensors one after the other along the channels, then an activation.</summary>
public sealed record ConcatStep(IReadOnlyList<int> Inputs, Activation Activation, int Output) : GraphStep(Output)
{
    /// <inheritdoc/>
    public override IReadOnlyList<int> Reads => Inputs;
}

/// <summary><c>activation(input * gate + addend)</c>, gate and addend optional; the gate is one factor a channel.</summary>
public sealed record ElementStep(int Input, int Gate, int Addend, Activation Activation, int Output) : GraphStep(Output)
{
    /// <inheritdoc/>
    public override IReadOnlyList<int> Reads => [Input, Gate, Addend];
}

/// <summary>The same tensor in another layout, or in the caller's memory.</summary>
public sealed record ReorderStep(int Input, int Output) : GraphStep(Output)
{
    /// <inheritdoc/>
    public override IReadOnlyList<int> Reads => [Input];
}
