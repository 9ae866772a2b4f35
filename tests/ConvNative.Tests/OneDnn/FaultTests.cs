using ConvNative.Backends.OneDnn;
using ConvNative.Backends.OneDnn.Choice;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Cli.Checking;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Kernels of oneDNN that must not be given certain problems: the names tell that they are not, the oracle that what is given is right.</summary>
[TestClass]
public sealed class FaultTests
{
    private static readonly OneDnnBackend s_engine = new();

    [TestMethod]
    [DataRow("mb8ic3ih16iw16oc16kh1kw1sh2sw2ph0pw0")]
    [DataRow("mb8ic7ih16iw16oc16kh1kw1sh2sw2ph0pw0")]
    [DataRow("mb8ic15ih16iw16oc16kh1kw1sh2sw2ph0pw0")]
    [DataRow("mb8ic3iw32oc16kw1sw2pw0")]
    [DataRow("--dt=bf16 mb8ic3ih16iw16oc16kh1kw1sh2sw2ph0pw0")]
    [DataRow("--deconv --output-padding=1 mb8ic16ih8iw8oc3kh1kw1sh2sw2ph0pw0")]
    public void PointwiseStridedWeightGradientsGatherNothing(string text)
    {
        OneDnnRun.Require();
        foreach (string layouts in (string[])["--stag=axb --dtag=axb", "--stag=abx --dtag=abx", "--stag=any --dtag=any"])
        {
            ConvProblem p = ConvProblem.Parse($"--dir=BWD_W {layouts} {text}");
            foreach (OneDnnCandidate candidate in OneDnnCandidate.For(p, 2))
            {
                using OneDnnKernel? kernel = OneDnnKernel.TryCreate(p, candidate);
                if (kernel is not null && kernel.Implementation.Contains("_1x1:", StringComparison.Ordinal)) Assert.IsTrue(IsBlocked(p, kernel), $"{kernel.Implementation} {candidate} {p}");
            }

            CellResult cell = new Checker().Check(p, [s_engine]).Single();
            if (cell.Status != CellStatus.Unsupported) Assert.AreEqual(CellStatus.Pass, cell.Status, $"{cell.Implementation}: {cell.Message}");
            else Assert.IsTrue(cell.DataType == "bf16" && cell.Message!.Contains("no backward_weights implementation", StringComparison.Ordinal), cell.Message);
        }
    }

    /// <summary>Just outside: a whole block of channels, no stride, a wider kernel, groups, another direction.</summary>
    [TestMethod]
    [DataRow("--dir=BWD_W --stag=axb --dtag=axb mb8ic16ih16iw16oc16kh1kw1sh2sw2ph0pw0")]
    [DataRow("--dir=BWD_W --stag=axb --dtag=axb mb8ic24ih16iw16oc64kh1kw1sh2sw2ph0pw0")]
    [DataRow("--dir=BWD_W --stag=axb --dtag=axb mb8ic3ih16iw16oc16kh1kw1ph0pw0")]
    [DataRow("--dir=BWD_W --stag=axb --dtag=axb mb8ic3ih16iw16oc16kh1kw2sh2sw2ph0pw0")]
    [DataRow("--dir=BWD_W --stag=axb --dtag=axb g2mb8ic6ih16iw16oc16kh1kw1sh2sw2ph0pw0")]
    [DataRow("--dir=FWD_B --stag=axb --dtag=axb mb8ic3ih16iw16oc16kh1kw1sh2sw2ph0pw0")]
    [DataRow("--dir=BWD_D --stag=axb --dtag=axb mb8ic3ih16iw16oc16kh1kw1sh2sw2ph0pw0")]
    public void NeighboursAreRight(string text)
    {
        OneDnnRun.Require();
        CellResult cell = new Checker().Check(ConvProblem.Parse(text), [s_engine]).Single();
        Assert.AreEqual(CellStatus.Pass, cell.Status, $"{cell.Implementation}: {cell.Message}");
    }

    [TestMethod]
    [DataRow("mb8ic16ih16iw16oc16kh1kw1sh2sw2ph0pw0")]
    [DataRow("mb8ic15ih16iw16oc32kh1kw1ph0pw0")]
    public void OutsideThePointwiseKernelStays(string text)
    {
        OneDnnRun.Require();
        ConvProblem p = ConvProblem.Parse($"--dir=BWD_W --stag=axb --dtag=axb {text}");
        using OneDnnKernel kernel = OneDnnKernel.TryCreate(p, new OneDnnCandidate(PropagationKind.Inference, ActivationLayout.Caller, 1))!;
        StringAssert.Contains(kernel.Implementation, "_1x1:");
    }

    // One plain layout is as long as its elements; blocks of channels are filled up.
    private static bool IsBlocked(ConvProblem p, OneDnnKernel kernel) =>
        (p.Op == ConvOp.Transposed ? kernel.NativeOutputBytes : kernel.NativeInputBytes) > (p.Op == ConvOp.Transposed ? p.OutputShape : p.InputShape).Product * p.InputType.SizeOf();
}
