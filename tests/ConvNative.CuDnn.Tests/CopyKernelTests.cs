using ConvNative.Bindings.Cuda;
using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Variants;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>The kernels that move elements (pad, fold, im2col, col2im, shuffle, flip, transpose, convert), on the double, against the Oracle.</summary>
[TestClass]
public sealed class CopyKernelTests
{
    private const string Types = "BYTES=4 X_TYPE=0 Y_TYPE=0 B_TYPE=0";

    private static string[] Macros(ConvProblem p) => [$"BYTES={p.InputType.SizeOf()}", $"X_TYPE={(int)p.InputType}", $"Y_TYPE={(int)p.InputType}"];

    private static Dims ColumnCounts(ConvProblem p, Dims image)
    {
        var n = new long[p.Rank];
        for (int i = 0; i < p.Rank; i++) n[i] = (image[i] + p.PadsBegin[i] + p.PadsEnd[i] - (p.Dilations[i] * (p.Kernel[i] - 1)) - 1) / p.Strides[i] + 1;
        return Dims.Create(n);
    }

    private static ulong Constant(double value, DataType type)
    {
        byte[] b = new byte[8];
        TensorBytes.Write([value], type, Dims.Create([1L]), Layout.ChannelsFirst, b.AsSpan(0, type.SizeOf()));
        return BitConverter.ToUInt64(b);
    }

    /// <summary>Columns [N, C*K, L], dense in either layout: strides n, c, k, l.</summary>
    private static long[] ColumnStrides(long channels, long taps, long positions, bool last) =>
        last ? [channels * taps * positions, taps, 1, channels * taps] : [channels * taps * positions, taps * positions, positions, 1];

    [TestMethod]
    [DataRow("--op=im2col mb2ic3iw19kw4sw2pw1n\"a\"")]
    [DataRow("--op=im2col --stag=axb --dtag=axb mb1ic5ih7iw8kh3kw2sh1sw2ph1pw0dh1dw0n\"a\"")]
    [DataRow("--op=im2col --dt=f64 mb1ic2id4ih5iw6kd3kh2kw3pd1ph0pw1n\"a\"")]
    [DataRow("--op=im2col --dt=u8 mb1ic5ih7iw8kh3kw2sh1sw2ph1pw0dh1dw0n\"a\"")]
    [DataRow("--op=im2col --pad-mode=constant:0.5 mb1ic3ih5iw6kh4kw3ph2pw3n\"a\"")]
    [DataRow("--op=im2col --pad-mode=reflect mb1ic3ih5iw6kh4kw3ph2pw3n\"a\"")]
    [DataRow("--op=im2col --pad-mode=symmetric mb1ic3ih5iw6kh4kw3ph2pw3n\"a\"")]
    [DataRow("--op=im2col --pad-mode=replicate mb1ic3ih5iw6kh4kw3ph2pw3n\"a\"")]
    [DataRow("--op=im2col --pad-mode=circular mb1ic3ih5iw6kh4kw3ph2pw3n\"a\"")]
    public void Im2col(string text)
    {
        Double.Need();
        using var k = KernelCase.Create(text);
        ConvProblem p = k.Problem;
        Dims columns = ColumnCounts(p, p.InputSpatial);
        long taps = p.Kernel.Product, positions = columns.Product;
        nint y = k.Gpu.Allocate(p.OutputShape.Product * p.InputType.SizeOf());
        CUmodule module = k.Gpu.Compile("columns.cu", Macros(p));
        Gpu.Launch(module, "cn_im2col", p.OutputShape.Product, y, k.Input, ColumnStrides(p.InputChannels, taps, positions, p.OutputLayout == Layout.ChannelsLast),
            KernelCase.Strides(p.InputShape, p.InputLayout), k.Window(p.InputSpatial, columns), p.Batch, p.InputChannels, (int)p.PaddingMode, Constant(p.PadValue, p.InputType), k.Last);
        k.Check(k.Gpu.Download(y, p.OutputShape.Product * p.InputType.SizeOf()), p.OutputLayout);
    }

