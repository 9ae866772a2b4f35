using System.Runtime.InteropServices;
using ConvNative.Bindings.Cuda;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Oracle.Verdicts;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>The kernels around sums (epilogue, 8-bit requantisation, bias gradient), on the double, against the Oracle.</summary>
[TestClass]
public sealed class SumKernelTests
{
    /// <summary>A depthwise convolution with one tap of weight 1 sums nothing, so what remains is the epilogue.</summary>
    [TestMethod]
    [DataRow("")]
    [DataRow("relu")]
    [DataRow("relu:0.125")]
    [DataRow("clip:-0.5:0.75")]
    [DataRow("logistic")]
    [DataRow("tanh")]
    [DataRow("gelu_erf")]
    [DataRow("gelu_tanh")]
    [DataRow("swish:1")]
    [DataRow("hardswish:0.1666667:0.5")]
    [DataRow("relu+linear:0.25")]
    public void Epilogue(string activation)
    {
        Double.Need();
        foreach (string types in (string[])["f32", "f64", "bf16", "f16"])
            foreach (Layout layout in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast])
            {
                string tags = layout == Layout.ChannelsLast ? "--stag=axb --dtag=axb " : "";
                string post = "sum:0.5" + (activation.Length == 0 ? "" : "+" + activation);
                ConvProblem p = ConvProblem.Parse($"--dir=FWD_B --dt={types} {tags}--attr-post-ops={post} g7mb2ic7ih5iw9oc7kh1kw1n\"a\"");
                using var gpu = new Gpu();
                OracleTensors t = Fills.Create(p, FillKind.Random, 3) with { Weights = [.. Enumerable.Repeat(1.0, 7)] };
                nint x = gpu.Upload(TensorBytes.ToBytes(t.Input, p.InputType, p.InputShape, layout)), r = gpu.Upload(TensorBytes.ToBytes(t.Residual, p.OutputType, p.OutputShape, layout));
                nint b = gpu.Upload(TensorBytes.ToBytes(t.Bias, p.BiasType, p.BiasShape, Layout.ChannelsFirst)), y = gpu.Allocate(p.OutputShape.Product * p.OutputType.SizeOf());
                CUmodule module = gpu.Compile("epilogue.cu", $"X_TYPE={(int)p.InputType}", $"Y_TYPE={(int)p.OutputType}", $"B_TYPE={(int)p.BiasType}");
                Activation a = p.PostOps.Activation;
                Gpu.Launch(module, "cn_epilogue", p.OutputShape.Product, y, x, b, r, p.OutputShape.Product, layout == Layout.ChannelsLast ? 1 : p.OutputSpatial.Product, 7L,
                    p.PostOps.ResidualScale, (int)a.Kind, a.Alpha, a.Beta, p.PostOps.OutputScale ?? 1.0);
                double[] got = TensorBytes.Read(gpu.Download(y, p.OutputShape.Product * p.OutputType.SizeOf()), p.OutputType, p.OutputShape, layout);
                Comparison c = Verdict.Compare(p, FillKind.Random, NaiveOracle.Compute(p, t), got);
                Assert.AreEqual(Outcome.Pass, c.Outcome, $"{p}: {c.Summary}");
            }
    }

    /// <summary>What is no number passes; at the ends of the line activations have their limits.</summary>
    [TestMethod]
    public void ActivationsAtTheEnds()
    {
        Double.Need();
        using var gpu = new Gpu();
        double[] ends = [double.NaN, double.PositiveInfinity, double.NegativeInfinity, 0.0, -0.0, 1e-320, 745, -745, 1e300, -1e300];
        CUmodule module = gpu.Compile("epilogue.cu", "X_TYPE=1", "Y_TYPE=1", "B_TYPE=1");
        nint x = gpu.Upload(MemoryMarshal.AsBytes<double>(ends)), y = gpu.Allocate(ends.Length * 8);
        foreach (ActivationKind kind in Enum.GetValues<ActivationKind>())
        {
            Activation a = kind switch { ActivationKind.Silu => Activation.Silu, ActivationKind.HardSwish => Activation.HardSwish, ActivationKind.Clip => Activation.Relu6, ActivationKind.LeakyRelu => Activation.LeakyRelu(0.1), _ => new Activation(kind) };
            Gpu.Launch(module, "cn_epilogue", ends.Length, y, x, (nint)0, (nint)0, (long)ends.Length, 1L, 1L, 0.0, (int)kind, a.Alpha, a.Beta, 1.0);
            double[] got = MemoryMarshal.Cast<byte, double>(gpu.Download(y, ends.Length * 8)).ToArray();
            for (int i = 0; i < ends.Length; i++)
            {
                double want = Oracle.Epilogue.Activate(a, ends[i]);
                Assert.IsTrue(want.Equals(got[i]) || Math.Abs(want - got[i]) <= 1e-15 * Math.Abs(want), $"{kind}({ends[i]}) = {got[i]}, not {want}");
            }
        }
    }

    /// <summary>The whole way of an 8-bit convolution with zero points and scales, its integer products by plain loops here.</summary>
    [TestMethod]
    [DataRow("u8:s8:u8", "x_scale:0.5,x_zp:131,w_scale:0.25,w_zp:-3,y_scale:3,y_zp:120", "")]
    [DataRow("s8:s8:s8", "x_scale:0.5,x_zp:-7,w_scale:0.25,w_zp:5,y_scale:2.5,y_zp:-4", "sum:0.5+relu+linear:0.5")]
    [DataRow("u8:s8:s32", "x_zp:9,w_zp:2", "")]
    [DataRow("s8:s8:f32", "x_scale:0.01,x_zp:1,w_scale:0.125", "tanh")]
    public void Requantise(string types, string quantization, string post)
    {
        Double.Need();
        foreach (Layout layout in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast])
        {
            ConvProblem p = ConvProblem.Parse($"--dir=FWD_B --dt={types} {(post.Length > 0 ? $"--attr-post-ops={post} " : "")}g2mb2ic6ih5iw7oc4kh3kw2ph1pw1sw2n\"a\"");
            Quantization q = Read(quantization);
            p = p.With(s => s with { Quantization = q, InputLayout = layout, OutputLayout = layout });
            OracleTensors t = Fills.Create(p, FillKind.Random, 7);
            using var gpu = new Gpu();
            long n = p.Batch, c = p.InputChannels, o = p.OutputChannels, g = p.Groups;
            Dims extended = Dims.Create([p.InputSpatial[0] + p.PadsBegin[0] + p.PadsEnd[0], p.InputSpatial[1] + p.PadsBegin[1] + p.PadsEnd[1]]), padded = extended.Prepend(n, c);
            int last = layout == Layout.ChannelsLast ? 1 : 0;

            // Padding is the zero point.
            nint x = gpu.Upload(TensorBytes.ToBytes(t.Input, p.InputType, p.InputShape, layout)), px = gpu.Allocate(padded.Product);
            long[] extent = [.. KernelCase.Three(p.InputSpatial), .. KernelCase.Three(p.PadsBegin, 0), .. KernelCase.Three(extended)];
            long[] window = [.. KernelCase.Three(extended), .. KernelCase.Three(p.Kernel), .. KernelCase.Three(p.OutputSpatial), .. KernelCase.Three(p.Strides), .. KernelCase.Three(p.Dilations), 0, 0, 0];
            Gpu.Launch(gpu.Compile("pad.cu", "BYTES=1", $"X_TYPE={(int)p.InputType}", $"Y_TYPE={(int)p.InputType}"), "cn_pad", padded.Product, px, x, KernelCase.Strides(padded, layout), KernelCase.Strides(p.InputShape, layout), n, c, extent,
                (int)PaddingMode.Constant, (ulong)(byte)q.InputZeroPoint, last);
            double[] seen = TensorBytes.Read(gpu.Download(px, padded.Product), p.InputType, padded, layout);

            // The sums that cuDNN would give: raw integers.
            var plain = new ConvSpec { InputShape = padded, WeightShape = p.WeightShape, Strides = p.Strides, Dilations = p.Dilations, Groups = g, InputType = DataType.F64, WeightType = DataType.F64, OutputType = DataType.F64 }.Build();
            double[] sums = NaiveOracle.Compute(plain, new OracleTensors { Input = seen, Weights = t.Weights }).Values;
            nint s32 = gpu.Upload(TensorBytes.ToBytes(sums, DataType.S32, p.OutputShape, layout)), bias = gpu.Upload(TensorBytes.ToBytes(t.Bias, DataType.S32, p.BiasShape, Layout.ChannelsFirst));
            nint w = gpu.Upload(TensorBytes.ToBytes(t.Weights, p.WeightType, p.WeightShape, Layout.ChannelsFirst)), offset = gpu.Allocate(o * 8), sum = gpu.Allocate(n * g * p.OutputSpatial.Product * 4);
            nint zero = gpu.Upload(MemoryMarshal.AsBytes<int>(Enumerable.Range(0, (int)o).Select(i => q.WeightZeroPoint(i)).ToArray()));
            nint unit = gpu.Upload(MemoryMarshal.AsBytes<double>(Enumerable.Range(0, (int)o).Select(i => q.InputScale * q.WeightScale(i)).ToArray()));
            Gpu.Launch(gpu.Compile("requantize.cu", $"X_TYPE={(int)p.WeightType}", $"Y_TYPE={(int)p.OutputType}"), "cn_weight_sum", o, offset, w, zero, o, p.WeightCount / o, q.InputZeroPoint);
            CUmodule module = gpu.Compile("requantize.cu", $"X_TYPE={(int)p.InputType}", $"Y_TYPE={(int)p.OutputType}");
            // Both ways to the same window sums: the padded input, or the input with what counts outside.
            byte[][] windows = new byte[2][];
            for (int way = 0; way < 2; way++)
            {
                long[] view = way == 0 ? window : [.. KernelCase.Three(p.InputSpatial), .. window[3..15], .. KernelCase.Three(p.PadsBegin, 0)];
                Gpu.Launch(module, "cn_window_sum", n * g * p.OutputSpatial.Product, sum, way == 0 ? px : x, KernelCase.Strides(way == 0 ? padded : p.InputShape, layout), view, n, c, g, q.InputZeroPoint, last);
                windows[way] = gpu.Download(sum, n * g * p.OutputSpatial.Product * 4);
            }

            CollectionAssert.AreEqual(windows[0], windows[1]);
            nint residual = t.Residual is null ? 0 : gpu.Upload(TensorBytes.ToBytes(t.Residual, p.OutputType, p.OutputShape, layout)), y = gpu.Allocate(p.OutputShape.Product * p.OutputType.SizeOf());
            Activation a = p.PostOps.Activation;
            Gpu.Launch(module, "cn_requantize", p.OutputShape.Product, y, s32, offset, zero, sum, bias, unit, residual, p.OutputShape.Product, last == 1 ? 1 : p.OutputSpatial.Product, o, g,
                p.PostOps.ResidualScale, q.OutputScale, q.OutputZeroPoint, p.PostOps.IsNone ? 0 : 1, (int)a.Kind, a.Alpha, a.Beta, p.PostOps.OutputScale ?? 1.0);
            double[] got = TensorBytes.Read(gpu.Download(y, p.OutputShape.Product * p.OutputType.SizeOf()), p.OutputType, p.OutputShape, layout);
            Comparison verdict = Verdict.Compare(p, FillKind.Random, NaiveOracle.Compute(p, t), got);
            Assert.AreEqual(Outcome.Pass, verdict.Outcome, $"{p}: {verdict.Summary}");
        }

        static Quantization Read(string text)
        {
            Dictionary<string, double> v = text.Split(',').Select(f => f.Split(':')).ToDictionary(f => f[0], f => double.Parse(f[1], System.Globalization.CultureInfo.InvariantCulture));
            double Of(string name, double otherwise) => v.GetValueOrDefault(name, otherwise);

            // Scales a channel where there is one at all.
            double scale = Of("w_scale", 1);
            return new Quantization
            {
                InputScale = Of("x_scale", 1),
                InputZeroPoint = (int)Of("x_zp", 0),
                WeightScales = scale == 1 ? [1.0] : [scale, scale * 2, scale / 2, scale * 1.5],
                WeightZeroPoints = Of("w_zp", 0) == 0 ? [0] : [(int)Of("w_zp", 0), 0, -1, 4],
                OutputScale = Of("y_scale", 1),
                OutputZeroPoint = (int)Of("y_zp", 0),
            };
        }
    }

    [TestMethod]
    [DataRow("--dir=BWD_B mb3ic4ih5iw7oc35kh3kw2ph1n\"a\"")]
    [DataRow("--dir=BWD_B --dt=f64 mb2ic4iw29oc3kw2n\"a\"")]
    [DataRow("--dir=BWD_B --dt=bf16 mb2ic4ih9iw7oc33kh1kw1n\"a\"")]
    public void BiasGradient(string text)
    {
        Double.Need();
        foreach (Layout layout in (Layout[])[Layout.ChannelsFirst, Layout.ChannelsLast])
            foreach (long slices in (long[])[1, 3, 7])
            {
                ConvProblem p = ConvProblem.Parse(text).With(s => s with { InputLayout = layout, OutputLayout = layout });
                using var k = new KernelCase(p, FillKind.Random);
                long c = p.OutputChannels;
                int size = p.OutputType == DataType.F64 ? 8 : 4;
                nint partial = k.Gpu.Allocate(c * slices * size), y = k.Gpu.Allocate(c * p.ResultType.SizeOf());
                CUmodule module = k.Gpu.Compile("bias_gradient.cu", $"X_TYPE={(int)p.OutputType}", $"Y_TYPE={(int)p.ResultType}");
                Gpu.Launch(module, "cn_bias_partial", 2, 256, 1, [partial, k.OutputGradient, p.Batch, c, p.OutputSpatial.Product, slices, layout == Layout.ChannelsLast ? 1 : 0]);
                Gpu.Launch(module, "cn_bias_finish", c, y, partial, c, slices);
                k.Check(k.Gpu.Download(y, c * p.ResultType.SizeOf()), Layout.ChannelsFirst, $"{layout} {slices}");
            }
    }
}
