using ConvNative.Backends.Common.Stores;

namespace ConvNative.Tests.Choices;

/// <summary>When a remembered choice is believed.</summary>
[TestClass]
public sealed class TunedTests
{
    [TestMethod]
    [DataRow(1.5, 0.05, 1, true, DisplayName = "clear")]
    [DataRow(1.05, 0.02, 1, false, DisplayName = "close")]
    [DataRow(1.5, 0.6, 1, false, DisplayName = "measured beside other load")]
    [DataRow(1.05, 0.6, 3, true, DisplayName = "three agreed")]
    public void IsSettled(double margin, double spread, int agreed, bool settled) =>
        Assert.AreEqual(settled, new Tuned("managed", margin, spread, agreed).IsSettled);

    [TestMethod]
    public void ACloseChoiceIsMeasuredAgainByAnotherProcessUntilThreeAgree()
    {
        using var folder = new TemporaryFolder();
        for (int process = 1; process <= 4; process++)
        {
            TuningStore store = Store(folder);
            Tuned? known = store.Find("problem");
            Assert.AreEqual(process - 1, known?.Agreed ?? 0);
            if (known is not null) Assert.AreEqual(process > 3, store.IsGood("problem", known), $"process {process}");
            if (process > 3) break;
            store.Put("problem", new Tuned("managed", 1.02, 0.3));
            Assert.IsTrue(store.IsGood("problem", store.Find("problem")!), "its own measurement serves a process");
        }
    }

    [TestMethod]
    public void AnotherWinnerStartsAnew()
    {
        using var folder = new TemporaryFolder();
        Store(folder).Put("problem", new Tuned("managed", 1.02, 0.3, Looked: true));
        TuningStore store = Store(folder);
        store.Put("problem", new Tuned("onednn inference/any", 1.03, 0.1));
        Tuned known = Store(folder).Find("problem")!;
        Assert.AreEqual("onednn inference/any", known.Choice);
        Assert.AreEqual(1, known.Agreed);
        Assert.AreEqual(1.03, known.Margin);
        Assert.AreEqual(0.1, known.Spread);
        Assert.IsFalse(known.Looked);
        Assert.Contains($"\"date\":\"{DateTime.UtcNow:yyyy-MM-dd}\"", File.ReadAllText(Directory.GetFiles(folder.Path).Single()));
    }

    private static TuningStore Store(TemporaryFolder folder) => new(() => "test-tuned", folder.Path, _ => null);
}
