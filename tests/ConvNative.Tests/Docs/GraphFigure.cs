using System.Globalization;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Docs;

/// <summary>Draws any graph from top to bottom, a layer for each step of the longest way to a node; activations stand in the box of what they follow.</summary>
internal sealed class GraphFigure
{
    private const double Width = 192, Height = 44, Row = 78, Gap = 18, Lane = 26;
    private readonly ConvGraph _graph;
    private readonly int[] _home;
    private readonly string[] _text;
    private readonly List<Place> _places = [];

    private GraphFigure(ConvGraph graph)
    {
        _graph = graph;
        _home = [.. Enumerable.Range(0, graph.Nodes.Count)];
        _text = [.. graph.Nodes.Select(n => n is ActivationNode ? n.Description.ToLowerInvariant() : n.Description)];
        foreach (GraphNode n in graph.Nodes)
            if (n is ActivationNode && graph.Readers(n.Inputs[0]).Count() == 1 && graph.Nodes[n.Inputs[0]] is not InputNode)
            {
                _home[n.Id] = _home[n.Inputs[0]];
                _text[_home[n.Id]] += $", {_text[n.Id]}";
            }
    }

    /// <summary>The whole graph.</summary>
    public static string Draw(ConvGraph graph, string title)
    {
        var s = new Svg();
        new GraphFigure(graph).Draw(s);
        return s.Finish(title);
    }

    private void Draw(Svg s)
    {
        var of = new Dictionary<int, Place>();
        foreach (GraphNode n in _graph.Nodes.Where(n => _home[n.Id] == n.Id))
        {
            var place = new Place(n, [.. n.Inputs.Select(i => of[_home[i]])]);
            of.Add(n.Id, place);
            _places.Add(place);
        }

        // A way past several layers gets a lane of its own in each of them.
        foreach (Place p in _places.ToArray())
            for (int i = 0; i < p.From.Count; i++)
                while (p.From[i].Layer < p.Layer - 1) p.From[i] = Via(p.From[i]);
        foreach (IGrouping<int, Place> layer in _places.GroupBy(p => p.Layer).OrderBy(g => g.Key)) Arrange([.. layer]);
        foreach (Place p in _places)
        {
            double top = p.Layer * Row;
            foreach (Place f in p.From) s.Curve(f.X, (f.Layer * Row) + Height, p.X, top, Svg.Edge);
            if (p.Node is null) s.Line(p.X, top, p.X, top + Height, Svg.Edge);
        }

        foreach (Place p in _places.Where(p => p.Node is not null)) Box(s, p);
    }

    private void Box(Svg s, Place p)
    {
        GraphNode n = p.Node!;
        int tint = n switch { ConvNode { Problem.Groups: > 1 } => 1, ConvNode => 0, InputNode => 5, PoolNode => 3, _ => 2 };
        double x = p.X - (Width / 2), y = p.Layer * Row;
        s.Rect(x, y, Width, Height, Svg.Tints[tint], Svg.Colours[tint], 5);
        string text = _text[n.Id];
        s.Text(p.X, y + 18, text, Math.Min(12, Width * 1.72 / text.Length), bold: true);
        string weights = n is ConvNode { Problem.WeightCount: > 0 } c ? $", {c.Problem.WeightCount.ToString("N0", CultureInfo.InvariantCulture)} weights" : "";
        string shape = string.Join('x', n.Shape.Skip(1)) + weights;
        s.Text(p.X, y + 34, shape, Math.Min(11, Width * 1.72 / shape.Length), Svg.Muted);
    }

    private Place Via(Place from)
    {
        Place? known = _places.Find(p => p.Node is null && p.From[0] == from);
        if (known is not null) return known;
        var via = new Place(null, [from]);
        _places.Add(via);
        return via;
    }

    private static void Arrange(Place[] layer)
    {
        foreach (Place p in layer)
        {
            Place[] solid = [.. p.From.Where(f => f.Node is not null)];
            Place[] lead = solid.Length > 0 && p.From.Count < 3 ? solid : [.. p.From];
            p.X = lead.Length == 0 ? 0 : lead.Average(f => f.X);
        }

        // Several boxes below one are spread around its middle; lanes go to the right of what stands there.
        foreach (IGrouping<double, Place> same in layer.Where(p => p.Node is not null).GroupBy(p => p.X).Where(g => g.Count() > 1).ToArray())
        {
            Place[] boxes = [.. same];
            for (int i = 0; i < boxes.Length; i++) boxes[i].X += (i - ((boxes.Length - 1) / 2.0)) * (Width + Gap);
        }

        double edge = double.MinValue;
        foreach (Place p in layer.OrderBy(p => p.X).ThenBy(p => p.Node is null))
        {
            double half = (p.Node is null ? Lane : Width) / 2;
            if (p.X - half < edge) p.X = edge + half;
            edge = p.X + half + (p.Node is null ? 0 : Gap);
        }
    }

    private sealed class Place(GraphNode? node, List<Place> from)
    {
        public GraphNode? Node { get; } = node;

        public List<Place> From { get; } = from;

        public int Layer { get; } = from.Count == 0 ? 0 : from.Max(f => f.Layer) + 1;

        public double X { get; set; }
    }
}
