using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;
using ConvNative.Problems;

namespace ConvNative.Tests.Matrix;

[TestClass]
public sealed class CheckerTests
{
    internal static ConvProblem Uneven { get; } = new ConvSpec
    {
        InputShape = [2, 6, 9, 8],
        WeightShape = [4, 3, 3, 3],
        Groups = 2,
        Strides = [1, 2],
        Dilations = [2, 1],
        PadsBegin = [2, 0],
        PadsEnd = [1, 1],
        HasBias = true,
        Name = "uneven",
    }.Build();

    [TestMethod]
    public void AnHonestEnginePasses()
    {
        CellResult c = Check(Sabotage.None);
        Assert.AreEqual(CellStatus.Pass, c.Status, c.Message);
        Assert.HasCount(4, c.Fills);
        CollectionAssert.AreEqual(new[] { "random", "exact_integer", "full_range", "not_finite" }, c.Fills.Select(f => f.Fill).ToArray());
        Assert.IsTrue(c.WorstError is > 0 and <= 1, $"{c.WorstError}");
        Assert.AreEqual(0, c.Fills[1].WorstError);
        Assert.AreEqual("fake:naive", c.Implementation);
        Assert.IsNull(c.Sampled);
    }

    [TestMethod]
    [DataRow(Sabotage.SwapKernelAxes, "expected")]
    [DataRow(Sabotage.DropTap, "expected")]
    [DataRow(Sabotage.SwapPads, "expected")]
    [DataRow(Sabotage.ShiftGroups, "expected")]
    [DataRow(Sabotage.ForgetBias, "expected")]
    [DataRow(Sabotage.WriteAfter, "past the tensor's end")]
    [DataRow(Sabotage.WriteBefore, "before the tensor's begin")]
    [DataRow(Sabotage.LeaveUnwritten, "never written")]
    [DataRow(Sabotage.ChangeInput, "input: its contents were changed")]
    [DataRow(Sabotage.ChangeWeights, "weights: its contents were changed")]
    [DataRow(Sabotage.DifferBetweenRuns, "two runs on the same data differ, first in element 5")]
    [DataRow(Sabotage.BreakOnFullRange, "full_range")]
    public void EverySabotageTurnsTheCellRed(Sabotage sabotage, string says)
    {
        CellResult c = Check(sabotage);
        Assert.AreEqual(CellStatus.Fail, c.Status, c.Message);
        Assert.Contains(says, c.Message!);
        Assert.IsTrue(c.IsBad());
    }

    [TestMethod]
    public void AFailureNamesPlaceNumbersAndBound()
    {
        CellResult c = Check(Sabotage.DropTap);
        StringAssert.Matches(c.Message, new(@"random: \d+ of \d+ elements outside the bound, worst .*at \[\d+,\d+,\d+,\d+\]: expected \S+, got \S+, bound \S+; first at \[0,0,0,0\]"));
        Assert.AreEqual(c.Problem, ConvProblem.Parse(c.Problem).ToString());
        Assert.AreEqual(Uneven, ConvProblem.Parse(c.Problem));
        Assert.AreEqual($"convnative check --backend fake {c.Problem}", Repro.Command(c));
    }

    [TestMethod]
    public void ThreeOutcomesAreNeverMixed()
    {
        Assert.AreEqual(CellStatus.Unsupported, Check(Sabotage.Unsupported).Status);
        Assert.AreEqual("the fake does forward correlation only", Check(Sabotage.Unsupported).Message);
        Assert.AreEqual(CellStatus.Unavailable, Check(Sabotage.Unavailable).Status);
        Assert.AreEqual("libfake.so: not found; install libfake", Check(Sabotage.Unavailable).Message);
        CellResult create = Check(Sabotage.ThrowOnCreate), run = Check(Sabotage.ThrowOnRun);
        Assert.AreEqual(CellStatus.Error, create.Status);
        Assert.Contains("fake_create -> fake_bad", create.Message!);
        Assert.AreEqual(CellStatus.Error, run.Status);
        Assert.AreEqual("InvalidOperationException: run failed", run.Message);
        Assert.IsFalse(Check(Sabotage.Unsupported).IsBad());
        Assert.IsTrue(run.IsBad());
    }

    [TestMethod]
    public void OneBadEngineDoesNotDisturbTheOthers()
    {
        ConvBackend[] engines = [new FakeBackend(Sabotage.ThrowOnRun, "a"), new FakeBackend(Sabotage.None, "b"), new FakeBackend(Sabotage.DropTap, "c"), new FakeBackend(Sabotage.None, "d")];
        IReadOnlyList<CellResult> cells = new Checker().Check(Uneven, engines);
        CollectionAssert.AreEqual(new[] { CellStatus.Error, CellStatus.Pass, CellStatus.Fail, CellStatus.Pass }, cells.Select(c => c.Status).ToArray());
    }

    [TestMethod]
    [DataRow(Layout.ChannelsFirst, Layout.ChannelsLast, Layout.ChannelsLast)]
    [DataRow(Layout.ChannelsLast, Layout.ChannelsFirst, Layout.Any)]
    [DataRow(Layout.Any, Layout.Any, Layout.ChannelsFirst)]
    public void LayoutsAreEnteredAndLeft(Layout input, Layout output, Layout weights)
    {
        ConvBackend managed = Backends.Engines.Find("managed") ?? throw new InvalidOperationException("managed is always there");
        ConvProblem p = Uneven.With(s => s with { InputLayout = input, OutputLayout = output, WeightLayout = weights });
        CellResult c = new Checker().Check(p, [managed])[0];
        Assert.AreEqual(CellStatus.Pass, c.Status, c.Message);
    }

    [TestMethod]
    public void PostOpsThatAnEngineIgnoresFail()
    {
        foreach (PostOps ops in (PostOps[])[new(false, 0, Activation.Relu), new(false, 0, Activation.None, 0.3), new(false, 0, Activation.None, 2)])
            Assert.AreEqual(CellStatus.Fail, new Checker().Check(Uneven.With(s => s with { PostOps = ops }), [new FakeBackend()])[0].Status, $"{ops}");
    }

    [TestMethod]
    public void AComparisonThatTellsNothingIsMistrusted()
    {
        var fill = new FillResult("random", CellStatus.Mistrusted, 0.1, 10, 10, "few");
        var cell = new CellResult { Problem = "p", Backend = "b", Status = CellStatus.Mistrusted, Fills = [fill] };
        Assert.IsTrue(cell.IsBad());
        Assert.IsTrue(Totals.Of([cell]).IsBad());
        Assert.AreEqual("cells: 0 pass, 0 fail, 0 unsupported, 0 unavailable, 1 mistrusted", Totals.Of([cell]).ToString());
    }

    [TestMethod]
    public void LargeProblemsAreSampledAndSaySo()
    {
        // 2.1e9 multiply-adds in few outputs would take the fake too long, so only the report's text is looked at.
        ConvProblem p = ConvProblem.Parse("mb1ic512ih60oc512kh3ph1");
        Oracle.Sampling s = Oracle.Sampling.Choose(p, 1);
        Assert.IsNotNull(s.Indices);
        Assert.IsGreaterThanOrEqualTo(20_000, s.Indices.Length);
        Assert.Contains("corner", s.Description);
    }

    private static CellResult Check(Sabotage sabotage) => new Checker().Check(Uneven, [new FakeBackend(sabotage)])[0];
}
