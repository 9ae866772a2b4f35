using ConvNative.Backends.CuDnn;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Suites;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>The engine through the double against the Oracle: nothing unsupported, nothing wrong, nothing left behind.</summary>
[TestClass]
public sealed class EngineSuiteTests
{
    [TestMethod]
    public void Smoke() => All(SuiteCatalog.Load("smoke").Problems, PlanOptions.Default);

    [TestMethod]
    public void Edge() => All(SuiteCatalog.Load("edge").Problems, PlanOptions.Default);

    [TestMethod]
    public void Variants() => All(SuiteCatalog.Load("variants").Problems, PlanOptions.Default);

    [TestMethod]
    public void Deterministic() => All([.. SuiteCatalog.Load("variants").Problems.Where((p, i) => i % 23 == 0 || (p.Op == ConvOp.Deformable && p.Direction == Direction.BackwardData && i % 3 == 0))], new PlanOptions { Deterministic = true });

    /// <summary>TF32, Winograd and FFT come with their own bounds.</summary>
    [TestMethod]
    public void Fast() => All(SuiteCatalog.Load("smoke").Problems, new PlanOptions { Math = MathMode.Fast });

    [TestMethod]
    public void EmptyBatch() => All(
        [ConvProblem.Parse("mb0ic3ih5iw6oc4kh3kw2ph1"), ConvProblem.Parse("--dir=BWD_WB mb0ic3ih5iw6oc4kh3kw2ph1"), ConvProblem.Parse("--dir=BWD_D mb0ic3ih5iw6oc4kh3kw2ph1")],
        PlanOptions.Default);

    [TestMethod]
    public void LayoutAnyIsPackedAndUnpacked() => All(
        [
            .. from dt in new[] { "f32", "f16", "u8:s8:f32" }
               from dir in new[] { "FWD_B", "BWD_D", "BWD_W" }
               where dt != "u8:s8:f32" || dir == "FWD_B"
               select ConvProblem.Parse($"--dir={dir} --dt={dt} --stag=any --wtag=any --dtag=any mb2ic5ih6iw7oc8kh3kw2ph1pw0"),
        ],
        PlanOptions.Default);

    [TestMethod]
    public void PostOpsBehindRearrangements() => All(
        [
            .. from dt in new[] { "f32", "f64", "bf16", "f16" }
               from ops in new[] { "relu", "sum:0.5", "linear:-0.7", "sum+gelu_erf+linear:0.3" }
               from problem in new[]
               {
                   "--op=shuffle g3mb2ic15ih3iw7", "--op=im2col mb1ic3ih7iw8kh3kw2sh1sw2ph1pw0", "--op=col2im mb1ih5iw4oc2oh7ow8kh3kw2sh1sw2ph1pw0",
                   "--op=im2col --pad-mode=reflect mb1ic3ih5iw6kh4kw3ph2pw3", "--op=shuffle --stag=axb --dtag=axb g3mb2ic15ih3iw7",
               }
               select ConvProblem.Parse($"--dir=FWD_D --dt={dt} --attr-post-ops={ops} {problem}"),
        ],
        PlanOptions.Default);

    private static void All(IReadOnlyList<ConvProblem> problems, PlanOptions options)
    {
        Double.Need();
        var engine = new CuDnnBackend();
        try
        {
            var checker = new Checker(options);
            var wrong = new List<string>();
            foreach (ConvProblem p in problems)
            {
                CellResult cell = checker.Check(p, [engine]).Single();
                if (cell.Status != CellStatus.Pass) wrong.Add($"{p}: {cell.Status} {cell.Implementation} {cell.Message}");
                else StringAssert.StartsWith(cell.Implementation, "cudnn (protocol double)");
            }

            Assert.IsEmpty(wrong, $"{wrong.Count} of {problems.Count}:\n{string.Join('\n', wrong.Take(20))}");
        }
        finally
        {
            engine.CloseDevices();
        }

        Assert.AreEqual(0, Double.LiveObjects, Double.Ledger);
        Assert.AreEqual(0, Double.Misuses, Double.MisuseText);
        Assert.AreEqual(0, Double.GuardErrors);
    }
}
