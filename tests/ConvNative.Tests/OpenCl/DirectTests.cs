using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>Every linear problem of the suite <c>variants</c> against the oracle, by the engine's plain kernels.</summary>
[TestClass]
public sealed class DirectTests
{
    [TestMethod]
    [DataRow(Direction.Forward)]
    [DataRow(Direction.BackwardData)]
    [DataRow(Direction.BackwardWeights)]
    [DataRow(Direction.BackwardBias)]
    public void EveryLinearVariantIsRight(Direction direction) => OpenClChecks.Suite(
        p => p.Direction == direction && p.Op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed, least: 70, new DirectRoutine());
}
