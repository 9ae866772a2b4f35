using ConvNative.Backends.Common.Epilogue;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed unsafe class IntegerScalerTests
{
    /// <summary>The definition, a number at a time; every bit must agree, ties and saturation included.</summary>
    [TestMethod]
    [DataRow("--dt=u8:s8:u8 --quant=xs:0.25+ws:0.5+ys:0.25+yz:7")]
    [DataRow("--dt=u8:s8:s8 --quant=xs:0.013+ws:0.007+ys:0.11+yz:-3")]
    [DataRow("--dt=u8:s8:u8 --quant=xs:0.013+ws:0.007+ys:0.11+yz:3 --attr-post-ops=relu")]
    [DataRow("--dt=u8:s8:s8 --quant=xs:0.5+ws:0.25+ys:0.3+yz:3 --attr-post-ops=sum:0.5+clip:-1:2+linear:0.7")]
    [DataRow("--dt=u8:s8:u8 --quant=xs:0.5+ws:0.25+ys:0.3+yz:9 --attr-post-ops=sum+relu")]
    [DataRow("--dt=u8:s8:f32 --quant=xs:0.013+ws:0.007 --attr-post-ops=sum:0.5+relu")]
    [DataRow("--dt=u8:s8:f32 --quant=xs:0.013+ws:0.007 --attr-post-ops=sum:0.5+clip:-1:2+linear:0.7")]
    [DataRow("--dt=u8:s8:f32 --quant=xs:0.013+ws:0.007 --attr-post-ops=sum")]
    [DataRow("--dt=u8:s8:f32 --quant=xs:0.013+ws:0.007")]
    [DataRow("--dt=u8:s8:s32 --quant=xz:3")]
    [DataRow("--dt=u8:s8:s32 --quant=xz:3 --attr-post-ops=clip:-1000:900+linear:3")]
    public void EqualsTheDefinition(string knobs)
    {
        ConvProblem p = ConvProblem.Parse($"{knobs} mb1ic1iw77oc1kw1pw0");
        if (!IntegerScaler.Serves(p)) Assert.Inconclusive("no AVX here: the general way serves");
        Quantization q = p.Quantization!;
        var r = new Random(5);
        int count = 77, size = p.OutputType.SizeOf();
        int[] sums = [.. Enumerable.Range(0, count).Select(i => i % 11 == 0 ? (i % 2 == 0 ? int.MaxValue : int.MinValue) : r.Next(-3000, 3000))];
        int[] constant = [.. Enumerable.Range(0, count).Select(_ => r.Next(-50, 50))];
        double[] bias = [.. Enumerable.Range(0, count).Select(_ => (double)r.Next(-50, 50))];
        byte[] residual = new byte[count * size];
        for (int i = 0; i < count; i++)
            if (size == 1) residual[i] = (byte)r.Next(256);
            else BitConverter.TryWriteBytes(residual.AsSpan(i * 4), r.NextSingle() - 0.5f);
        if (size == 4 && p.PostOps.Residual)
            foreach ((int at, float wild) in new[] { (3, float.NaN), (18, float.PositiveInfinity), (33, float.NegativeInfinity), (70, float.NaN) }) BitConverter.TryWriteBytes(residual.AsSpan(at * 4), wild);
        double unit = q.InputScale * q.WeightScale(0);
        double[] factor = [.. Enumerable.Repeat(p.PostOps.IsNone ? unit / q.OutputScale : unit, count)];
        foreach (bool one in (bool[])[false, true])
            foreach (bool takes in (bool[])[false, true])
            {
                byte[] y = new byte[count * size];
                fixed (int* s = sums, c = constant)
                fixed (double* b = bias, f = factor)
                fixed (byte* z = residual, to = y)
                    new IntegerScaler(p).Run(s, takes ? c : null, b, f, one, z, to, count);
                for (int i = 0; i < count; i++)
                {
                    double v = sums[i] - (takes ? constant[i] : 0.0) + bias[one ? 0 : i];
                    v *= factor[i];
                    if (!p.PostOps.IsNone)
                    {
                        double old = size == 4 ? BitConverter.ToSingle(residual, i * 4) : p.OutputType == DataType.S8 ? (sbyte)residual[i] : residual[i];
                        if (p.PostOps.Residual) v += (old - q.OutputZeroPoint) * q.OutputScale * p.PostOps.ResidualScale;
                        v = Activations.Apply(p.PostOps.Activation, v) * (p.PostOps.OutputScale ?? 1) / q.OutputScale;
                    }

                    if (p.OutputType == DataType.S32)
                    {
                        Assert.AreEqual((int)Math.Clamp(Math.Round(v, MidpointRounding.ToEven), int.MinValue, int.MaxValue), BitConverter.ToInt32(y, i * 4), $"{i}");
                        continue;
                    }

                    if (size == 4)
                    {
                        Assert.AreEqual((float)v, BitConverter.ToSingle(y, i * 4), $"{i}");
                        continue;
                    }

                    (double least, double most) = p.OutputType == DataType.S8 ? (-128, 127) : (0, 255);
                    double want = Math.Clamp(Math.Round(v, MidpointRounding.ToEven) + q.OutputZeroPoint, least, most);
                    Assert.AreEqual(want, p.OutputType == DataType.S8 ? (sbyte)y[i] : y[i], $"{i}: {v}");
                }
            }
    }
}
