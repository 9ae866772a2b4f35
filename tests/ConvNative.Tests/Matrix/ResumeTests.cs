using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;
using ConvNative.Cli.Suites;

namespace ConvNative.Tests.Matrix;

[TestClass]
public sealed class ResumeTests
{
    private static readonly MatrixPlan s_plan = new([MatrixPlanTests.Suite("s", "mb1ic3ih7oc5kh3ph1", "mb1ic2ih6oc3kh3ph1", "mb1ic5ih4oc2kh1ph0")]);
    private string _folder = "";

    [TestInitialize]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("convnative-test").FullName;

    [TestCleanup]
    public void DropFolder() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void ASecondRunWithResumeComputesNothing()
    {
        Assert.AreEqual((3, 0), Run(new FakeBackend(), resume: false));
        Assert.AreEqual((0, 3), Run(new FakeBackend(), resume: true));
        Assert.AreEqual((3, 0), Run(new FakeBackend(), resume: false));
    }

    [TestMethod]
    public void AnotherVersionOfTheLibraryIsComputedAnew()
    {
        Run(new FakeBackend(), resume: false);
        Assert.AreEqual((3, 0), Run(new FakeBackend(version: "fake 1.1"), resume: true));
        Assert.AreEqual((0, 3), Run(new FakeBackend(version: "fake 1.1"), resume: true));
    }

    [TestMethod]
    public void ExceptionsAndMissingEnginesAreTriedAgainAndFailuresKept()
    {
        Run(new FakeBackend(Sabotage.ThrowOnRun), resume: false);
        Assert.AreEqual((3, 0), Run(new FakeBackend(), resume: true));
        Run(new FakeBackend(Sabotage.DropTap), resume: false);
        Assert.AreEqual((0, 3), Run(new FakeBackend(), resume: true));
    }

    [TestMethod]
    public void HalfALineOfAKilledRunIsComputedAnew()
    {
        Run(new FakeBackend(), resume: false);
        string file = Path.Combine(_folder, ResultsLog.FileName);
        byte[] all = File.ReadAllBytes(file);
        File.WriteAllBytes(file, all[..^20]);
        Assert.AreEqual((1, 2), Run(new FakeBackend(), resume: true));
        Assert.AreEqual((0, 3), Run(new FakeBackend(), resume: true));
    }

    [TestMethod]
    public void AStoppedRunKeepsWhatHasFinished()
    {
        using var stop = new CancellationTokenSource();
        int asked = 0;
        var engine = new FakeBackend { OnCreate = () => { if (++asked == 2) stop.Cancel(); } };
        MatrixRunner runner;
        using (var log = new ResultsLog(_folder, resume: false))
        {
            runner = Runner(engine, log);
            runner.Run(null, stop.Token);
        }

        MatrixReport report = runner.Report();
        Assert.IsFalse(report.Complete);
        Assert.HasCount(1, report.Cells);
        Assert.HasCount(1, File.ReadAllLines(Path.Combine(_folder, ResultsLog.FileName)));
        Assert.AreEqual((2, 1), Run(new FakeBackend(), resume: true));
    }

    private static MatrixRunner Runner(FakeBackend engine, ResultsLog log) =>
        new(s_plan, new BackendSelection([engine], true), new Checker(), MachineInfo.Read(), log);

    private (int Created, int Reused) Run(FakeBackend engine, bool resume)
    {
        using var log = new ResultsLog(_folder, resume);
        MatrixRunner runner = Runner(engine, log);
        runner.Run(null, CancellationToken.None);
        Assert.IsTrue(runner.Report().Complete);
        Assert.HasCount(3, runner.Report().Cells);
        return (engine.Created, runner.Reused);
    }
}
