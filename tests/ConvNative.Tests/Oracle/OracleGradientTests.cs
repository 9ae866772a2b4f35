using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Every gradient of every variant against central differences of the forward direction, in double.</summary>
[TestClass]
public sealed class OracleGradientTests
{
    // Offsets of the random fill keep 1/64 from the walls of a cell, within which all is linear.
    private const double Step = 1.0 / 256;

    [TestMethod]
    [DataRow(ConvOp.Correlation)]
    [DataRow(ConvOp.Convolution)]
    [DataRow(ConvOp.Transposed)]
    [DataRow(ConvOp.Deformable)]
    public void EqualsCentralDifferences(ConvOp op)
    {
        var r = new Random(53 + (int)op);
        var modes = new HashSet<PaddingMode>();
        for (int i = 0; i < 24; i++)
        {
            ConvProblem p = BruteForce.RandomProblem(r, op).With(s => s with { HasBias = true, HasMask = op == ConvOp.Deformable && i % 2 == 0 });
            modes.Add(p.PaddingMode);
            OracleTensors t = Fills.Create(p, FillKind.Random, (ulong)i);
            t = t with { OutputGrad = Fills.Create(p.Toward(Direction.BackwardData), FillKind.Random, (ulong)i).OutputGrad };
            Compare(p, t, Direction.BackwardData, t.Input!, v => t with { Input = v });
            Compare(p, t, Direction.BackwardWeights, t.Weights!, v => t with { Weights = v });
            Compare(p, t, Direction.BackwardBias, t.Bias!, v => t with { Bias = v });
            if (op != ConvOp.Deformable) continue;
            Compare(p, t, Direction.BackwardOffset, t.Offset!, v => t with { Offset = v });
            if (p.HasMask) Compare(p, t, Direction.BackwardMask, t.Mask!, v => t with { Mask = v });
        }

        if (op is ConvOp.Correlation or ConvOp.Convolution) Assert.HasCount(Enum.GetValues<PaddingMode>().Length, modes);
    }

    [TestMethod]
    [DataRow(ConvOp.Im2col)]
    [DataRow(ConvOp.Col2im)]
    [DataRow(ConvOp.ChannelShuffle)]
    public void EqualsCentralDifferencesWithoutWeights(ConvOp op)
    {
        foreach (ConvSpec s in ManagedProblems.Rearrangements().Where(s => s.Op == op))
        {
            ConvProblem p = s.Build();
            OracleTensors t = Fills.Create(p, FillKind.Random, 2);
            t = t with { OutputGrad = Fills.Create(p.Toward(Direction.BackwardData), FillKind.Random, 2).OutputGrad };
            Compare(p, t, Direction.BackwardData, t.Input!, v => t with { Input = v });
        }
    }

    private static void Compare(ConvProblem p, OracleTensors t, Direction direction, double[] operand, Func<double[], OracleTensors> with)
    {
        double[] gradient = NaiveOracle.Compute(p.Toward(direction), t).Values;
        Assert.HasCount(operand.Length, gradient);
        for (int j = 0; j < operand.Length; j += 1 + (operand.Length / 12))
        {
            double Loss(double step)
            {
                double[] moved = [.. operand];
                moved[j] += step;
                return BruteForce.Inner(NaiveOracle.Compute(p, with(moved)).Values, t.OutputGrad!);
            }

            Assert.AreEqual((Loss(Step) - Loss(-Step)) / (2 * Step), gradient[j], 1e-9 * (1 + Math.Abs(gradient[j])), $"{direction} {j} of {p}");
        }
    }
}
