using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;
using ConvNative.Problems;

namespace ConvNative.Tests.Matrix;

/// <summary>What the summary counts where, and what it says.</summary>
[TestClass]
public sealed class SummaryTests
{
    private const string Depthwise = "g3mb1ic3ih7oc3kh3ph1";

    [TestMethod]
    [DataRow("mb1ic3iw7oc5kw2pw0", "correlation 1-D")]
    [DataRow("mb1ic3ih7oc5kh1ph0", "correlation 2-D, pointwise")]
    [DataRow("g2mb1ic4ih7oc6kh1ph0", "correlation 2-D, pointwise grouped")]
    [DataRow("g2mb1ic4ih7oc6kh3sh2ph1dh1", "correlation 2-D, grouped, strided, dilated")]
    [DataRow("g4mb1ic4ih7oc8kh3ph1", "correlation 2-D, depthwise multiplier")]
    [DataRow("g4mb1ic4ih7iw5oc4kh7kw5ph0pw0", "correlation 2-D, depthwise, global depthwise")]
    [DataRow("mb1ic3id5oc4kd3pd2od4", "correlation 3-D, asymmetric padding")]
    [DataRow("--pad-mode=reflect mb1ic3ih7oc5kh3ph1", "correlation 2-D, padding reflect")]
    [DataRow("--deconv g2mb1ic4ih7oc6kh3ph1dh1", "transposed 2-D, transposed grouped, transposed dilated")]
    [DataRow("--deconv --output-padding=1 mb1ic4ih7oc6kh3sh2ph1", "transposed 2-D, output padding")]
    [DataRow("--op=conv mb1ic1iw9oc1kw4pw3", "true convolution 1-D, signal full")]
    [DataRow("--op=conv mb1ic1iw9oc1ow9kw4pw2", "true convolution 1-D, asymmetric padding, signal same")]
    [DataRow("mb1ic1iw9oc1kw4pw0", "correlation 1-D, signal valid")]
    [DataRow("--op=deform mb1ic4ih7oc6kh3ph1", "deformable v1")]
    [DataRow("--op=deform --mask=1 --offset-groups=2 mb1ic4ih7oc6kh3ph1", "deformable v2, offset groups")]
    [DataRow("--op=shuffle --dir=FWD_D g3mb1ic6ih5", "channel_shuffle")]
    [DataRow("--op=col2im --dir=FWD_D mb1ih5oc3oh7kh3ph0", "col2im")]
    [DataRow("--attr-post-ops=relu --stag=axb mb1ic3ih7oc5kh2ph0", "correlation 2-D, post-ops, channels last")]
    public void AProblemCountsInItsVariants(string problem, string variants) =>
        Assert.AreEqual(variants, string.Join(", ", Variants.Of(ConvProblem.Parse(problem))));

    [TestMethod]
    public void ARowHasAVariantAndADirection()
    {
        SummaryTable t = SummaryTable.Of(Cells(), byType: false);
        CollectionAssert.AreEqual(new[] { "a", "b" }, t.Backends.ToArray());
        string[] rows = [.. t.Rows.Select(r => $"{r.Variant} / {r.Direction} / {r.Types} / {string.Join(" / ", r.Cells)}")];
        string[] expected =
        [
            "correlation 2-D / forward / f32 f64 u8:s8:f32|s32 / 3 pass (0.5), 1 unsupported: f64 / 1 FAIL: f32",
            "correlation 2-D / backward_data / f32 / 1 pass (0.25) / -",
            "depthwise / forward / f32 f64 u8:s8:f32|s32 / 3 pass (0.5), 1 unsupported: f64 / 1 FAIL: f32",
            "depthwise / backward_data / f32 / 1 pass (0.25) / -",
            "all / forward / f32 f64 u8:s8:f32|s32 / 3 pass (0.5), 1 unsupported: f64 / 1 FAIL: f32",
            "all / backward_data / f32 / 1 pass (0.25) / -",
        ];
        CollectionAssert.AreEqual(expected, rows, string.Join('\n', rows));
        Assert.IsTrue(t.Rows[0].Cells[1].IsBad());
        Assert.IsFalse(t.Rows[0].Cells[0].IsBad());
    }

    [TestMethod]
    public void ByTypeEveryTypeHasItsRow()
    {
        SummaryTable t = SummaryTable.Of(Cells(), byType: true);
        string[] rows = [.. t.Rows.Where(r => r.Variant == "depthwise" && r.Direction == "forward").Select(r => $"{r.Types}: {string.Join(" / ", r.Cells)}")];
        CollectionAssert.AreEqual(new[] { "f32: 1 pass (0.5) / 1 FAIL", "f64: 1 unsupported / -", "u8:s8:f32: 1 pass (0.12) / -", "u8:s8:s32: 1 pass (0) / -" }, rows, string.Join('\n', rows));
    }

    [TestMethod]
    public void ReasonsAreCountedByProblem()
    {
        List<CellResult> cells =
        [
            Cell("mb1ic3ih7oc5kh3ph1", "a", CellStatus.Unsupported, message: "rare"),
            Cell($"--dt=f64 {Depthwise}", "a", CellStatus.Unsupported, message: "no f64"),
            Cell("--dt=f64 mb1ic3ih7oc5kh3ph1", "a", CellStatus.Unsupported, message: "no f64"),
            Cell("--dt=f64 mb1ic3ih7oc5kh3ph1", "a", CellStatus.Unsupported, message: "no f64") with { Suite = "another" },
            Cell("mb1ic2ih7oc5kh3ph1", "b", CellStatus.Pass),
        ];
        CollectionAssert.AreEqual(new[] { "a 2 no f64", "a 1 rare" }, UnsupportedReason.Of(cells).Select(r => $"{r.Backend} {r.Problems} {r.Reason}").ToArray());
    }

    private static List<CellResult> Cells() =>
    [
        Cell(Depthwise, "a", CellStatus.Pass, 0.5),
        Cell(Depthwise, "a", CellStatus.Pass, 0.5) with { Suite = "another" },
        Cell(Depthwise, "b", CellStatus.Fail),
        Cell($"--dir=BWD_D {Depthwise}", "a", CellStatus.Pass, 0.25),
        Cell($"--dt=f64 {Depthwise}", "a", CellStatus.Unsupported),
        Cell($"--dt=u8:s8:s32 {Depthwise}", "a", CellStatus.Pass),
        Cell($"--dt=u8:s8:f32 {Depthwise}", "a", CellStatus.Pass, 0.125),
    ];

    private static CellResult Cell(string problem, string backend, CellStatus status, double? worst = null, string? message = null)
    {
        ConvProblem p = ConvProblem.Parse(problem);
        return new CellResult
        {
            Problem = p.ToString(),
            Backend = backend,
            Direction = Names.Of(p.Direction),
            DataType = Variants.Types(p),
            Variants = Variants.Of(p),
            Status = status,
            WorstError = worst,
            Message = message,
        };
    }
}
