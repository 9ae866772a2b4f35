using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Backward directions by identities that need no second implementation: the adjoint, and exact difference quotients.</summary>
[TestClass]
public class ManagedGradientTests
{
    private static double Dot(double[] a, double[] b)
    {
        Assert.AreEqual(a.Length, b.Length);
        double s = 0;
        for (int i = 0; i < a.Length; i++) s += a[i] * b[i];
        return s;
    }

    [TestMethod]
    public void BackwardDataIsTheAdjoint()
    {
        foreach (ConvProblem q in ManagedProblems.Spread(ManagedProblems.Linear().Concat(ManagedProblems.Rearrangements()).Concat(ManagedProblems.Deformable())))
        {
            // With a constant around it the map is affine: its linear part is the one with zeros.
            ConvProblem p = q.With(s => s with { HasBias = false });
            for (int seed = 1; seed <= 3; seed++)
            {
                var run = new ManagedRun(p, seed);
                var still = new ManagedRun(p, seed);
                Array.Clear(still.Input);
                double forward = Dot(run.Get(Direction.Forward), run.OutputGradient) - Dot(still.Get(Direction.Forward), run.OutputGradient);
                Assert.AreEqual(forward, Dot(run.Input, run.Get(Direction.BackwardData)), $"{p.Name}: {p}");
            }
        }
    }

    [TestMethod]
    public void BackwardWeightsIsTheAdjoint()
    {
        foreach (ConvProblem p in ManagedProblems.Spread(ManagedProblems.Linear().Concat(ManagedProblems.Deformable())))
            for (int seed = 1; seed <= 3; seed++)
            {
                var run = new ManagedRun(p, seed);
                double forward = Dot(run.Get(Direction.Forward), run.OutputGradient);
                double[] dw = run.Get(Direction.BackwardWeights);
                Assert.AreEqual(forward, Dot(run.Weights, dw) + Dot(run.Bias, run.BiasGradient), $"{p.Name}: {p}");
                CollectionAssert.AreEqual(run.BiasGradient, run.Get(Direction.BackwardBias), $"{p.Name}: {p}");
            }
    }

    [TestMethod]
    public void EmptyBatchHasZeroGradients()
    {
        foreach (ConvProblem p in ManagedProblems.Spread(ManagedProblems.Linear().Concat(ManagedProblems.Deformable()).Where(s => s.InputShape[0] == 0)))
        {
            var run = new ManagedRun(p);
            Assert.AreEqual(0, run.Get(Direction.Forward).Length);
            Assert.AreEqual(0, run.Get(Direction.BackwardData).Length);
            Assert.IsTrue(Array.TrueForAll(run.Get(Direction.BackwardWeights), v => v == 0), $"{p}");
            Assert.IsTrue(Array.TrueForAll(run.BiasGradient, v => v == 0), $"{p}");
        }
    }

    [TestMethod]
    public void BackwardMaskIsTheAdjoint()
    {
        foreach (ConvProblem q in ManagedProblems.Spread(ManagedProblems.Deformable().Where(s => s.HasMask)))
        {
            ConvProblem p = q.With(s => s with { HasBias = false });
            var run = new ManagedRun(p);
            Assert.AreEqual(Dot(run.Get(Direction.Forward), run.OutputGradient), Dot(run.Mask, run.Get(Direction.BackwardMask)), $"{p.Name}: {p}");
        }
    }

    /// <summary>Bilinear sampling is linear in each coordinate inside a cell, so a difference quotient is the derivative, exactly.</summary>
    [TestMethod]
    public void BackwardOffsetIsTheDifferenceQuotient()
    {
        const double step = 1.0 / 8;
        foreach (ConvProblem p in ManagedProblems.Spread(ManagedProblems.Deformable()).Where(p => p.InputType == DataType.F64 && p.Batch > 0))
        {
            var run = new ManagedRun(p);
            double[] gradient = run.Get(Direction.BackwardOffset), offset = (double[])run.Offset.Clone();
            double before = Dot(run.Get(Direction.Forward), run.OutputGradient);
            for (int i = 0; i < offset.Length; i += 1 + (i % 3))
            {
                run.Offset = (double[])offset.Clone();
                run.Offset[i] += step;
                double after = Dot(run.Get(Direction.Forward), run.OutputGradient);
                Assert.AreEqual((after - before) / step, gradient[i], $"offset {i} of {p.Name}: {p}");
            }
        }
    }
}
