using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>Everything that the tuner may try with a routine for processors.</summary>
internal static class CpuCuts
{
    /// <summary>Every cut around the routine's own one, and some that differ in two things, against the oracle.</summary>
    public static void AllAreRight(ClRoutine routine, string problem, string implementation)
    {
        ClDevice device = OpenClDevices.First();
        ConvProblem p = ConvProblem.Parse(problem);
        var request = new ClRequest(p, device, PlanOptions.Default);
        string? lacking = routine.Lacking(request);
        if (OpenClChecks.IsBeyondVectors(lacking)) Assert.Inconclusive(lacking!);
        Assert.IsNull(lacking);
        string[] cuts = [.. routine.Near(request, "")];
        Assert.IsGreaterThan(4, cuts.Length);
        foreach (string cut in cuts.Append(routine.Near(request, cuts[^1]).First()))
        {
            Assert.IsTrue(routine.Has(request, cut), cut);
            OpenClChecks.All([p], new VariantBackend(routine, cut, device), implementation);
        }

        foreach (string none in (string[])["99x2", "7x3", "nonsense", "2x2 ", "parts", "-1parts", "4x", "0x0"]) Assert.IsFalse(routine.Has(request, none), none);
    }
}
