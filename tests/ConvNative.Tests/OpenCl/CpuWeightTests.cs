using ConvNative.Backends.OpenCl.Cpu;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>Weights that are not finite must not meet the zeros of padding; plans take one set of weights after another.</summary>
[TestClass]
public sealed class CpuWeightTests
{
    private static readonly Dictionary<string, ClRoutine> s_routines = new(StringComparer.Ordinal)
    {
        ["cpu_blocked"] = new CpuBlockedRoutine(),
        ["cpu_planes"] = new CpuPlanesRoutine(),
        ["cpu_lanes"] = new CpuLanesRoutine(),
        ["cpu_flat"] = new CpuFlatRoutine(),
    };

    [TestMethod]
    [DataRow("cpu_blocked", "--dir=FWD_D ic3ih5iw6oc18kh3kw3ph1pw1")]
    [DataRow("cpu_planes", "--dir=FWD_D g4ic4ih5iw6oc4kh3kw3ph1pw1")]
    [DataRow("cpu_flat", "--dir=FWD_D g4ic4ih5iw6oc4kh3kw3ph1pw1")]
    [DataRow("cpu_lanes", "--dir=FWD_D --stag=axb --dtag=axb g17ic17ih5iw6oc17kh3kw3ph1pw1")]
    public void InfiniteWeightsLeavePaddingOut(string routine, string text)
    {
        ConvProblem p = ConvProblem.Parse(text);
        PlanResult made = new RoutineBackend(OpenClDevices.Engine(), s_routines[routine]).CreatePlan(p, PlanOptions.Default);
        Assert.IsNotNull(made.Plan, made.Reason);
        using ConvPlan plan = made.Plan;
        var input = new float[p.InputShape.Product];
        var weights = new float[p.WeightCount];
        Array.Fill(input, 1);
        Array.Fill(weights, 1);
        float perTap = p.InputShape[1] / p.Groups;
        float[] finite = Run();
        Assert.AreEqual(4 * perTap, finite[0]);

        // The first tap of the first channel: rows and columns from 1 on see it.
        weights[0] = float.PositiveInfinity;
        float[] infinite = Run();
        Dims at = Layouts.Strides(p.OutputShape, p.OutputLayout);
        for (int h = 0; h < 5; h++)
            for (int w = 0; w < 6; w++)
            {
                long i = (h * at[2]) + (w * at[3]);
                if (h > 0 && w > 0) Assert.AreEqual(float.PositiveInfinity, infinite[i], $"{h}, {w}");
                else Assert.AreEqual(finite[i], infinite[i], $"{h}, {w}");
            }

        weights[0] = 2;
        float[] again = Run();
        Assert.AreEqual(4 * perTap, again[0]);
        Assert.AreEqual((9 * perTap) + 1, again[at[2] + at[3]]);

        float[] Run()
        {
            var output = new float[p.OutputShape.Product];
            plan.SetWeights(weights);
            plan.Run(input, output);
            return output;
        }
    }
}
