namespace ConvNative.Problems.Graphs;

/// <summary>One operation of a <see cref="ConvGraph"/>: what it reads and the shape that it gives. One record for each kind.</summary>
/// <param name="Id">Its place in <see cref="ConvGraph.Nodes"/>.</param>
/// <param name="Name">Unique within the graph.</param>
/// <param name="Inputs">The nodes that it reads, all before it.</param>
/// <param name="Shape">What it gives, <c>[N, C, (D, (H,)) W]</c>.</param>
public abstract record GraphNode(int Id, string Name, IReadOnlyList<int> Inputs, Dims Shape)
{
    /// <summary>What it does, for people: <c>conv 3x3, stride 2</c>.</summary>
    public abstract string Description { get; }

    /// <summary>Weights and biases.</summary>
    public virtual long Parameters => 0;

    /// <summary>Multiply-adds by DESIGN's counting; only convolutions have any.</summary>
    public virtual long MultiplyAdds => 0;
}

/// <summary>A tensor that the caller gives.</summary>
public sealed record InputNode(int Id, string Name, Dims Shape) : GraphNode(Id, Name, [], Shape)
{
    /// <inheritdoc/>
    public override string Description => "input";
}

/// <summary>
/// A convolution of any variant, its weights and bias parameters of the graph. Inputs: the tensor, then a deformable one's offsets and mask.
/// </summary>
/// <param name="Id">See <see cref="GraphNode"/>.</param>
/// <param name="Name">See <see cref="GraphNode"/>.</param>
/// <param name="Inputs">See <see cref="GraphNode"/>.</param>
/// <param name="Problem">Forward, without residual and activation: those are nodes.</param>
public sealed record ConvNode(int Id, string Name, IReadOnlyList<int> Inputs, ConvProblem Problem) : GraphNode(Id, Name, Inputs, Problem.OutputShape)
{
    /// <inheritdoc/>
    public override string Description => ConvText.Of(Problem);

    /// <inheritdoc/>
    public override long Parameters => Problem.Parameters;

    /// <inheritdoc/>
    public override long MultiplyAdds => Problem.MultiplyAdds;
}

/// <summary>The sum of two tensors of one shape.</summary>
public sealed record AddNode(int Id, string Name, IReadOnlyList<int> Inputs, Dims Shape) : GraphNode(Id, Name, Inputs, Shape)
{
    /// <inheritdoc/>
    public override string Description => "add";
}

/// <summary>Its inputs one after the other along the channels.</summary>
public sealed record ConcatNode(int Id, string Name, IReadOnlyList<int> Inputs, Dims Shape) : GraphNode(Id, Name, Inputs, Shape)
{
    /// <inheritdoc/>
    public override string Description => $"concat of {Inputs.Count}";
}

/// <summary>A function of each element.</summary>
public sealed record ActivationNode(int Id, string Name, IReadOnlyList<int> Inputs, Dims Shape, Activation Activation) : GraphNode(Id, Name, Inputs, Shape)
{
    /// <inheritdoc/>
    public override string Description => Activation.Kind.ToString();
}

/// <summary>The largest or the mean element of each window of a channel.</summary>
public sealed record PoolNode(int Id, string Name, IReadOnlyList<int> Inputs, Dims Shape, PoolWindow Window) : GraphNode(Id, Name, Inputs, Shape)
{
    /// <inheritdoc/>
    public override string Description => Window.ToString();
}

/// <summary>Multiplies each channel of the first input by its element of the second, <c>[N, C, 1...]</c>.</summary>
public sealed record ChannelScaleNode(int Id, string Name, IReadOnlyList<int> Inputs, Dims Shape) : GraphNode(Id, Name, Inputs, Shape)
{
    /// <inheritdoc/>
    public override string Description => "channel scale";
}
