using System.Globalization;
using ConvNative.Backends.OneDnn;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;
using ConvNative.Cli.Suites;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>The suite <c>variants</c> has every variant in each of its directions and types, and stays small.</summary>
[TestClass]
public sealed class VariantSuiteTests
{
    private static readonly ProblemSuite s_suite = SuiteCatalog.Load("variants");

    private static readonly Direction[] s_linear = [Direction.Forward, Direction.BackwardData, Direction.BackwardWeights, Direction.BackwardBias];

    private static readonly string[] s_floats = ["f32", "f64", "bf16"];

    public static IEnumerable<object[]> Rows =>
        from variant in Variants.Order
        where variant is not ("empty batch" or "channels last" or Variants.Block or Variants.Network)
        select new object[] { variant };

    [TestMethod]
    public void NothingIsLeftOut()
    {
        Assert.IsEmpty(s_suite.Unsupported);
        Assert.HasCount(s_suite.Problems.Count, s_suite.Problems.Distinct().ToArray(), "a problem stands there twice");
        Assert.IsLessThan(100_000_000, s_suite.Problems.Sum(p => p.MultiplyAdds));
        StreamReader text = new(typeof(SuiteCatalog).Assembly.GetManifestResourceStream("suites/variants.txt")!);
        Assert.Contains(s_suite.Problems.Count.ToString("N0", CultureInfo.InvariantCulture) + " problems", text.ReadLine()!, "the header says it");
    }

    [TestMethod]
    [DynamicData(nameof(Rows))]
    public void EveryVariantHasItsDirectionsAndTypes(string variant)
    {
        List<ConvProblem> of = [.. s_suite.Problems.Where(p => Variants.Of(p).Contains(variant))];
        Direction[] directions = variant switch
        {
            "post-ops" => [Direction.Forward],
            "channel_shuffle" or "im2col" or "col2im" => [Direction.Forward, Direction.BackwardData],
            "deformable v1" => [.. s_linear, Direction.BackwardOffset],
            "deformable v2" or "offset groups" => [.. s_linear, Direction.BackwardOffset, Direction.BackwardMask],
            _ when variant.StartsWith("signal", StringComparison.Ordinal) => s_linear[..3],
            _ => s_linear,
        };
        foreach (Direction d in directions)
        {
            string[] types = d == Direction.BackwardBias || variant == "post-ops" ? s_floats[..1] : variant.StartsWith("signal", StringComparison.Ordinal) ? s_floats[..2] : s_floats;
            foreach (string type in types) Assert.IsTrue(of.Exists(p => p.Direction == d && Variants.Types(p) == type), $"{variant} {d} {type}");
        }
    }

    [TestMethod]
    [DataRow("s8:s8:s32|s8:s8:f32|s8|s8:s8:u8|u8:s8:s32|u8:s8:f32|u8:s8:s8|u8:s8:u8", Direction.Forward)]
    [DataRow("f16|bf16:bf16:f32", Direction.Forward)]
    [DataRow("f16|f32:bf16:bf16", Direction.BackwardData)]
    [DataRow("f16|bf16:f32:bf16", Direction.BackwardWeights)]
    public void EveryTypeHasEveryRankAndDepthwise(string types, Direction direction)
    {
        foreach (string type in types.Split('|'))
            foreach (string variant in (string[])["correlation 1-D", "correlation 2-D", "correlation 3-D", "depthwise", "depthwise multiplier", "grouped", "strided"])
                Assert.IsTrue(s_suite.Problems.Any(p => p.Direction == direction && Variants.Types(p) == type && Variants.Of(p).Contains(variant)), $"{variant} {type}");
    }

    [TestMethod]
    public void SizesDifferSoThatNoTranspositionHides()
    {
        foreach (ConvProblem p in s_suite.Problems)
        {
            // Signals, depthwise and what has one channel on a side have no two channel counts to confuse.
            if (p.InputChannels > 1 && p.HasWeights && !p.IsDepthwise) Assert.AreNotEqual(p.InputChannels, p.OutputChannels, p.ToString());
            Assert.HasCount(p.Rank, p.InputShape.Count == p.Rank + 2 ? p.InputSpatial.Distinct().ToArray() : p.OutputSpatial.Distinct().ToArray(), p.ToString());
            if (p.Rank == 2 && !p.Kernel.All(k => k == 1) && p.Op != ConvOp.ChannelShuffle) Assert.AreNotEqual(p.Kernel[0], p.Kernel[1], p.ToString());
        }
    }

    [TestMethod]
    public void OneDnnLeavesNoVariantOutInF32()
    {
        var engine = new OneDnnBackend();
        if (!engine.Status.Available) Engines.Skip("onednn", engine.Status.Summary);
        foreach (ConvProblem p in s_suite.Problems.Where(p => Variants.Types(p) == "f32"))
        {
            PlanResult made = engine.CreatePlan(p, PlanOptions.Default);
            using ConvPlan? plan = made.Plan;
            Assert.IsNotNull(plan, $"{made.Reason}: {p}");
        }
    }

    [TestMethod]
    [DataRow("--dir=BWD_D --dt=f32:bf16:bf16")]
    [DataRow("--dir=BWD_WB --dt=bf16:f32:bf16")]
    [DataRow("--dir=BWD_D --dt=bf16 --pad-mode=reflect")]
    public void GradientsOfBf16AreComputedInF32(string knobs)
    {
        var engine = new OneDnnBackend();
        if (!engine.Status.Available) Engines.Skip("onednn", engine.Status.Summary);
        CellResult plain = Only("--dir=BWD_D --dt=bf16"), wide = Only(knobs);
        if (plain.Status == CellStatus.Unsupported) Assert.Inconclusive(plain.Message ?? "no bf16");
        Assert.AreEqual(CellStatus.Pass, wide.Status, $"{wide.Problem}: {wide.Message}");

        CellResult Only(string k) => new Checker().Check(ConvProblem.Parse($"{k} mb2ic19ih7iw9oc17kh3kw2ph1pw1"), [engine]).Single();
    }
}
