using System.Collections.Concurrent;
using System.Text;
using ConvNative.Backends;
using ConvNative.Cli.Reports;
using ConvNative.Cli.Suites;
using ConvNative.Graphs.Catalog;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Docs;

/// <summary>
/// Which engine computes a variant in which direction and type: the engines' own answers to the suite <c>variants</c>, one problem for each. An engine
/// that is not here keeps what the page says of it.
/// </summary>
internal static class EngineTable
{
    private static readonly (string Name, string Title)[] s_engines = [("onednn", "oneDNN"), ("managed", "managed"), ("opencl", "OpenCL")];
    private const string Whole = "Engines that compute every node, in f32: forward ";
    private static readonly string[] s_types = ["f32", "f64", "bf16", "f16", "8-bit"];
    private static readonly Lazy<IReadOnlyList<ConvProblem>> s_suite = new(() => SuiteCatalog.Load("variants").Problems);
    private static readonly ConcurrentDictionary<(string, ConvProblem), Lazy<bool>> s_answers = new();

    /// <summary>The table for the labels (of <see cref="Variants.Of"/>) in <paramref name="labels"/>.</summary>
    public static string Render(string labels, string old)
    {
        string[] wanted = labels.Split(", ");
        foreach (string label in wanted)
            if (!Variants.Order.Contains(label)) throw new InvalidOperationException($"engines = {label}: must be one of {string.Join(", ", Variants.Order)}");
        ConvProblem[] all = [.. s_suite.Value.Where(p => Variants.Types(p) == "f32" && Variants.Of(p).Intersect(wanted).Any())];
        string[] known = old.Split('\n');
        var text = new StringBuilder($"| | {string.Join(" | ", s_engines.Select(e => e.Title))} |\n|---|{string.Concat(Enumerable.Repeat("---|", s_engines.Length))}\n");
        foreach (IGrouping<Direction, ConvProblem> direction in all.GroupBy(p => p.Direction).OrderBy(g => g.Key))
        {
            string row = Names.Of(direction.Key).Replace('_', ' ');
            string[] before = (known.FirstOrDefault(l => l.StartsWith($"| {row} |", StringComparison.Ordinal)) ?? "").Split(" | ");
            text.Append("| ").Append(row);
            for (int i = 0; i < s_engines.Length; i++)
            {
                string was = before.Length > i + 1 ? before[i + 1].TrimEnd(' ', '|') : "";
                text.Append(" | ").Append(Cell(s_engines[i].Name, wanted, [.. direction], was));
            }

            text.Append(" |\n");
        }

        return text.ToString();
    }

    /// <summary>Which engines compute every node of a block, from their own answers to each node of the reduced block.</summary>
    public static string Block(string name, string old)
    {
        ConvProblem[] nodes = [.. BlockCatalog.Reduced(name)!.Convolutions.Select(c => c.Problem)];
        ConvProblem[] gradients = [.. nodes.SelectMany(p => Backward(p).Select(d => p.With(s => s with { Direction = d })))];
        string line = old.Split('\n').FirstOrDefault(l => l.StartsWith(Whole, StringComparison.Ordinal)) ?? "";
        string[] was = line.Split("; gradients ");
        return $"{Whole}{Having(nodes, was[0])}; gradients {Having(gradients, was[^1])}.\n";
    }

    private static string Having(ConvProblem[] problems, string was) => string.Join(", ", s_engines.Where(e =>
    {
        ConvBackend engine = Backends.Engines.Find(e.Name)!;
        return engine.Status.Available ? problems.All(p => Answer(engine, p)) : was.Contains(e.Title, StringComparison.Ordinal);
    }).Select(e => e.Title).DefaultIfEmpty("none"));

    private static IEnumerable<Direction> Backward(ConvProblem p)
    {
        yield return Direction.BackwardData;
        if (p.HasWeights) yield return Direction.BackwardWeights;
        if (p.Op == ConvOp.Deformable) yield return Direction.BackwardOffset;
        if (p.HasMask) yield return Direction.BackwardMask;
    }

    private static string Cell(string engine, string[] labels, ConvProblem[] problems, string was)
    {
        ConvBackend backend = Backends.Engines.Find(engine)!;
        if (!backend.Status.Available) return was;
        var yes = new List<string>();
        foreach (string type in s_types)
        {
            // One of each label: layouts and sizes are the matrix's business.
            ConvProblem[] asked = [.. labels.Select(l => problems.FirstOrDefault(p => Variants.Of(p).Contains(l))).OfType<ConvProblem>().Select(p => Typed(p, type)).OfType<ConvProblem>().Distinct()];
            int answered = asked.Count(p => Answer(backend, p));
            if (answered > 0) yes.Add(answered == asked.Length ? type : $"{type} in part");
        }

        string now = yes.Count == 0 ? "no" : string.Join(", ", yes);
        return !Pages.Writes && Firm(engine, was) == Firm(engine, now) ? was : now;
    }

    private static bool Answer(ConvBackend engine, ConvProblem p) => s_answers.GetOrAdd((engine.Name, p), _ => new Lazy<bool>(() =>
    {
        PlanResult result = engine.CreatePlan(p, new PlanOptions { MaxThreads = 1 });
        result.Plan?.Dispose();
        return result.Plan is not null;
    })).Value;

    // What does not hang on the processor or the device: oneDNN's 16-bit types do, its 8-bit ones where there is no VNNI, and all but f32 and integers of a device.
    private static string Firm(string engine, string cell) => string.Join(", ", cell.Split(", ").Where(t => t != "no" && engine switch
    {
        "onednn" => !t.StartsWith("bf16", StringComparison.Ordinal) && !t.StartsWith("f16", StringComparison.Ordinal) && !(Backends.OneDnn.Integers.OneDnnIntegers.Saturates && t.StartsWith("8-bit", StringComparison.Ordinal)),
        "opencl" => t is not ("f64" or "f16" or "bf16"),
        _ => true,
    }));

    // The problem in another type, or null where there is no such problem.
    private static ConvProblem? Typed(ConvProblem p, string type)
    {
        bool integer = type == "8-bit";
        DataType t = default;
        if (!integer && !DataTypes.TryParse(type, out t)) throw new InvalidOperationException(type);
        try
        {
            return p.With(s => integer
                ? s with { InputType = DataType.U8, WeightType = p.HasWeights ? DataType.S8 : DataType.U8, OutputType = p.HasWeights ? DataType.S32 : DataType.U8 }
                : s with { InputType = t, WeightType = t, OutputType = t });
        }
        catch (ConvProblemException)
        {
            return null;
        }
    }
}
