namespace ConvNative.Problems.Graphs;

/// <summary>Geometry of a convolution that is added to a graph; everything has the usual default.</summary>
public sealed record ConvSettings
{
    /// <summary>The same step on every axis; <see cref="Strides"/> wins.</summary>
    public long Stride { get; init; } = 1;

    /// <summary>Step per spatial axis.</summary>
    public Dims? Strides { get; init; }

    /// <summary>The same dilation on every axis, 1 = dense; <see cref="Dilations"/> wins.</summary>
    public long Dilation { get; init; } = 1;

    /// <summary>Dilation per spatial axis.</summary>
    public Dims? Dilations { get; init; }

    /// <summary>
    /// The same padding at both ends of every axis; null means half of the dilated kernel (<c>d*(K-1)/2</c>), which keeps the size at stride 1
    /// for odd kernels. <see cref="PadsBegin"/> and <see cref="PadsEnd"/> win.
    /// </summary>
    public long? Pad { get; init; }

    /// <summary>Padding before the first element.</summary>
    public Dims? PadsBegin { get; init; }

    /// <summary>Padding behind the last element.</summary>
    public Dims? PadsEnd { get; init; }

    /// <summary>Output padding of a transposed convolution.</summary>
    public Dims? OutputPadding { get; init; }

    /// <summary>Contiguous channel blocks that do not mix.</summary>
    public long Groups { get; init; } = 1;

    /// <summary>A bias of one value an output channel: what a folded batch normalisation leaves.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>The node's name; null gives it one.</summary>
    public string? Name { get; init; }
}
