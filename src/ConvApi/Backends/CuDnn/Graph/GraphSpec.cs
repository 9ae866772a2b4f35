using ConvNative.Bindings.CuDnn;
using ConvNative.Problems;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>Which of cuDNN's three operations.</summary>
internal enum GraphKind
{
    /// <summary>y from x and w.</summary>
    Forward,

    /// <summary>x from y and w; also a transposed convolution.</summary>
    BackwardData,

    /// <summary>w from x and y.</summary>
    BackwardFilter,
}

/// <summary>One cross-correlation, or a gradient of it, with what may be fused behind it; its text is the cache's key.</summary>
internal sealed record GraphSpec
{
    /// <summary>Ids of the tensors in the variant pack.</summary>
    public const long X = 1, W = 2, Y = 3, Bias = 4, Residual = 5, Result = 6, FirstVirtual = 100;

    public required GraphKind Kind { get; init; }

    public required GraphTensor Image { get; init; }

    public required GraphTensor Filter { get; init; }

    /// <summary>What the correlation gives (or its gradient); with fused steps it exists only inside the graph.</summary>
    public required GraphTensor Output { get; init; }

    public required Dims Pre { get; init; }

    public required Dims Post { get; init; }

    public required Dims Strides { get; init; }

    public required Dims Dilations { get; init; }

    public required cudnnDataType_t Compute { get; init; }

    /// <summary>Fused: a bias per channel of the result.</summary>
    public bool HasBias { get; init; }

    /// <summary>Fused: a tensor like the result is added, times <see cref="ResidualScale"/>.</summary>
    public bool HasResidual { get; init; }

    public double ResidualScale { get; init; }

    /// <summary>Fused after them.</summary>
    public Activation Activation { get; init; }

    public bool IsFused => HasBias || HasResidual || Activation.Kind != ActivationKind.None;

    /// <summary>The tensor that the operation computes.</summary>
    public GraphTensor Computed => Kind switch { GraphKind.Forward => Output, GraphKind.BackwardData => Image, _ => Filter };

    /// <summary>The bias of a fused graph.</summary>
    public GraphTensor BiasTensor
    {
        get
        {
            var shape = new long[Computed.Shape.Count];
            Array.Fill(shape, 1);
            shape[1] = Computed.Shape[1];
            Dims dims = Dims.Create(shape);
            return new GraphTensor(Bias, dims, dims.DenseStrides(), Compute);
        }
    }

    /// <summary>Every tensor that needs an address, with its id.</summary>
    public IEnumerable<(long Id, GraphTensor Tensor)> Tensors()
    {
        foreach (GraphTensor t in new[] { Image, Filter, Output })
            yield return IsFused && t.Id == Computed.Id ? (Result, t) : (t.Id, t);
        if (HasBias) yield return (Bias, BiasTensor);
        if (HasResidual) yield return (Residual, Computed);
    }

    public string Key =>
        $"{Kind} x={Image} w={Filter} y={Output} pre={Pre} post={Post} s={Strides} d={Dilations} c={Compute} b={HasBias} r={(HasResidual ? ResidualScale : null)} a={Activation}";

    /// <summary>What the reports call it: the types and the layouts decide most.</summary>
    public override string ToString() => $"{Kind}{(IsFused ? " with fused steps" : "")} x={Image} w={Filter} y={Output}";
}