    [TestMethod]
    [DataRow("--op=col2im mb2iw9oc3ow19kw4sw2pw1n\"a\"", false)]
    [DataRow("--op=col2im --dt=f64 mb1id4ih4iw6oc2od4oh5ow6kd3kh2kw3pd1ph0pw1n\"a\"", false)]
    [DataRow("--op=col2im --stag=axb --dtag=axb mb1ih5iw4oc5oh7ow8kh3kw2sh1sw2ph1pw0dh1dw0n\"a\"", false)]
    [DataRow("--op=im2col mb1ic5ih7iw8kh3kw2sh3sw2ph1pw0dh1dw0n\"a\"", true)]
    public void Col2im(string text, bool backward)
    {
        Double.Need();
        using var k = KernelCase.Create(text, FillKind.Random, backward ? Direction.BackwardData : Direction.Forward);
        ConvProblem p = k.Problem;
        Dims image = backward ? p.InputShape : p.OutputShape, columns = ColumnCounts(p, image.Slice(2));
        Layout from = backward ? p.OutputLayout : p.InputLayout, to = backward ? p.InputLayout : p.OutputLayout;
        nint y = k.Gpu.Allocate(image.Product * p.InputType.SizeOf());
        CUmodule module = k.Gpu.Compile("columns.cu", Macros(p));
        Gpu.Launch(module, "cn_col2im", image.Product, y, backward ? k.OutputGradient : k.Input, KernelCase.Strides(image, to),
            ColumnStrides(image[1], p.Kernel.Product, columns.Product, from == Layout.ChannelsLast), k.Window(image.Slice(2), columns), image[0], image[1], k.Last);
        k.Check(k.Gpu.Download(y, image.Product * p.InputType.SizeOf()), to);
    }

    /// <summary>im2col with a kernel of one element is the padded copy, and its gradient is the fold.</summary>
    [TestMethod]
    [DataRow("zeros")]
    [DataRow("constant:-1.5")]
    [DataRow("reflect")]
    [DataRow("symmetric")]
    [DataRow("replicate")]
    [DataRow("circular")]
    public void PadAndFold(string mode)
    {
        Double.Need();
        foreach (string shape in (string[])["mb2ic3iw9kw1pw5n\"a\"", "mb1ic3ih5iw6kh1kw1ph2pw4n\"a\"", "mb1ic2id4ih5iw6kd1kh1kw1pd1ph3pw2n\"a\""])
            foreach (string tags in (string[])["", "--stag=axb --dtag=axb "])
                foreach (Direction direction in (Direction[])[Direction.Forward, Direction.BackwardData])
                {
                    using var k = KernelCase.Create($"--op=im2col --pad-mode={mode} {tags}{shape}", FillKind.Random, direction);
                    ConvProblem p = k.Problem;
                    Dims extended = ColumnCounts(p, p.InputSpatial), shapeExtended = extended.Prepend(p.Batch, p.InputChannels);
                    long[] extent = [.. KernelCase.Three(p.InputSpatial), .. KernelCase.Three(p.PadsBegin, 0), .. KernelCase.Three(extended)];
                    long[] inside = KernelCase.Strides(p.InputShape, p.InputLayout), outside = KernelCase.Strides(shapeExtended, p.OutputLayout);
                    CUmodule module = k.Gpu.Compile("pad.cu", Macros(p));
                    bool forward = direction == Direction.Forward;
                    nint y = k.Gpu.Allocate(p.ResultShape.Product * 4);
                    if (forward) Gpu.Launch(module, "cn_pad", shapeExtended.Product, y, k.Input, outside, inside, p.Batch, p.InputChannels, extent, (int)p.PaddingMode, Constant(p.PadValue, p.InputType), k.Last);
                    else Gpu.Launch(module, "cn_fold", p.InputShape.Product, y, k.OutputGradient, inside, outside, p.Batch, p.InputChannels, extent, (int)p.PaddingMode, k.Last);
                    k.Check(k.Gpu.Download(y, p.ResultShape.Product * 4), forward ? p.OutputLayout : p.InputLayout, direction.ToString());
                }
    }

