using ConvNative.Backends.OpenCl.Cpu;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>cpu_flat against the oracle: depthwise planes as lines, rows shorter and longer than a vector, cut and whole.</summary>
[TestClass]
public sealed class CpuFlatTests
{
    private static readonly ClRoutine s_routine = new CpuFlatRoutine();

    [TestMethod]
    public void RowsOfEveryLength() => OpenClChecks.All(
        s_routine,
        "--dir=FWD_B g7mb2ic7ih13iw19oc7kh3kw3ph1pw1",
        "g5ic5ih40iw45oc5kh5kw5ph2pw2",
        "g3ic3ih7iw7oc3kh3kw3ph1pw1",
        "--dir=FWD_B g4mb3ic4ih7iw7oc4kh5kw7ph2pw3",
        "g3ic3ih9iw5oc3kh3kw3ph1pw1",
        "g3ic3ih3iw2oc3kh3kw3ph1pw1",
        "g2ic2ih1iw1oc2kh3kw3ph1pw1",
        "g6ic6ih14iw14oc6kh7kw7ph3pw3",
        "g3ic3iw301oc3kw5pw2",
        "g2ic2ih16iw16oc2kh1kw3ph0pw1",
        "g2ic2ih61iw63oc2kh3kw3ph1pw1",
        "g2ic2ih9iw17oc2kh4kw4oh9ow17ph1pw2",
        "--dt=f64 --dir=FWD_B g5mb2ic5ih13iw19oc5kh3kw3ph1pw1",
        "--dt=f64 g5ic5ih6iw5oc5kh5kw5ph2pw2",
        "--op=conv g5ic5ih9iw18oc5kh3kw5ph1pw2");

    [TestMethod]
    public void RowsBeyondTheSourceAndWithinIt() => OpenClChecks.All(
        s_routine,
        "g2ic2ih9iw17oc2kh3kw3ph0pw1",
        "g2ic2ih5iw17oc2kh3kw3ph3pw1",
        "g2ic2ih4iw9oc2kh3kw1ph2pw0",
        "--dir=FWD_B g2ic2ih300iw70oc2kh3kw3ph1pw1");

    [TestMethod]
    public void PartsWhollyInPadding() => OpenClChecks.All(
        s_routine,
        "g2ic2ih4iw640oc2oh24ow640kh3kw3ph1pw1",
        "g2ic2ih4iw640oc2kh3kw3ph30pw1",
        "--dir=BWD_D g2ic2ih20iw640oc2oh4ow640kh3kw3ph1pw1");

    /// <summary>Width decides how much local memory a row takes: the widest that fits is served, wider ones by another routine.</summary>
    [TestMethod]
    public void RowsThatLocalMemoryDoesNotHold()
    {
        long widest = (OpenClDevices.First().Properties.LocalBytes / (2 * sizeof(float))) - 32;
        OpenClChecks.All(s_routine, $"ic1iw{widest}oc1kw5pw2");

        ConvProblem tooWide = ConvProblem.Parse($"ic1iw{widest + 33}oc1kw5pw2");
        Assert.Contains("local memory", s_routine.Lacking(new ClRequest(tooWide, OpenClDevices.First(), PlanOptions.Default))!);
        OpenClChecks.All([tooWide]);
        using ConvPlan plan = ConvPlan.Create(tooWide, null, "opencl");
        Assert.AreNotEqual("opencl:cpu_flat", plan.Implementation);
    }

    /// <summary>A cut with many rows takes more local memory than the routine's own, which fits.</summary>
    [TestMethod]
    public void CutsThatLocalMemoryDoesNotHold()
    {
        ClDevice device = OpenClDevices.First();
        long width = device.Properties.LocalBytes / (6 * sizeof(float));
        var request = new ClRequest(ConvProblem.Parse($"g2ic2ih3iw{width}oc2kh3kw3ph1pw1"), device, PlanOptions.Default);
        Assert.IsNull(s_routine.Lacking(request));
        Assert.IsTrue(s_routine.Has(request, "2x1"));
        Assert.IsFalse(s_routine.Has(request, "4x1"));
        Assert.DoesNotContain("4x1", s_routine.Near(request, ""));
    }

    [TestMethod]
    public void Adjoint() => OpenClChecks.All(
        s_routine,
        "--deconv --dir=FWD_B g4ic4ih9iw10oc4kh3kw3ph1pw1",
        "--dir=BWD_D g5ic5ih13iw19oc5kh3kw5ph1pw2",
        "--dir=BWD_D --op=conv g3ic3ih9iw18oc3kh3kw3ph1pw1");

    [TestMethod]
    public void PostOperations() => OpenClChecks.All(
        s_routine, [.. CpuPostOps.All.Select(p => $"--dir=FWD_B --attr-post-ops={p} g5ic5ih3iw21oc5kh3kw3ph1pw1")]);

    [TestMethod]
    [DataRow("g5mb2ic5ih9iw17oc5kh3kw3ph1pw1")]
    public void EveryCutOfTheSpaceIsRight(string problem) => CpuCuts.AllAreRight(s_routine, problem, "opencl:cpu_flat");
}
