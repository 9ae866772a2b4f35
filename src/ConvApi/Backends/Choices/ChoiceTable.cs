using System.Text.Json;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Choices;

/// <summary>One way to compute the problems of a class, beside the fastest way of each.</summary>
/// <param name="Choice">Engine and candidate.</param>
/// <param name="Mean">Geometric mean of its time over the fastest time, over the class.</param>
/// <param name="Worst">The largest of these ratios.</param>
internal sealed record RankedChoice(EngineChoice Choice, double Mean, double Worst)
{
    /// <summary>What a caller loses at most counts as much as what is lost in the mean.</summary>
    public double Cost => Mean * Math.Max(1, Worst / RankedClass.MostLoss);
}

/// <summary>The ways to compute the problems of a class, the best first.</summary>
/// <param name="IsOwn">False where the class is only the nearest one to the problem's own.</param>
/// <param name="Members">Problems that were measured.</param>
/// <param name="Choices">None where nothing is known.</param>
internal sealed record RankedClass(bool IsOwn, int Members, IReadOnlyList<RankedChoice> Choices)
{
    /// <summary>A choice that was never worse than this (time over the fastest) needs no look of its own.</summary>
    internal const double MostLoss = 1.2;

    /// <summary>Whoever is so much slower for its class than the fastest is not worth a look.</summary>
    private const double NoContest = 1.6;

    /// <summary>Fewer problems tell nothing of the others of their class.</summary>
    internal const int FewMembers = 3;

    /// <summary>Nothing is known.</summary>
    public static RankedClass Unknown { get; } = new(false, 0, []);

    /// <summary>True where the first choice was good for every one of enough problems of the class, so that nothing is gained by a look.</summary>
    public bool IsCertain => IsOwn && Members >= FewMembers && Choices[0].Worst <= MostLoss;

    /// <summary>
    /// The ways worth a look: the best of each engine, then what comes close to the fastest. An engine is left out only where enough problems of the very class
    /// say so; its kernels are more alike than two engines.
    /// </summary>
    public IReadOnlyList<EngineChoice> WorthALook
    {
        get
        {
            if (Choices.Count == 0) return [];
            double most = NoContest * Choices[0].Mean;
            IEnumerable<RankedChoice> first = Choices.DistinctBy(r => r.Choice.Engine).Where(r => r.Mean <= most || !IsOwn || Members < FewMembers);
            return [.. first.Concat(Choices.Where(r => r.Mean <= most)).Select(r => r.Choice).Distinct()];
        }
    }
}

/// <summary>
/// Which engine and kernel is the fastest for which class of problems, as measured on machines with one instruction set: a resource
/// <c>tuned/choices-NAME.jsonl</c>, written by <c>convnative tune</c>. Asking it costs a look into a dictionary.
/// </summary>
internal sealed class ChoiceTable
{
    private static readonly Lazy<ChoiceTable> s_shipped = new(ReadShipped);
    private readonly Dictionary<string, RankedClass> _classes = new(StringComparer.Ordinal);

    private ChoiceTable()
    {
    }

    /// <summary>The table for this process's instruction set; empty where none ships.</summary>
    public static ChoiceTable Shipped => s_shipped.Value;

    /// <summary>oneDNN's version and the instruction set that it uses here; none without it.</summary>
    public static string Native => Bindings.OneDnn.OneDnnLibrary.IsAvailable ? $"{Bindings.OneDnn.OneDnnLibrary.Load().Version} {OneDnn.OneDnnBackend.InstructionSet()}" : "none";

    /// <summary>Reads lines of <c>{"class":"...","members":N,"choices":[{"choice":"...","mean":1.0,"worst":1.1}, ...]}</c>, the best first.</summary>
    public static ChoiceTable Read(Stream stream)
    {
        var table = new ChoiceTable();
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement o = json.RootElement;
            table._classes[o.GetProperty("class").GetString()!] = new RankedClass(
                IsOwn: true,
                o.GetProperty("members").GetInt32(),
                [.. o.GetProperty("choices").EnumerateArray().Select(c => new RankedChoice(EngineChoice.Parse(c.GetProperty("choice").GetString()!), c.GetProperty("mean").GetDouble(), c.GetProperty("worst").GetDouble()))]);
        }

        return table;
    }

    /// <summary>A problem's class, or the nearest one that is known; <see cref="RankedClass.Unknown"/> where there is none.</summary>
    public RankedClass Of(ConvProblem p, PlanOptions options)
    {
        if (_classes.Count == 0) return RankedClass.Unknown;
        bool own = true;
        foreach (string name in ProblemClass.Near(p, options))
        {
            if (_classes.TryGetValue(name, out RankedClass? known)) return own ? known : known with { IsOwn = false };
            own = false;
        }

        return RankedClass.Unknown;
    }

    private static ChoiceTable ReadShipped()
    {
        using Stream? stream = typeof(ChoiceTable).Assembly.GetManifestResourceStream($"tuned/choices-{InstructionSet.Name}.jsonl");
        return stream is null ? new ChoiceTable() : Read(stream);
    }
}
