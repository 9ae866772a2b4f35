using ConvNative.Backends.OpenCl.Cpu;
using ConvNative.Backends.OpenCl.Routines;

namespace ConvNative.Tests.OpenCl;

/// <summary>cpu_lanes against the oracle: whole groups in a vector, channels-last.</summary>
[TestClass]
public sealed class CpuLanesTests
{
    private const string Last = "--stag=axb --dtag=axb ";

    private static readonly ClRoutine s_routine = new CpuLanesRoutine();

    [TestMethod]
    public void Depthwise() => OpenClChecks.All(
        s_routine,
        Last + "--dir=FWD_B g37mb2ic37ih9iw21oc37kh3kw3ph1pw1",
        Last + "g16ic16ih13iw12oc16kh3kw3sh2sw2ph1pw1",
        Last + "g34ic34ih3iw33oc34kh5kw5ph2pw2",
        Last + "--dir=FWD_B g50mb2ic50ih5iw40oc50kh7kw7sh2sw2ph3pw3",
        Last + "g16ic16ih6iw29oc16kh2kw6sh1sw3ph1pw2",
        Last + "g16ic16ih2iw2oc16kh3kw3ph1pw1",
        Last + "g200mb3ic200ih7iw7oc200kh3kw3ph1pw1",
        Last + "g17ic17ih8iw19oc17kh3kw9ph1pw4",
        Last + "g33ic33ih14iw15oc33kh3kw5ph2pw4dh1dw1",
        Last + "g19ic19ih7iw7oc19kh7kw7ph0pw0",
        Last + "--dir=FWD_B g17ic17id4ih5iw19oc17kd3kh3kw3pd1ph1pw1",
        Last + "g20ic20iw51oc20kw5sw2pw2",
        Last + "--op=conv g18ic18ih8iw9oc18kh4kw3ph1pw1",
        Last + "--dt=f64 g21mb2ic21ih9iw11oc21kh3kw3ph1pw1",
        Last + "--pad-mode=reflect g18ic18ih7iw9oc18kh3kw4ph2pw3",
        Last + "--pad-mode=circular g18ic18ih7iw9oc18kh3kw4sh2sw2ph2pw3");

    [TestMethod]
    public void FewChannelsAGroup() => OpenClChecks.All(
        s_routine,
        Last + "--dir=FWD_B g9mb2ic18ih9iw11oc18kh3kw3ph1pw1",
        Last + "g5ic20ih9iw21oc20kh3kw3sh2sw2ph1pw1",
        Last + "--dir=FWD_B g3ic24ih8iw9oc24kh3kw3ph1pw1",
        Last + "--dir=FWD_B g6ic24ih8iw31oc24kh5kw5ph2pw2",
        Last + "g4ic32ih6iw23oc32kh3kw5sh2sw2ph1pw1",
        Last + "--dt=f64 g5ic10ih9iw11oc10kh3kw3ph1pw1",
        Last + "--dt=f64 g3ic12ih9iw11oc12kh3kw3ph1pw1");

    [TestMethod]
    public void PostOperations() => OpenClChecks.All(
        s_routine, [.. CpuPostOps.All.Select(p => $"{Last}--dir=FWD_B --attr-post-ops={p} g19ic19ih6iw5oc19kh3kw3ph1pw1")]);

    [TestMethod]
    [DataRow("--stag=axb --dtag=axb g37mb2ic37ih9iw11oc37kh3kw3ph1pw1")]
    public void EveryCutOfTheSpaceIsRight(string problem) => CpuCuts.AllAreRight(s_routine, problem, "opencl:cpu_lanes");
}
