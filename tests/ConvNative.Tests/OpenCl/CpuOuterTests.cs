using ConvNative.Backends.OpenCl.Cpu;
using ConvNative.Backends.OpenCl.Routines;

namespace ConvNative.Tests.OpenCl;

/// <summary>cpu_outer against the oracle: gradients of weights with vectors on either side, packed and in place, one and several slices.</summary>
[TestClass]
public sealed class CpuOuterTests
{
    private const string Last = "--stag=axb --dtag=axb ";

    private static readonly ClRoutine s_routine = new CpuOuterRoutine();

    [TestMethod]
    public void EitherSideHasTheVectors() => OpenClChecks.All(
        s_routine,
        "--dir=BWD_WB mb2ic19ih9iw17oc37kh4kw5ph1pw1",
        "--dir=BWD_W ic3ih13iw11oc33kh3kw3ph1pw1",
        "--dir=BWD_W ic34ih6iw7oc2kh3kw3ph1pw1",
        "--dir=BWD_W ic16ih3iw2oc9kh3kw2ph1pw1",
        Last + "--dir=BWD_WB mb2ic35ih6iw23oc70kh3kw3ph1pw1",
        Last + "--dir=BWD_W ic32ih7iw9oc5kh3kw3ph1pw1",
        Last + "--dir=BWD_W ic7ih7iw9oc64kh1kw1ph0pw0",
        "--stag=axb --dtag=abx --dir=BWD_W ic18ih7iw7oc81kh3kw3ph1pw1",
        "--dt=f64 --dir=BWD_WB ic11ih9iw13oc23kh3kw3ph1pw1",
        "--dt=f64 " + Last + "--dir=BWD_W ic9ih7iw15oc24kh3kw3sh2sw2ph1pw1");

    [TestMethod]
    public void StridesDilationsGroupsAndRanks() => OpenClChecks.All(
        s_routine,
        "--dir=BWD_W ic3ih23iw29oc33kh7kw7sh2sw2ph2pw2",
        Last + "--dir=BWD_W g3mb2ic27ih8iw9oc60kh3kw3ph2pw2dh1dw1",
        "--dir=BWD_W g2ic32ih6iw11oc38kh1kw1sh2sw2ph0pw0",
        "--dir=BWD_W ic9id5ih6iw7oc21kd3kh3kw3pd1ph1pw1",
        Last + "--dir=BWD_W ic7id4ih9iw8oc19kd2kh2kw3sd2sh2sw2pd0ph1pw1",
        "--dir=BWD_W ic5iw300oc18kw4pw0dw19",
        "--dir=BWD_W --op=conv ic6ih8iw9oc17kh4kw3ph1pw1",
        "--deconv --dir=BWD_WB ic18ih5iw6oc35kh3kw3sh2sw2ph0pw0",
        "--deconv --dir=BWD_W " + Last + "g2ic12ih5iw4oc38kh4kw3ph0pw0",
        "--dir=BWD_W mb3ic3ih40iw41oc16kh2kw2ph0pw0");

    [TestMethod]
    public void EveryTileOfTheSpaceIsRight() => CpuCuts.AllAreRight(s_routine, "--dir=BWD_W mb2ic38ih11iw17oc70kh3kw2ph1pw1sw2", "opencl:cpu_outer");
}
