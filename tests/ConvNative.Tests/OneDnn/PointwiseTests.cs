using ConvNative.Backends;
using ConvNative.Bindings.OneDnn;
using ConvNative.Cli.Checking;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OneDnn;

/// <summary>What oneDNN gets wrong, or ends the process on, where it takes hidden caches for one byte (<see cref="HiddenCaches"/>): right wherever it is used.</summary>
[TestClass]
public sealed class PointwiseTests
{
    [TestMethod]
    [DataRow("mb1ic256ih3oc1024oh3kh1ph0")]
    [DataRow("--stag=axb --dtag=axb mb1ic512ih3oc2048oh3kh1ph0")]
    [DataRow("--stag=axb --dtag=axb g3mb1ic60ih5iw7oc120oh5ow7kh1kw1ph0pw0")]
    [DataRow("--stag=axb --dtag=axb g3mb1ic60ih5iw7oc240oh5ow7kh1kw1ph0pw0")]
    [DataRow("--stag=axb --dtag=axb g3mb1ic60ih5iw7oc336oh5ow7kh1kw1ph0pw0")]
    [DataRow("--dt=u8:s8:s32 mb1ic1iw5oc2ow3kw3pw0")]
    [DataRow("--deconv g2mb2ic6ih7iw5oc4oh16ow14kh3kw2sh2sw3ph0pw0")]
    public void IsRightInEveryDirection(string text)
    {
        ConvBackend onednn = Backends.Engines.Find("onednn")!;
        if (!onednn.Status.Available) Engines.Skip("onednn", onednn.Status.Summary);
        foreach (Direction direction in (Direction[])[Direction.Forward, Direction.BackwardData, Direction.BackwardWeights])
        {
            CellResult cell = new Checker(new PlanOptions { Tuning = Tuning.Rank }).Check(ConvProblem.Parse(text).With(s => s with { Direction = direction }), [onednn])[0];
            if (cell.Status != CellStatus.Unsupported) Assert.AreEqual(CellStatus.Pass, cell.Status, $"{direction}: {cell.Message}");
        }
    }

    [TestMethod]
    [DataRow(0x444D4163, unchecked((int)0x80000021), 0, 0, true, DisplayName = "AMD, hidden")]
    [DataRow(0x444D4163, unchecked((int)0x80000021), 0x121, 63, false, DisplayName = "AMD, told")]
    [DataRow(0x444D4163, unchecked((int)0x8000001C), 0, 0, false, DisplayName = "AMD, before there was such a leaf")]
    [DataRow(0x6C65746E, unchecked((int)0x80000021), 0, 0, false, DisplayName = "Intel")]
    public void HiddenCachesAreKnown(int vendor, int highest, int eax, int ebx, bool hidden) => Assert.AreEqual(hidden, HiddenCaches.Hide(vendor, highest, (eax, ebx, 0, 0)));
}
