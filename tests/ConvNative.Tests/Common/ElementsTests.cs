using ConvNative.Backends.Common.Numbers;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed unsafe class ElementsTests
{
    [TestMethod]
    [DataRow(DataType.F64)]
    [DataRow(DataType.F32)]
    [DataRow(DataType.F16)]
    [DataRow(DataType.BF16)]
    public void TheFirstThatIsNotFiniteIsFoundWhereverItLies(DataType type)
    {
        // Longer than the widest vectors four times over, with a tail.
        foreach (int count in (int[])[0, 1, 7, 133])
            foreach (double bad in (double[])[double.PositiveInfinity, double.NegativeInfinity, double.NaN])
                for (int at = -1; at < count; at++)
                {
                    // The largest numbers are numbers.
                    double[] v = [.. Enumerable.Range(0, count).Select(i => Rounding.To(type, type == DataType.F16 ? 65504 : 3e38) * (i % 2 == 0 ? 1 : -1))];
                    if (at >= 0) v[at] = bad;
                    if (at >= 0 && at + 2 < count) v[at + 2] = bad;
                    byte[] bytes = TensorBytes.ToBytes(v, type, [count], Layout.ChannelsFirst);
                    fixed (byte* p = bytes) Assert.AreEqual(at, Elements.FirstNotFinite(p, count, type), $"{bad} at {at} of {count}");
                }
    }

    [TestMethod]
    public void IntegersAreFinite()
    {
        byte[] ones = new byte[64];
        ones.AsSpan().Fill(0xFF);
        fixed (byte* p = ones)
            foreach (DataType type in (DataType[])[DataType.S8, DataType.U8, DataType.S32]) Assert.AreEqual(-1, Elements.FirstNotFinite(p, 16, type));
    }

    [TestMethod]
    [DataRow(DataType.F32)]
    [DataRow(DataType.F16)]
    [DataRow(DataType.BF16)]
    public void ElementsComeBackAsTheTypeRoundsThem(DataType type)
    {
        byte[] memory = new byte[12];
        fixed (byte* p = memory)
            foreach (double v in (double[])[1, -0.1, 1 + Math.ScaleB(1, -8), 1e-40, 7e4, double.PositiveInfinity, double.NaN])
            {
                Elements.Write(p, 2, type, v);
                Assert.AreEqual(Rounding.To(type, (float)v), Elements.Read(p, 2, type));
            }
    }
}
