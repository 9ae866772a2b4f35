using System.Text.Json;
using ConvNative.Backends.Choices;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Benchmarks;

/// <summary>Rows of single problems as the table of classes that the library ships (<c>tuned/choices-ISA.jsonl</c>).</summary>
public static class ChoiceBuilder
{
    // Whoever is as slow as that is no alternative, and only makes the table long.
    private const double MostMean = 2.5;
    private const int MostChoices = 5;
    private const double Missing = 3;

    /// <summary>Lines of the table, by class name.</summary>
    /// <exception cref="ProblemSyntaxException">A row's problem is malformed.</exception>
    public static IReadOnlyList<string> Lines(IEnumerable<ChoiceRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);

        // Time of each way over the fastest way of its problem, by class.
        var classes = new SortedDictionary<string, List<Dictionary<EngineChoice, double>>>(StringComparer.Ordinal);
        foreach (IGrouping<(string Problem, int Threads), ChoiceRow> group in rows.GroupBy(r => (r.Problem, r.Threads)))
        {
            string name = ProblemClass.Of(ConvProblem.Parse(group.Key.Problem), new PlanOptions { MaxThreads = group.Key.Threads });
            if (!classes.TryGetValue(name, out List<Dictionary<EngineChoice, double>>? members)) classes[name] = members = [];
            double best = group.Min(r => r.BestMs);

            // The last row of a way counts: a file may have been continued.
            members.Add(group.GroupBy(r => r.Choice).ToDictionary(g => EngineChoice.Parse(g.Key), g => g.Last().BestMs / best));
        }

        return [.. classes.Select(c => Line(c.Key, c.Value))];
    }

    private static string Line(string name, List<Dictionary<EngineChoice, double>> members)
    {
        // Who has no row for a member was hopeless there, or has no kernel for it.
        var ranked = members.SelectMany(m => m.Keys).Distinct()
            .Select(c => new RankedChoice(c, Math.Exp(members.Average(m => Math.Log(m.GetValueOrDefault(c, Missing)))), members.Max(m => m.GetValueOrDefault(c, Missing))))
            .OrderBy(r => r.Cost).ThenBy(r => r.Choice.ToString(), StringComparer.Ordinal).ToList();
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteString("class", name);
            json.WriteNumber("members", members.Count);
            json.WriteStartArray("choices");
            foreach (RankedChoice r in ranked.Where((r, i) => i == 0 || r.Mean <= MostMean).Take(MostChoices))
            {
                json.WriteStartObject();
                json.WriteString("choice", r.Choice.ToString());
                json.WriteNumber("mean", Math.Round(r.Mean, 2));
                json.WriteNumber("worst", Math.Round(r.Worst, 2));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }
}
