using System.Runtime.InteropServices;
using ConvNative.Backends.OpenCl;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Cli.Suites;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>The GPU's matrix product against the oracle, on whatever device there is.</summary>
[TestClass]
public sealed class GemmTests
{
    private static readonly GemmRoutine s_gemm = new();

    [TestMethod]
    [DataRow(Direction.Forward, 100)]
    [DataRow(Direction.BackwardData, 50)]
    [DataRow(Direction.BackwardWeights, 80)]
    public void EveryVariantThatItServesIsRight(Direction direction, int least)
    {
        ClDevice device = OpenClDevices.First();
        ConvProblem[] problems =
        [
            .. SuiteCatalog.Load("variants").Problems.Where(p => p.Direction == direction && s_gemm.Lacking(new ClRequest(p, device, PlanOptions.Default)) is null),
        ];
        Assert.IsGreaterThanOrEqualTo(least, problems.Length);
        OpenClChecks.All(problems, new VariantBackend(s_gemm, null, device), "opencl:gemm");
    }

    /// <summary>Sizes that no tile divides, larger than one tile on every side, in every direction.</summary>
    [TestMethod]
    public void EveryTileIsRight()
    {
        ClDevice device = OpenClDevices.First();
        ConvProblem p = ConvProblem.Parse("g2mb2ic38ih11iw17oc142kh3kw2ph1pw1sw2");
        IReadOnlyList<string> tiles = s_gemm.Variants(new ClRequest(p, device, PlanOptions.Default));
        Assert.IsGreaterThan(3, tiles.Count);
        ConvProblem[] directions = [p, .. ((Direction[])[Direction.BackwardData, Direction.BackwardWeights]).Select(d => p.With(s => s with { Direction = d }))];
        foreach (string tile in tiles) OpenClChecks.All(directions, new VariantBackend(s_gemm, tile, device), $"opencl:gemm:{tile}");
    }

    /// <summary>Padding contributes nothing, not 0 * Inf: where something is infinite, direct computes instead.</summary>
    [TestMethod]
    [DataRow(Direction.Forward)]
    [DataRow(Direction.BackwardData)]
    [DataRow(Direction.BackwardWeights)]
    public void WhatIsInfiniteMeetsNoPadding(Direction direction)
    {
        ClDevice device = OpenClDevices.First();
        ConvProblem p = ConvProblem.Parse("--dir=FWD_D mb1ic9ih5iw6oc9kh3kw3ph1pw1").With(s => s with { Direction = direction });
        float[] x = Numbers(p.InputShape), w = Numbers(p.WeightShape), dy = Numbers(p.OutputShape);
        w[0] = float.PositiveInfinity;
        dy[3] = float.NaN;
        float[] plain = Run(new DirectRoutine()), gemm = Run(s_gemm);
        CollectionAssert.AreEqual(plain, gemm);
        Assert.IsTrue(Array.Exists(plain, v => !float.IsFinite(v)), "nothing is infinite");
        Assert.IsTrue(Array.Exists(plain, float.IsFinite), "everything is infinite");

        float[] Run(ClRoutine routine)
        {
            using ClPlan plan = routine.Create(new ClRequest(p, device, PlanOptions.Default));
            if (plan.NeedsWeights) plan.SetWeights(w);
            var result = new float[p.ResultShape.Product];
            plan.Execute(new ConvArguments
            {
                Input = direction == Direction.BackwardData ? [] : MemoryMarshal.AsBytes(x.AsSpan()),
                OutputGradient = direction == Direction.Forward ? [] : MemoryMarshal.AsBytes(dy.AsSpan()),
                Result = MemoryMarshal.AsBytes(result.AsSpan()),
            });
            return result;
        }
    }

    // Small whole numbers: sums are exact in any order.
    private static float[] Numbers(Dims shape)
    {
        var random = new Random(5);
        var v = new float[shape.Product];
        foreach (ref float f in v.AsSpan()) f = random.Next(-3, 4);
        return v;
    }
}
