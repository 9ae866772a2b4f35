using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>shuffle, im2col and col2im against the oracle.</summary>
[TestClass]
public sealed class RearrangeTests
{
    [TestMethod]
    [DataRow(ConvOp.ChannelShuffle)]
    [DataRow(ConvOp.Im2col)]
    [DataRow(ConvOp.Col2im)]
    public void EveryVariantIsRight(ConvOp op) => OpenClChecks.Suite(p => p.Op == op, least: 25);
}