    /// <summary>A negative end crops: rows that nothing reads are not copied, and get no gradient.</summary>
    [TestMethod]
    public void PadCrops()
    {
        Double.Need();
        using var gpu = new Gpu();
        CUmodule module = gpu.Compile("pad.cu", Types.Split(' '));
        float[] x = [1, 2, 3, 4, 5];
        nint from = gpu.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(x)), to = gpu.Allocate(16), back = gpu.Allocate(20);
        long[] five = [5, 5, 5, 5, 1], four = [4, 4, 4, 4, 1], extent = [1, 1, 5, 0, 0, 1, 1, 1, 4];
        Gpu.Launch(module, "cn_pad", 4, to, from, four, five, 1L, 1L, extent, 0, 0UL, 0);
        CollectionAssert.AreEqual(new[] { 0f, 1, 2, 3 }, Floats(gpu.Download(to, 16)));
        Gpu.Launch(module, "cn_fold", 5, back, to, five, four, 1L, 1L, extent, 0, 0);
        CollectionAssert.AreEqual(new[] { 1f, 2, 3, 0, 0 }, Floats(gpu.Download(back, 20)));
    }

    [TestMethod]
    [DataRow("--op=shuffle g3mb2ic15iw7n\"a\"")]
    [DataRow("--op=shuffle --stag=axb --dtag=axb g5mb2ic35ih5iw7n\"a\"")]
    [DataRow("--op=shuffle --dt=f64 g2mb1ic6id3ih5iw4n\"a\"")]
    public void ChannelShuffle(string text)
    {
        Double.Need();
        foreach (Direction direction in (Direction[])[Direction.Forward, Direction.BackwardData])
        {
            using var k = KernelCase.Create(text, FillKind.Random, direction);
            ConvProblem p = k.Problem;
            bool forward = direction == Direction.Forward;
            long[] size = KernelCase.Three(p.InputSpatial), strides = KernelCase.Strides(p.InputShape, p.InputLayout);
            nint y = k.Gpu.Allocate(p.InputShape.Product * p.InputType.SizeOf());
            CUmodule module = k.Gpu.Compile("rearrange.cu", Macros(p));
            Gpu.Launch(module, "cn_channel_shuffle", p.InputShape.Product, y, forward ? k.Input : k.OutputGradient, strides, strides, p.Batch, p.InputChannels,
                forward ? p.Groups : p.InputChannels / p.Groups, size[0], size[1], size[2], k.Last);
            k.Check(k.Gpu.Download(y, p.InputShape.Product * p.InputType.SizeOf()), p.InputLayout, direction.ToString());
        }
    }

    [TestMethod]
    public void FlipAndTranspose()
    {
        Double.Need();
        using var gpu = new Gpu();
        CUmodule module = gpu.Compile("rearrange.cu", Types.Split(' '));
        float[] x = [.. Enumerable.Range(0, 3 * 65 * 40).Select(i => (float)i)];
        nint from = gpu.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(x)), to = gpu.Allocate(x.Length * 4);
        Gpu.Launch(module, "cn_flip", x.Length, to, from, 3L, 65L, 40L);
        float[] y = Floats(gpu.Download(to, x.Length * 4));
        for (int b = 0; b < 3; b++)
            for (int t = 0; t < 65; t++)
                for (int j = 0; j < 40; j++) Assert.AreEqual(x[(((b * 65) + 64 - t) * 40) + j], y[(((b * 65) + t) * 40) + j]);
        Gpu.Launch(module, "cn_transpose", 4, 32, 8, [to, from, 3L, 65L, 40L]);
        y = Floats(gpu.Download(to, x.Length * 4));
        for (int b = 0; b < 3; b++)
            for (int r = 0; r < 65; r++)
                for (int c = 0; c < 40; c++) Assert.AreEqual(x[(((b * 65) + r) * 40) + c], y[(((b * 40) + c) * 65) + r]);
    }

    /// <summary>Every half and every bfloat to f32 and back; values between, at ties, at both ends.</summary>
    [TestMethod]
    [DataRow(DataType.F16)]
    [DataRow(DataType.BF16)]
    public void SixteenBitConversions(DataType type)
    {
        Double.Need();
        using var gpu = new Gpu();
        byte[] all = new byte[65536 * 2];
        for (int i = 0; i < 65536; i++) BitConverter.TryWriteBytes(all.AsSpan(2 * i), (ushort)i);
        double[] wanted = TensorBytes.Read(all, type, Dims.Create([65536L]), Layout.ChannelsFirst);
        long[] dense = [65536, 65536, 65536, 65536, 1];
        nint x = gpu.Upload(all), y = gpu.Allocate(65536 * 4);
        CUmodule widen = gpu.Compile("convert.cu", $"X_TYPE={(int)type}", "Y_TYPE=0");
        Gpu.Launch(widen, "cn_convert", 65536, y, x, dense, dense, 1L, 1L, 1L, 1L, 65536L, 0, 0);
        float[] got = Floats(gpu.Download(y, 65536 * 4));
        for (int i = 0; i < 65536; i++) Assert.IsTrue(double.IsNaN(wanted[i]) ? float.IsNaN(got[i]) : wanted[i].Equals(got[i]), $"{i:x}: {got[i]}");

        var random = new Random(3);
        var values = new List<float>(got);
        for (int i = 0; i < 65535; i++) values.Add((float)((wanted[i] + wanted[i + 1]) / 2));
        for (int i = 0; i < 50000; i++) values.Add(BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32)));
        values.AddRange([65519.996f, 65520, -65536, float.MaxValue, float.Epsilon, -0f]);
        float[] v = [.. values];
        dense = [v.Length, v.Length, v.Length, v.Length, 1];
        nint from = gpu.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(v)), to = gpu.Allocate(v.Length * 2);
        CUmodule narrow = gpu.Compile("convert.cu", "X_TYPE=0", $"Y_TYPE={(int)type}");
        Gpu.Launch(narrow, "cn_convert", v.Length, to, from, dense, dense, 1L, 1L, 1L, 1L, (long)v.Length, 0, 0);
        double[] rounded = TensorBytes.Read(gpu.Download(to, v.Length * 2), type, Dims.Create([(long)v.Length]), Layout.ChannelsFirst);
        for (int i = 0; i < v.Length; i++)
        {
            double want = type == DataType.F16 ? (double)(Half)v[i] : Rounding.To(type, v[i]);
            Assert.IsTrue(double.IsNaN(want) ? double.IsNaN(rounded[i]) : want.Equals(rounded[i]), $"{v[i]:r}: {rounded[i]:r}, not {want:r}");
        }
    }

    /// <summary>u8 to s8 shifts by 128, other strides transpose.</summary>
    [TestMethod]
    public void IntegersShift()
    {
        Double.Need();
        using var gpu = new Gpu();
        byte[] x = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        nint from = gpu.Upload(x), to = gpu.Allocate(256);
        CUmodule module = gpu.Compile("convert.cu", $"X_TYPE={(int)DataType.U8}", $"Y_TYPE={(int)DataType.S8}");
        long[] first = Strides([1, 8, 4, 8], Layout.ChannelsFirst), last = Strides([1, 8, 4, 8], Layout.ChannelsLast);
        Gpu.Launch(module, "cn_convert", 256, to, from, last, first, 1L, 8L, 1L, 4L, 8L, -128, 0);
        byte[] y = gpu.Download(to, 256);
        for (int c = 0; c < 8; c++)
            for (int i = 0; i < 32; i++) Assert.AreEqual((c * 32) + i - 128, (sbyte)y[(i * 8) + c]);

        static long[] Strides(long[] shape, Layout layout) => KernelCase.Strides(Dims.Create(shape), layout);
    }

    private static float[] Floats(byte[] b) => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(b).ToArray();
}
