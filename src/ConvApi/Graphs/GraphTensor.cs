using ConvNative.Problems;

namespace ConvNative.Graphs;

/// <summary>Where a tensor of a plan lives.</summary>
public enum TensorPlace
{
    /// <summary>In the plan's own memory.</summary>
    Arena,

    /// <summary>In the caller's input.</summary>
    Input,

    /// <summary>In the caller's output.</summary>
    Output,
}

/// <summary>A tensor that a plan computes or is given: the value of a node, in one layout.</summary>
/// <param name="Node">The node of the graph.</param>
/// <param name="Shape"><c>[N, C, (D, (H,)) W]</c>.</param>
/// <param name="Layout">Channels-first or channels-last.</param>
/// <param name="Place">Whose memory holds it.</param>
/// <param name="Argument">Which of the caller's inputs or outputs; -1 in the arena.</param>
public sealed record GraphTensor(int Node, Dims Shape, Layout Layout, TensorPlace Place, int Argument = -1)
{
    /// <summary>Number of elements.</summary>
    public long Length { get; } = Shape.Product;
}
