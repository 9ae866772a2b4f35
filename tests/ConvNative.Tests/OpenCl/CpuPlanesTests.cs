using ConvNative.Backends.OpenCl.Cpu;
using ConvNative.Backends.OpenCl.Routines;

namespace ConvNative.Tests.OpenCl;

/// <summary>cpu_planes against the oracle: few output channels a group, channels-first.</summary>
[TestClass]
public sealed class CpuPlanesTests
{
    private static readonly ClRoutine s_routine = new CpuPlanesRoutine();

    [TestMethod]
    public void Depthwise() => OpenClChecks.All(
        s_routine,
        "--dir=FWD_B g7mb2ic7ih13iw19oc7kh3kw3ph1pw1",
        "g5ic5ih40iw45oc5kh3kw3sh2sw2ph1pw1",
        "g4ic4ih14iw31oc4kh5kw3ph4pw2dh1dw1",
        "g3ic3ih17iw22oc3kh4kw4sh3sw3ph1pw1",
        "--dir=FWD_B g3ic3ih7iw7oc3kh7kw7ph0pw0",
        "g2ic2id5ih6iw17oc2kd3kh3kw3pd1ph1pw1",
        "g2ic2id6ih7iw18oc2kd3kh3kw3sd2sh2sw2pd1ph1pw1",
        "g3ic3iw301oc3kw9pw4",
        "--dt=f64 g5mb2ic5ih13iw19oc5kh3kw3sh2sw2ph1pw1",
        "g2mb1ic2ih61iw63oc2kh3kw3sh2sw2ph1pw1",
        "g2mb1ic2ih41iw45oc2kh5kw5ph2pw2",
        "--op=conv g5ic5ih9iw18oc5kh3kw3ph1pw1");

    [TestMethod]
    public void FewChannelsAGroup() => OpenClChecks.All(
        s_routine,
        "--dir=FWD_B g3mb2ic12ih11iw21oc12kh3kw3ph1pw1",
        "g2ic6ih9iw10oc16kh3kw3sh2sw2ph1pw1",
        "--dir=FWD_B g4ic4ih8iw9oc12kh3kw3ph1pw1",
        "ic19ih10iw11oc5kh3kw3ph1pw1",
        "--dir=FWD_B ic3ih33iw37oc1kh3kw3ph1pw1",
        "g2ic10ih6iw7oc14kh1kw1ph0pw0",
        "--dt=f64 g2ic6ih9iw10oc6kh3kw3ph1pw1");

    [TestMethod]
    public void PaddingModes() => OpenClChecks.All(
        s_routine,
        "--pad-mode=constant:1.5 g6ic6ih7iw19oc6kh3kw3ph1pw1",
        "--pad-mode=reflect g6ic6ih7iw9oc6kh3kw4ph2pw3",
        "--pad-mode=symmetric g3ic6ih7iw9oc6kh3kw4ph2pw3",
        "--pad-mode=replicate g6ic6ih7iw9oc6kh3kw4sh2sw2ph2pw3",
        "--pad-mode=circular g6ic6ih7iw9oc6kh3kw4ph2pw3");

    [TestMethod]
    public void AdjointByPhases() => OpenClChecks.All(
        s_routine,
        "--deconv --dir=FWD_B g4ic4ih9iw10oc4kh3kw3sh2sw2ph0pw0",
        "--deconv g2ic8ih6iw7oc6kh4kw4sh3sw3ph1pw1",
        "--deconv g3ic3ih5iw6oc3kh1kw1sh2sw2ph0pw0",
        "--dir=BWD_D g5ic5ih13iw19oc5kh3kw3ph1pw1",
        "--dir=BWD_D g4ic8ih13iw12oc12kh3kw3sh2sw2ph1pw1",
        "--dir=BWD_D --op=conv g3ic3ih9iw18oc3kh4kw3ph1pw1");

    [TestMethod]
    public void PostOperations() => OpenClChecks.All(
        s_routine, [.. CpuPostOps.All.Select(p => $"--dir=FWD_B --attr-post-ops={p} g5ic5ih6iw21oc5kh3kw3ph1pw1")]);

    [TestMethod]
    [DataRow("g5mb2ic5ih13iw19oc5kh3kw3sh2sw2ph1pw1")]
    [DataRow("--dir=FWD_B g2ic6ih9iw21oc16kh3kw3ph1pw1")]
    public void EveryCutOfTheSpaceIsRight(string problem) => CpuCuts.AllAreRight(s_routine, problem, "opencl:cpu_planes");
}
