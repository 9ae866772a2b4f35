using ConvNative.Cli;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Suites;
using ConvNative.Problems;

namespace ConvNative.Tests.Matrix;

[TestClass]
public sealed class MatrixPlanTests
{
    internal static ProblemSuite Suite(string name, params string[] problems) => new(name, [.. problems.Select(p => ConvProblem.Parse(p))], []);

    [TestMethod]
    public void SharedLayersAreComputedOnceAndReportedInEachSuite()
    {
        var plan = new MatrixPlan([Suite("a", "ic3ih7oc5kh3ph1n\"a:1\"", "ic2ih7oc5kh3ph1n\"a:2\""), Suite("b", "ic3ih7oc5kh3ph1n\"b:1\"")]);
        Assert.HasCount(2, plan.Distinct);
        CellResult[] cells = [.. plan.Distinct.Select(p => new CellResult { Problem = p.Key, Backend = "x", Status = CellStatus.Pass })];
        IReadOnlyList<CellResult> rows = plan.Expand(cells, ["x"]);
        CollectionAssert.AreEqual(new[] { "a a:1", "a a:2", "b b:1" }, rows.Select(r => $"{r.Suite} {r.Name}").ToArray());
    }

    [TestMethod]
    public void ShardsAreDisjointAndTogetherWhole()
    {
        ProblemSuite[] suites = [SuiteCatalog.Load("smoke"), SuiteCatalog.Load("edge")];
        IReadOnlyList<ConvProblem> whole = new MatrixPlan(suites).Distinct;
        List<ConvProblem> parts = [.. Enumerable.Range(1, 4).SelectMany(i => new MatrixPlan(suites, new Shard(i, 4)).Distinct)];
        Assert.HasCount(whole.Count, parts);
        Assert.HasCount(whole.Count, parts.ToHashSet());
        Assert.IsTrue(whole.ToHashSet().SetEquals(parts));
        Assert.AreEqual(parts.Count, Enumerable.Range(1, 4).Sum(i => new MatrixPlan(suites, new Shard(i, 4)).Suites.Sum(s => s.Problems.Distinct().Count())));
    }

    [TestMethod]
    [DataRow("0/3")]
    [DataRow("4/3")]
    [DataRow("1")]
    [DataRow("a/b")]
    [DataRow("1/3/5")]
    public void BadShardsAreNamed(string text) =>
        Assert.Contains($"--shard = {text}: must be i/n", Assert.ThrowsExactly<CliException>(() => Shard.Parse(text)).Message);

    [TestMethod]
    public void WhatCannotBeExpressedIsARowToo()
    {
        var plan = new MatrixPlan([new ProblemSuite("s", [], [new UnsupportedProblem("--dt=e8m0 ic1", "type e8m0", "f", 3)])]);
        IReadOnlyList<CellResult> rows = plan.Expand([], ["x", "y"]);
        Assert.HasCount(2, rows);
        Assert.AreEqual(CellStatus.Unsupported, rows[0].Status);
        Assert.AreEqual("type e8m0", rows[0].Message);
    }

    [TestMethod]
    public void EveryShippedSuiteLoads()
    {
        Assert.IsGreaterThan(15, SuiteCatalog.Shipped.Count);
        foreach (ProblemSuite s in SuiteCatalog.LoadAll([]))
        {
            Assert.IsNotEmpty(s.Subjects, s.Name);
            Assert.IsEmpty(s.Unsupported, s.Name);
        }

        Assert.Contains("must be a file, or one of", Assert.ThrowsExactly<CliException>(() => SuiteCatalog.Load("nosuch")).Message);
    }
}
