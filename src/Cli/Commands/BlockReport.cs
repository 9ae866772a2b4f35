using System.Globalization;
using System.Text.Json;
using ConvNative.Graphs.Catalog;
using ConvNative.Problems.Graphs;
using Spectre.Console;

namespace ConvNative.Cli.Commands;

/// <summary>What <c>explain --block NAME</c> prints: the nodes of a block with their counts, and what it is compared with.</summary>
public static class BlockReport
{
    /// <summary>Every name: blocks, then whole trunks.</summary>
    public static IEnumerable<string> Names => BlockCatalog.Names.Concat(TrunkCatalog.All.Select(t => t.Name));

    /// <summary>The block or trunk called <paramref name="name"/>, which <paramref name="option"/> asks for.</summary>
    /// <exception cref="CliException">There is none.</exception>
    public static BlockExample Find(string name, string option = "--block") =>
        BlockCatalog.Find(name)
        ?? (TrunkCatalog.Find(name) is { } trunk ? Whole(trunk) : throw new CliException($"{option} = {name}: must be one of {string.Join(", ", Names)}"));

    /// <summary>A table on a terminal, plain lines elsewhere.</summary>
    public static void Print(BlockExample block, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(block);
        bool terminal = Terminal.IsInteractive(output);
        output.WriteLine($"{block.Name}: {block.Title}");
        Write(output, terminal, ["node", "what", "output", "weights", "multiply-adds"],
            [.. block.Graph.Nodes.Select(n => new[] { n.Name, n.Description, n.Shape.ToString(), n is ConvNode c ? Count(c.Problem.WeightCount) : "", n is ConvNode ? Count(n.MultiplyAdds) : "" })]);
        ConvGraph[] graphs = [block.Graph, .. block.Against.Select(a => a.Graph)];
        Write(output, terminal, ["", "weights", "parameters", "multiply-adds", "receptive field", "of its weights"],
            [.. graphs.Select(g => new[] { g.Name, Count(g.Weights), Count(g.Parameters), Count(g.MultiplyAdds), Field(g), Ratio(g, block.Graph) })]);
        foreach (string note in block.Notes) output.WriteLine(note);
    }

    /// <summary>The same as one JSON object.</summary>
    public static string ToJson(BlockExample block)
    {
        ArgumentNullException.ThrowIfNull(block);
        return JsonText.Object(w =>
        {
            w.WriteString("block", block.Name);
            w.WriteString("title", block.Title);
            Totals(w, block.Graph);
            w.WriteStartArray("nodes");
            foreach (GraphNode n in block.Graph.Nodes)
            {
                w.WriteStartObject();
                w.WriteString("name", n.Name);
                w.WriteString("what", n.Description);
                JsonText.Strings(w, "inputs", [.. n.Inputs.Select(i => block.Graph.Nodes[i].Name)]);
                JsonText.Integers(w, "output_shape", n.Shape);
                w.WriteNumber("parameters", n.Parameters);
                w.WriteNumber("multiply_adds", n.MultiplyAdds);
                Geometry(w, n);
                w.WriteEndObject();
            }

            w.WriteEndArray();
            w.WriteStartArray("against");
            foreach ((string label, ConvGraph graph) in block.Against)
            {
                w.WriteStartObject();
                w.WriteString("name", label);
                Totals(w, graph);
                w.WriteEndObject();
            }

            w.WriteEndArray();
            JsonText.Strings(w, "notes", block.Notes);
        });
    }

    // Enough to build the same graph with another library.
    private static void Geometry(Utf8JsonWriter w, GraphNode n)
    {
        switch (n)
        {
            case ConvNode c:
                w.WriteString("kind", Problems.Names.Of(c.Problem.Op));
                w.WriteString("problem", c.Problem.ToString());
                JsonText.Integers(w, "weight_shape", c.Problem.WeightShape);
                JsonText.Integers(w, "strides", c.Problem.Strides);
                JsonText.Integers(w, "dilations", c.Problem.Dilations);
                JsonText.Integers(w, "pads_begin", c.Problem.PadsBegin);
                JsonText.Integers(w, "pads_end", c.Problem.PadsEnd);
                JsonText.Integers(w, "output_padding", c.Problem.OutputPadding);
                w.WriteNumber("groups", c.Problem.Groups);
                w.WriteBoolean("bias", c.Problem.HasBias);
                return;
            case PoolNode p:
                w.WriteString("kind", p.Window.Kind == PoolKind.Max ? "max_pool" : "average_pool");
                JsonText.Integers(w, "kernel", p.Window.Kernel);
                JsonText.Integers(w, "strides", p.Window.Strides);
                JsonText.Integers(w, "pads_begin", p.Window.PadsBegin);
                JsonText.Integers(w, "pads_end", p.Window.PadsEnd);
                return;
            case ActivationNode a:
                w.WriteString("kind", "activation");
                w.WriteString("activation", Cases.ActivationNames.Of(a.Activation));
                return;
            default:
                w.WriteString("kind", n switch { InputNode => "input", AddNode => "add", ConcatNode => "concat", _ => "channel_scale" });
                return;
        }
    }

    private static BlockExample Whole(Trunk trunk)
    {
        ConvGraph g = trunk.Full(1);
        return new BlockExample(trunk.Name, g.Name, g, [], []);
    }

    private static void Totals(Utf8JsonWriter w, ConvGraph g)
    {
        w.WriteNumber("weights", g.Weights);
        w.WriteNumber("parameters", g.Parameters);
        w.WriteNumber("multiply_adds", g.MultiplyAdds);
    }

    private static void Write(TextWriter output, bool terminal, string[] head, string[][] rows)
    {
        if (terminal)
        {
            var table = new Table { Border = TableBorder.Rounded };
            for (int i = 0; i < head.Length; i++)
            {
                var column = new TableColumn(Markup.Escape(head[i]));
                table.AddColumn(i == 0 ? column : column.RightAligned());
            }

            foreach (string[] row in rows) table.AddRow([.. row.Select(Markup.Escape)]);
            Terminal.On(output).Write(table);
            return;
        }

        int[] widths = [.. head.Select((h, i) => rows.Select(r => r[i].Length).Append(h.Length).Max())];
        foreach (string[] row in (string[][])[head, .. rows])
            output.WriteLine(string.Join("  ", row.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))).TrimEnd());
        output.WriteLine();
    }

    private static string Field(ConvGraph g)
    {
        try
        {
            return string.Join('x', g.ReceptiveField(g.Outputs[0]));
        }
        catch (NotSupportedException)
        {
            return "no box";
        }
    }

    private static string Ratio(ConvGraph g, ConvGraph block) =>
        ReferenceEquals(g, block) || block.Weights == 0 ? "" : ((double)g.Weights / block.Weights).ToString("0.00", CultureInfo.InvariantCulture);

    private static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
