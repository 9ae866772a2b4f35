using ConvNative.Problems;

namespace ConvNative.Cli.Onnx;

/// <summary>A node's attributes by name. What nobody asked for is an error at the end: a meaning that we would ignore.</summary>
internal sealed class NodeAttributes
{
    private readonly OnnxNode _node;
    private readonly Dictionary<string, OnnxAttribute> _left = [];

    public NodeAttributes(OnnxNode node)
    {
        _node = node;
        foreach (OnnxAttribute a in node.Attributes)
            if (!_left.TryAdd(a.Name, a)) throw new ConvProblemException(a.Name, a.Value, "the attribute is given twice");
    }

    /// <summary>A list of integers; null when it is not given.</summary>
    public Dims? Ints(string name) => Take(name, OnnxAttributeKind.Ints) is { } a ? Dims.Create([.. a.Ints]) : null;

    /// <summary>An integer.</summary>
    public long Int(string name, long fallback) => Take(name, OnnxAttributeKind.Int)?.Int ?? fallback;

    /// <summary><c>auto_pad</c>, NOTSET when it is not given.</summary>
    public AutoPad AutoPad() => Take("auto_pad", OnnxAttributeKind.String)?.Text switch
    {
        null or "" or "NOTSET" => Problems.AutoPad.NotSet,
        "VALID" => Problems.AutoPad.Valid,
        "SAME_UPPER" => Problems.AutoPad.SameUpper,
        "SAME_LOWER" => Problems.AutoPad.SameLower,
        string other => throw new ConvProblemException("auto_pad", other, "must be NOTSET, VALID, SAME_UPPER or SAME_LOWER"),
    };

    /// <summary><c>pads</c>: all begins, then all ends; null when it is not given.</summary>
    public (Dims? Begin, Dims? End) Pads(int rank)
    {
        if (Ints("pads") is not { } pads) return (null, null);
        if (pads.Count != 2 * rank) throw new ConvProblemException("pads", pads.ToString(), $"must have {2 * rank} entries, the begins of the {rank} spatial axes and their ends");
        return (Dims.Create(pads.Span[..rank]), Dims.Create(pads.Span[rank..]));
    }

    /// <summary>Checks that every attribute was read.</summary>
    /// <exception cref="ConvProblemException">One was not.</exception>
    public void Done()
    {
        foreach (OnnxAttribute a in _left.Values) throw new ConvProblemException(a.Name, a.Value, $"is not an attribute that {_node.OpType} is known to have");
    }

    private OnnxAttribute? Take(string name, OnnxAttributeKind kind)
    {
        if (!_left.Remove(name, out OnnxAttribute? a)) return null;
        return a.Kind == kind ? a : throw new ConvProblemException(name, a.Value, $"must be of kind {kind.ToString().ToUpperInvariant()}");
    }
}
