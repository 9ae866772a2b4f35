using System.Runtime.CompilerServices;
using ConvNative.Backends;
using ConvNative.Backends.Choices;
using ConvNative.Backends.Common;
using ConvNative.Cli.Benchmarks;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Choices;

/// <summary>
/// The choice that ships, beside what was measured (<c>bench/results/choices</c>): for every shape that peers are measured on, what <c>auto</c> takes without a
/// look, or the best of what it looks at, is in the set known to be good for the instruction set.
/// </summary>
[TestClass]
public sealed class ChoiceTableTests
{
    private const double Good = 1.3;

    [TestMethod]
    [DataRow("avx512")]
    [DataRow("avx2")]
    public void WhatIsTakenIsKnownToBeGood(string isa)
    {
        ChoiceTable table = ChoiceTable.For(isa);
        Assert.IsGreaterThan(20, table.Count);
        int shapes = 0, certain = 0;
        var bad = new List<string>();
        foreach ((ConvProblem p, int threads, Dictionary<EngineChoice, double> measured) in Measured(isa))
        {
            var options = new PlanOptions { MaxThreads = threads };
            double best = measured.Values.Min();
            IReadOnlyList<RankedChoice> ranked = table.Of(p, options);
            shapes++;
            if (!table.IsCertain(p, options)) continue;
            certain++;
            if (!measured.TryGetValue(ranked[0].Choice, out double ms) || ms > Good * best) bad.Add($"{p} with {threads} thread(s): {ranked[0].Choice} takes {ms} ms, {measured.MinBy(m => m.Value).Key} {best} ms");
        }

        Assert.IsGreaterThan(100, shapes);
        Assert.IsGreaterThan(shapes / 4, certain);
        Assert.IsEmpty(bad, string.Join('\n', bad));
    }

    [TestMethod]
    [DataRow("avx512")]
    [DataRow("avx2")]
    public void WhereItLooksAGoodWayIsAmongThoseLookedAt(string isa)
    {
        ChoiceTable table = ChoiceTable.For(isa);
        var bad = new List<string>();
        foreach ((ConvProblem p, int threads, Dictionary<EngineChoice, double> measured) in Measured(isa))
        {
            var options = new PlanOptions { MaxThreads = threads };
            IReadOnlyList<RankedChoice> ranked = table.Of(p, options);
            if (table.IsCertain(p, options) || ranked.Count == 0 || ProblemClass.IsTiny(p)) continue;
            double best = measured.Values.Min();
            double found = EngineSelector.LookedAt(p, options, table).Take(EngineSelector.MostLooked).Min(c => measured.GetValueOrDefault(c, double.PositiveInfinity));
            if (found > Good * best) bad.Add($"{p} with {threads} thread(s): {found} ms, best {best}");
        }

        Assert.IsEmpty(bad, string.Join('\n', bad));
    }

    /// <summary>As above, by what this process's library really does: no time is measured, the choice is looked up.</summary>
    [TestMethod]
    public void ThisMachinesChoicesAreTheTables()
    {
        if (!Backends.Engines.Find("onednn")!.Status.Available) Engines.Skip("onednn", Backends.Engines.Find("onednn")!.Status.Summary);
        int seen = 0;
        foreach ((ConvProblem p, int threads, Dictionary<EngineChoice, double> measured) in Measured(InstructionSet.Name).Where((_, i) => i % 7 == 0))
        {
            // A problem that nobody measured on this machine: the name of a layer is no part of the key, the batch is.
            var options = new PlanOptions { MaxThreads = threads, Tuning = Tuning.Rank, Deterministic = true };
            if (!ChoiceTable.Shipped.IsCertain(p, options)) continue;
            using ConvPlan plan = ConvPlan.Create(p, options);
            Assert.IsTrue(measured.TryGetValue(EngineChoice.Parse(plan.Choice!), out double ms) && ms <= Good * measured.Values.Min(), $"{p}: {plan.Choice}, {plan.Implementation}");
            seen++;
        }

        if (seen == 0) Assert.Inconclusive($"no table ships for {InstructionSet.Name}");
    }

    [TestMethod]
    public void TheReadmesProblemIsComputedByARealKernel()
    {
        foreach (Layout layout in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast])
        {
            ConvProblem p = ConvProblem.Parse("mb1ic64ih56oc64oh56kh3ph1").With(s => s with { InputLayout = layout, OutputLayout = layout });
            foreach (Tuning tuning in (Tuning[])[Tuning.Rank, Tuning.Look])
            {
                using ConvPlan plan = ConvPlan.Create(p, new PlanOptions { Tuning = tuning });
                Assert.DoesNotContain("gemm:", plan.Implementation);
                Assert.DoesNotContain("ref", plan.Implementation);
            }
        }
    }

    [TestMethod]
    public void OneDnnsOwnRankingPutsTheOneLargeProductLast()
    {
        ConvBackend onednn = Backends.Engines.Find("onednn")!;
        if (!onednn.Status.Available) Engines.Skip("onednn", onednn.Status.Summary);
        ConvProblem p = ConvProblem.Parse("mb1ic64ih28oc64oh28kh3ph1");
        using ConvPlan plan = onednn.CreatePlan(p, new PlanOptions { Deterministic = true }).Plan!;
        Assert.DoesNotContain("gemm:", plan.Implementation);
        CollectionAssert.AllItemsAreUnique(onednn.Candidates(p, PlanOptions.Default).ToArray());
        foreach (string candidate in onednn.Candidates(p, PlanOptions.Default))
            using (ConvPlan? one = onednn.CreatePlan(p, new PlanOptions { Candidate = candidate }).Plan) Assert.IsNotNull(one, candidate);
        Assert.IsNull(onednn.CreatePlan(p, new PlanOptions { Candidate = "no such" }).Plan);
    }

    private static IEnumerable<(ConvProblem Problem, int Threads, Dictionary<EngineChoice, double> Measured)> Measured(string isa)
    {
        string file = Path.Combine(Folder(), $"peers-{isa}.tsv");
        if (!File.Exists(file)) yield break;
        using var reader = new StreamReader(file);
        foreach (IGrouping<(string Problem, int Threads), ChoiceRow> g in ChoiceRow.Read(reader).GroupBy(r => (r.Problem, r.Threads)).ToList())
            yield return (ConvProblem.Parse(g.Key.Problem), g.Key.Threads, g.ToDictionary(r => EngineChoice.Parse(r.Choice), r => r.BestMs));
    }

    private static string Folder([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", "bench", "results", "choices"));
}
