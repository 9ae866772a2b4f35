using System.Runtime.CompilerServices;
using System.Text;
using ConvNative.Backends;
using ConvNative.Backends.Choices;
using ConvNative.Cli.Benchmarks;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Choices;

/// <summary>What was measured for single problems as a table of classes, and what is taken where no table knows a class.</summary>
[TestClass]
public sealed class ChoiceTableTests
{
    private static readonly PlanOptions s_one = new() { MaxThreads = 1 };

    [TestMethod]
    public void RowsOfSingleProblemsMakeATable()
    {
        string[] problems = ["mb1ic64ih56oc64oh56kh3ph1", "mb1ic32ih56oc64oh56kh3ph1", "mb1ic64ih40oc96oh40kh3ph1"];
        ChoiceTable table = Table(
            [.. problems.Select((p, i) => Row(p, "managed", 1 + (0.05 * i)))],
            [.. problems.Select(p => Row(p, "onednn inference/any", 1))],

            // Hopeless but for one of the class.
            [Row(problems[0], "onednn inference/caller", 0.9)]);
        ConvProblem p = ConvProblem.Parse(problems[1]);
        IReadOnlyList<RankedChoice> ranked = table.Of(p, s_one).Choices;
        Assert.AreEqual("onednn inference/any", ranked[0].Choice.ToString());
        Assert.AreEqual("managed", ranked[1].Choice.ToString());
        Assert.AreEqual(1.11, ranked[0].Worst);
        Assert.IsTrue(table.Of(p, s_one).IsCertain);
        CollectionAssert.AreEqual(new[] { "onednn inference/any", "managed" }, table.Of(p, s_one).WorthALook.Select(c => c.ToString()).ToArray());
        Assert.IsEmpty(table.Of(p, PlanOptions.Default with { MaxThreads = 2, Math = MathMode.Fast }).Choices);
        Assert.IsEmpty(table.Of(ConvProblem.Parse("mb1ic64ih56oc64oh56kh1ph0"), s_one).Choices);

        // The nearest class says whom to look at, never whom to take.
        ConvProblem near = ConvProblem.Parse("mb1ic64ih56oc64oh28kh3sh2ph1");
        Assert.AreEqual("onednn inference/any", table.Of(near, s_one).Choices[0].Choice.ToString());
        Assert.IsFalse(table.Of(near, s_one).IsCertain);
    }

    [TestMethod]
    public void FewMembersOrOneBadOneAreNotCertain()
    {
        ConvProblem p = ConvProblem.Parse("mb1ic64ih56oc64oh56kh3ph1");
        Assert.IsFalse(Table([Row("mb1ic64ih56oc64oh56kh3ph1", "managed", 1)]).Of(p, s_one).IsCertain, "one problem tells nothing of its class");
        string[] problems = ["mb1ic64ih56oc64oh56kh3ph1", "mb1ic32ih56oc64oh56kh3ph1", "mb1ic64ih40oc96oh40kh3ph1"];
        ChoiceTable split = Table(
            [.. problems.Select((q, i) => Row(q, "managed", i == 0 ? 1 : 1.5))],
            [.. problems.Select((q, i) => Row(q, "onednn inference/any", i == 0 ? 1.5 : 1))]);
        Assert.IsFalse(split.Of(p, s_one).IsCertain);
        Assert.HasCount(2, split.Of(p, s_one).WorthALook);
    }

    /// <summary>
    /// On shapes that the table was not made of (those of the comparison with other libraries): what it chooses, or the best of what it has looked at, was at
    /// most 1.3 times the fastest way when all were timed. Counts what was measured once; times nothing.
    /// </summary>
    [TestMethod]
    [DataRow("avx2")]
    public void WhatTheShippedTableChoosesIsKnownGood(string isa)
    {
        string file = Path.Combine(Path.GetDirectoryName(Here())!, "../../../bench/results/choices", $"peers-{isa}.tsv");
        if (!File.Exists(file)) Assert.Inconclusive("the rows are not beside the tests");
        using var reader = new StreamReader(file);
        using Stream shipped = typeof(ConvPlan).Assembly.GetManifestResourceStream($"tuned/choices-{isa}.jsonl")!;
        ChoiceTable table = ChoiceTable.Read(shipped);
        var bad = new List<string>();
        int certain = 0, count = 0;
        foreach (IGrouping<(string Problem, int Threads), ChoiceRow> rows in ChoiceRow.Read(reader).GroupBy(r => (r.Problem, r.Threads)))
        {
            ConvProblem p = ConvProblem.Parse(rows.Key.Problem);
            var options = new PlanOptions { MaxThreads = rows.Key.Threads };
            RankedClass ranked = table.Of(p, options);
            IEnumerable<EngineChoice> taken = ranked.IsCertain ? [ranked.Choices[0].Choice] : ranked.WorthALook.Take(EngineSelector.MostLooked);
            count++;
            if (ranked.IsCertain) certain++;
            if (!taken.Any()) continue;
            string[] names = [.. taken.Select(c => c.ToString())];
            double best = rows.Min(r => r.BestMs), chosen = rows.Where(r => names.Contains(r.Choice)).Select(r => r.BestMs).DefaultIfEmpty(double.PositiveInfinity).Min();
            if (chosen > 1.3 * best) bad.Add($"{rows.Key.Problem}, {rows.Key.Threads} threads: {string.Join(", ", names)} {chosen} ms, {rows.MinBy(r => r.BestMs)!.Choice} {best} ms");
        }

        Assert.IsEmpty(bad, string.Join('\n', bad));
        Assert.IsGreaterThan(100, count);
        Assert.IsGreaterThan(count / 3, certain, $"certain of {certain} of {count}");
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
        StringAssert.StartsWith(onednn.CreatePlan(p, new PlanOptions { Candidate = "no such" }).Reason, "candidate = no such: must be one of those");
    }

    private static string Here([CallerFilePath] string path = "") => path;

    private static ChoiceRow Row(string problem, string choice, double ms) => new("avx2", "3.7.2 avx2", ConvProblem.Parse(problem).Key, 1, choice, "kernel", ms, ms, 0);

    private static ChoiceTable Table(params ChoiceRow[][] rows) =>
        ChoiceTable.Read(new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', ChoiceBuilder.Lines(rows.SelectMany(r => r))))));
}
