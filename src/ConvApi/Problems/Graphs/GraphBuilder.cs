using System.Globalization;

namespace ConvNative.Problems.Graphs;

/// <summary>Collects the nodes of a <see cref="ConvGraph"/>; each is checked when it is added. Not thread-safe.</summary>
public sealed class GraphBuilder
{
    private readonly List<GraphNode> _nodes = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly string _name;

    /// <summary>Begins a graph called <paramref name="name"/>.</summary>
    public GraphBuilder(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _name = name;
    }

    /// <summary>A tensor that the caller gives, of shape <c>[N, C, (D, (H,)) W]</c>.</summary>
    /// <exception cref="ConvProblemException">Not of that form.</exception>
    public GraphValue Input(Dims shape, string? name = null)
    {
        if (shape.Count is < 3 or > 5) throw new ConvProblemException("input_shape", shape.ToString(), "must have 3 to 5 axes: batch, channels and 1 to 3 spatial");
        if (shape[0] < 0 || shape.Skip(1).Any(d => d < 1)) throw new ConvProblemException("input_shape", shape.ToString(), "must be at least 1 on every axis (the batch may be 0)");
        return Add(id => new InputNode(id, Name(name, "input"), shape));
    }

    /// <summary>The graph, with <paramref name="outputs"/> as results.</summary>
    /// <exception cref="ArgumentException">None is named, or one is of another builder.</exception>
    public ConvGraph Build(params ReadOnlySpan<GraphValue> outputs)
    {
        if (outputs.IsEmpty) throw new ArgumentException("outputs = none: a graph must give at least one tensor", nameof(outputs));
        var ids = new int[outputs.Length];
        for (int i = 0; i < ids.Length; i++) ids[i] = Check(outputs[i]).Id;
        return new ConvGraph(_name, [.. _nodes], ids);
    }

    internal GraphNode Check(GraphValue value) =>
        ReferenceEquals(value.Builder, this) ? _nodes[value.Id] : throw new ArgumentException($"{value} belongs to another graph than {_name}", nameof(value));

    internal GraphValue Add(Func<int, GraphNode> make)
    {
        _nodes.Add(make(_nodes.Count));
        return new GraphValue(this, _nodes.Count - 1);
    }

    internal string Name(string? asked, string kind)
    {
        string name = asked ?? kind;
        if (asked is null)
            for (int i = 1; _names.Contains(name); i++) name = kind + i.ToString(CultureInfo.InvariantCulture);
        if (!_names.Add(name)) throw new ConvProblemException("name", name, $"must be unique in {_name}");
        return name;
    }
}
