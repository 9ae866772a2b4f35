using ConvNative.Backends.OpenCl.Cpu;
using ConvNative.Backends.OpenCl.Routines;

namespace ConvNative.Tests.OpenCl;

/// <summary>cpu_blocked against the oracle: every way in which rows, channels, taps and phases are cut.</summary>
[TestClass]
public sealed class CpuBlockedTests
{
    private static readonly ClRoutine s_routine = new CpuBlockedRoutine();

    [TestMethod]
    public void TilesAndBlocksWithRemainders() => OpenClChecks.All(
        s_routine,
        "--dir=FWD_B ic19ih9iw17oc37kh4kw5ph1pw1",
        "--dir=FWD_B --stag=axb --dtag=axb mb2ic35ih6iw23oc70kh3kw3ph1pw1",
        "--stag=axb --dtag=abx ic18ih7iw7oc81kh3kw3ph1pw1",
        "--stag=abx --dtag=axb ic9ih4iw16oc33kh1kw3ph0pw0",
        "--dir=FWD_B mb2ic33ih11iw13oc21kh1kw1ph0pw0",
        "--stag=axb --dtag=axb ic40ih5iw9oc16kh1kw1ph0pw0",
        "ic5ih3iw331oc18kh1kw3ph0pw1",
        "ic2iw700oc34kw4pw0dw19",
        "--dir=FWD_B --dt=f64 ic11ih9iw13oc23kh3kw3ph1pw1",
        "--dt=f64 --stag=axb --dtag=axb ic9ih7iw15oc24kh3kw3sh2sw2ph1pw1");

    [TestMethod]
    public void StridesDilationsGroupsAndRanks() => OpenClChecks.All(
        s_routine,
        "--dir=FWD_B ic3ih23iw29oc33kh7kw7sh2sw2ph2pw2",
        "--stag=axb --dtag=axb ic3ih23iw29oc33kh5kw5sh3sw3ph1pw1",
        "ic1ih12iw31oc20kh1kw7ph0pw3",
        "--dir=FWD_B g3mb2ic27ih8iw9oc60kh3kw3ph2pw2dh1dw1",
        "--stag=axb --dtag=axb g2ic32ih6iw11oc38kh1kw1sh2sw2ph0pw0",
        "--dir=FWD_B ic9id5ih6iw7oc21kd3kh3kw3pd1ph1pw1",
        "ic7id4ih9iw8oc19kd2kh2kw3sd2sh2sw2pd0ph1pw1",
        "--op=conv ic6ih8iw9oc17kh4kw3ph1pw1",
        "--op=conv ic2ih8iw9oc17kh3kw5ph1pw2",
        "ic40ih13iw19oc33kh3kw3sh3sw3ph1pw1");

    [TestMethod]
    public void PaddingModes() => OpenClChecks.All(
        s_routine,
        "--pad-mode=constant:1.5 ic6ih7iw9oc18kh3kw3ph1pw1",
        "--pad-mode=reflect ic6ih7iw9oc18kh3kw4ph2pw3",
        "--pad-mode=symmetric --stag=axb --dtag=axb ic17ih7iw9oc18kh3kw4ph2pw3",
        "--pad-mode=replicate ic6ih7iw9oc18kh3kw4sh2sw2ph2pw3",
        "--pad-mode=circular ic6ih7iw9oc18kh3kw4ph2pw3");

    [TestMethod]
    public void AdjointByPhases() => OpenClChecks.All(
        s_routine,
        "--deconv --dir=FWD_B ic18ih5iw6oc35kh3kw3sh2sw2ph0pw0",
        "--deconv --stag=axb --dtag=axb ic33ih5iw7oc40kh2kw2sh2sw2ph0pw0",
        "--deconv ic9ih4iw5oc19kh5kw5sh3sw3ph1pw1",
        "--deconv g2ic12ih5iw4oc38kh4kw3ph0pw0",
        "--deconv ic9ih4iw5oc17kh1kw1sh2sw2ph0pw0",
        "--deconv ic2ih5iw6oc17kh3kw6sh2sw2ph0pw0",
        "--dir=BWD_D ic37ih9iw11oc18kh3kw3ph1pw1",
        "--dir=BWD_D --stag=axb --dtag=axb ic35ih15iw13oc22kh3kw3sh2sw2ph1pw1",
        "--dir=BWD_D --op=conv ic21ih8iw9oc7kh4kw3ph1pw1",
        "--dir=BWD_D --pad-mode=constant:2 ic19ih7iw9oc8kh3kw3ph1pw1",
        "--dir=BWD_D g2ic40id3ih5iw6oc10kd3kh3kw3pd1ph1pw1");

    [TestMethod]
    [DataRow("abx")]
    [DataRow("axb")]
    public void PostOperations(string tag)
    {
        string shape = $"--dir=FWD_B --stag={tag} --dtag={tag} ", end = " ic6ih7iw17oc33kh3kw3ph1pw1";
        OpenClChecks.All(
            s_routine,
            [.. CpuPostOps.All.Select(p => $"{shape}--attr-post-ops={p}{end}"), $"{shape}--dt=f64 --attr-post-ops=sum:0.5+gelu_erf+linear:-0.7{end}"]);
    }

    [TestMethod]
    public void SmallWorkspaceIsRespected()
    {
        var p = ConvNative.Problems.ConvProblem.Parse("ic19ih9iw17oc37kh3kw3ph1pw1");
        Plans.PlanResult r = new RoutineBackend(OpenClDevices.Engine(), s_routine).CreatePlan(p, new Plans.PlanOptions { MaxWorkspaceBytes = 1000 });
        Assert.IsNull(r.Plan);
        Assert.Contains("MaxWorkspaceBytes", r.Reason!);
    }

    [TestMethod]
    [DataRow("--stag=axb --dtag=axb --dir=FWD_B mb2ic38ih11iw17oc70kh1kw1ph0pw0")]
    [DataRow("ic6ih9iw17oc70kh3kw3ph1pw1")]
    [DataRow("--stag=axb --dtag=axb g2ic38ih9iw13oc20kh3kw2sh2sw2ph0pw0")]
    public void EveryCutOfTheSpaceIsRight(string problem) => CpuCuts.AllAreRight(s_routine, problem, "opencl:cpu_blocked");
}
