using static ConvNative.Tests.OnnxFolder;

namespace ConvNative.Tests;

/// <summary>Hand-made models of every operator, whose outputs are computed by hand: attributes, inputs and element types.</summary>
[TestClass]
public sealed class OnnxNodeTests
{
    // [1 2 3; 4 5 6] under the kernel [1 10].
    private static Proto Image => Singles([1, 1, 2, 3], 1, 2, 3, 4, 5, 6);

    private static Proto Kernel => Singles([1, 1, 1, 2], 1, 10);

    private static Proto Valid => Singles([1, 1, 2, 2], 21, 32, 54, 65);

    [TestMethod]
    [DataRow("oracle")]
    [DataRow("managed")]
    [DataRow("auto")]
    public void Conv_with_bias_and_kernel_shape(string backend)
    {
        using var folder = new OnnxFolder();
        folder.Add("conv", Node("Conv", "x,w,b", Ints("kernel_shape", 1, 2)), "x,w,b", Singles([1, 1, 2, 2], 121, 132, 154, 165), Image, Kernel, Singles([1], 100));
        StringAssert.StartsWith(folder.Only(backend), "pass conv ");
    }

    [TestMethod]
    public void Pads_are_begins_then_ends()
    {
        // One column before, one row after.
        using var folder = new OnnxFolder();
        folder.Add("conv", Node("Conv", "x,w", Ints("pads", 0, 1, 1, 0)), "x,w", Singles([1, 1, 3, 3], 10, 21, 32, 40, 54, 65, 0, 0, 0), Image, Kernel);
        StringAssert.StartsWith(folder.Only(), "pass");
    }

    [TestMethod]
    [DataRow("SAME_UPPER", new float[] { 21, 32, 3, 54, 65, 6 })]
    [DataRow("SAME_LOWER", new float[] { 10, 21, 32, 40, 54, 65 })]
    [DataRow("VALID", new float[] { 21, 32, 54, 65 })]
    [DataRow("NOTSET", new float[] { 21, 32, 54, 65 })]
    public void Auto_pad(string mode, float[] expected)
    {
        using var folder = new OnnxFolder();
        folder.Add("conv", Node("Conv", "x,w", Text("auto_pad", mode)), "x,w", Singles([1, 1, 2, expected.Length / 2], expected), Image, Kernel);
        StringAssert.StartsWith(folder.Only(), "pass");
    }

    [TestMethod]
    public void Strides_dilations_and_groups()
    {
        // Two groups of one channel; taps 0 and 2, positions 0 and 2.
        using var folder = new OnnxFolder();
        folder.Add(
            "conv",
            Node("Conv", "x,w", Ints("strides", 2), Ints("dilations", 2), Int("group", 2)),
            "x,w",
            Singles([1, 2, 2], 31, 53, 1300, 1500),
            Singles([1, 2, 5], 1, 2, 3, 4, 5, 6, 7, 7, 8, 8),
            Singles([2, 1, 2], 1, 10, 100, 100));
        StringAssert.StartsWith(folder.Only(), "pass");
    }

    [TestMethod]
    public void Transposed_with_output_shape_ignores_pads()
    {
        // The whole output is [1 12 23 30]; the wanted 2 elements are its middle.
        using var folder = new OnnxFolder();
        Proto x = Singles([1, 1, 3], 1, 2, 3), w = Singles([1, 1, 2], 1, 10);
        folder.Add("plain", Node("ConvTranspose", "x,w"), "x,w", Singles([1, 1, 4], 1, 12, 23, 30), x, w);
        folder.Add("stride", Node("ConvTranspose", "x,w", Ints("strides", 2), Ints("output_padding", 1)), "x,w", Singles([1, 1, 7], 1, 10, 2, 20, 3, 30, 0), x, w);
        folder.Add("pads", Node("ConvTranspose", "x,w", Ints("pads", 1, 0)), "x,w", Singles([1, 1, 3], 12, 23, 30), x, w);
        folder.Add("shape", Node("ConvTranspose", "x,w", Ints("output_shape", 2), Ints("pads", 5, 6)), "x,w", Singles([1, 1, 2], 12, 23), x, w);
        (int code, string output, _) = folder.Run("--backend", "oracle,managed");
        Assert.AreEqual(0, code, output);
        StringAssert.Contains(output, "8 passed, 0 failed, 0 unsupported, 0 errors");
    }

    [TestMethod]
    [DataRow("oracle")]
    [DataRow("managed")]
    public void Deformable_without_bias_with_mask(string backend)
    {
        // One tap at (0, 0); the offsets move position 0 half a row down and position 1 out of the image; the mask doubles.
        using var folder = new OnnxFolder();
        Proto x = Singles([1, 1, 2, 3], 1, 2, 3, 4, 5, 6), w = Singles([1, 1, 1, 1], 1);
        Proto offset = Singles([1, 2, 2, 3], 0.5f, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1);
        Proto mask = Singles([1, 1, 2, 3], 2, 2, 2, 1, 1, 1);
        folder.Add("deform", Node("DeformConv", "x,w,offset,,mask", Int("offset_group", 1)), "x,w,offset,mask", Singles([1, 1, 2, 3], 5, 0, 6, 4, 5, 5), x, w, offset, mask);
        StringAssert.StartsWith(folder.Only(backend), "pass");
    }

    [TestMethod]
    public void Deformable_offset_groups_and_bias()
    {
        // Two channels with offsets of their own: the second one's column is shifted by one.
        using var folder = new OnnxFolder();
        folder.Add(
            "deform",
            Node("DeformConv", "x,w,offset,b", Int("offset_group", 2), Ints("pads", 0, 0, 0, 0)),
            "x,w,offset,b",
            Singles([1, 1, 1, 2], 61, 12),
            Singles([1, 2, 1, 2], 1, 2, 5, 5),
            Singles([1, 2, 1, 1], 1, 10),
            Singles([1, 4, 1, 2], 0, 0, 0, 0, 0, 0, 0, 1),
            Singles([1], 10));
        StringAssert.StartsWith(folder.Only(), "pass");
    }

    [TestMethod]
    public void Col2im_sums_overlaps()
    {
        // Two blocks of 2 at stride 1 with one pad at the begin: the first block's first element falls into the pad.
        using var folder = new OnnxFolder();
        Proto sizes = Tensor(S64, [1]).PackedInts(7, 2), image = Tensor(S64, [1]).Bytes(9, BitConverter.GetBytes(2L));
        folder.Add(
            "col2im",
            Node("Col2Im", "x,image,block", Ints("pads", 1, 0)),
            "x,image,block",
            Singles([1, 1, 2], 5, 4),
            Singles([1, 2, 2], 1, 2, 3, 4),
            image,
            sizes);
        StringAssert.StartsWith(folder.Only(), "pass");
    }

    [TestMethod]
    public void Integer_convolutions_take_the_path_of_cases()
    {
        // (x - 1) under [1 -2] is [-2 -5]; halved and rounded to even [-1 -2], then the zero point 3.
        using var folder = new OnnxFolder();
        Proto x = Tensor(U8, [1, 1, 3]).PackedInts(5, 1, 2, 4), w = Tensor(S8, [1, 1, 2]).PackedInts(5, 1, -2);
        Proto one = Tensor(U8, []).PackedInts(5, 1), none = Tensor(S8, []).PackedInts(5, 0), half = Singles([], 0.5f), unit = Singles([], 1);
        folder.Add("integer", Node("ConvInteger", "x,w,z"), "x,w,z", Tensor(S32, [1, 1, 2]).PackedInts(5, -2, -5), x, w, one);
        folder.Add("plain", Node("ConvInteger", "x,w"), "x,w", Tensor(S32, [1, 1, 2]).PackedInts(5, -3, -6), x, w);
        folder.Add(
            "qlinear",
            Node("QLinearConv", "x,xs,xz,w,ws,wz,ys,yz"),
            "x,xs,xz,w,ws,wz,ys,yz",
            Tensor(U8, [1, 1, 2]).PackedInts(5, 2, 1),
            x, half, one, w, unit, none, unit, Tensor(U8, []).PackedInts(5, 3));
        (int code, string output, _) = folder.Run("--backend", "oracle");
        Assert.AreEqual(0, code, output);
        StringAssert.Contains(output, " 0 failed, ");
        StringAssert.Contains(output, "pass plain oracle naive:double exact");
    }

    [TestMethod]
    [DataRow("float_data")]
    [DataRow("float_data unpacked")]
    [DataRow("double_data")]
    [DataRow("float16 bits in int32_data")]
    [DataRow("bfloat16 raw")]
    public void Typed_fields(string kind)
    {
        float[] x = [1, 2, 3], w = [1, 10], y = [21, 32];
        Proto Make(long[] shape, float[] v) => kind switch
        {
            "float_data" => Tensor(F32, shape).PackedSingles(4, v),
            "float_data unpacked" => v.Aggregate(Tensor(F32, shape), (p, e) => p.Single(4, e)),
            "double_data" => Tensor(F64, shape).PackedDoubles(10, [.. v.Select(e => (double)e)]),
            "bfloat16 raw" => Tensor(BF16, shape).Bytes(9, [.. v.SelectMany(e => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(e) >> 16)))]),
            _ => Tensor(F16, shape).PackedInts(5, [.. v.Select(e => (long)BitConverter.HalfToUInt16Bits((Half)e))]),
        };
        using var folder = new OnnxFolder();
        folder.Add("conv", Node("Conv", "x,w"), "x,w", Make([1, 1, 2], y), Make([1, 1, 3], x), Make([1, 1, 2], w));
        StringAssert.StartsWith(folder.Only(), "pass");
    }

    [TestMethod]
    public void Initializers_and_constants_are_inputs()
    {
        using var folder = new OnnxFolder();
        Proto w = Kernel.Text(8, "w"), constant = new Proto().Text(2, "w").Text(4, "Constant").Message(5, new Proto().Text(1, "value").Message(5, Kernel).Int(20, 4));
        folder.Add("initializer", Model("x", [Node("Conv", "x,w")], w), Valid, Image);
        folder.Add("listed", Model("x,w", [Node("Conv", "x,w")], w), Valid, Image);
        folder.Add("overridden", Model("x,w", [Node("Conv", "x,w")], Singles([1, 1, 1, 2], 7, 7).Text(8, "w")), Valid, Image, Kernel);
        folder.Add("constant", Model("x", [constant, Node("Conv", "x,w")]), Valid, Image);
        (int code, string output, _) = folder.Run("--backend", "oracle");
        Assert.AreEqual(0, code, output);
        StringAssert.Contains(output, "4 passed, 0 failed, 0 unsupported, 0 errors; 0 models are not ours");
    }

    [TestMethod]
    public void Wrong_models_name_what_is_wrong()
    {
        using var folder = new OnnxFolder();
        void Conv(string name, string inputs, Proto[] given, params Proto[] attributes) => folder.Add(name, Node("Conv", inputs, attributes), inputs, Valid, given);
        Conv("attribute", "x,w", [Image, Kernel], Int("causal", 1));
        Conv("kind", "x,w", [Image, Kernel], Int("strides", 1));
        Conv("twice", "x,w", [Image, Kernel], Int("group", 1), Int("group", 1));
        Conv("kernel", "x,w", [Image, Kernel], Ints("kernel_shape", 2, 1));
        Conv("pads", "x,w", [Image, Kernel], Ints("pads", 1, 1));
        Conv("auto", "x,w", [Image, Kernel], Text("auto_pad", "SAME"));
        Conv("many", "x,w,b,z", [Image, Kernel, Singles([1], 0), Singles([1], 0)]);
        Conv("few", "x", [Image]);
        Conv("short", "x,w", [Image]);
        Conv("elements", "x,w", [Singles([1, 1, 2, 3], 1, 2), Kernel]);
        Conv("range", "x,w", [Tensor(U8, [1, 1, 1, 2]).PackedInts(5, 1, 300), Kernel]);
        (int code, string output, _) = folder.Run("--backend", "oracle");
        Assert.AreEqual(1, code, output);
        foreach ((string name, string message) in new[]
        {
            ("attribute", "causal = 1: is not an attribute that Conv is known to have"),
            ("kind", "strides = 1: must be of kind INTS"),
            ("twice", "group = 1: the attribute is given twice"),
            ("kernel", "kernel = [2,1]: disagrees with weight_shape [1,1,1,2]"),
            ("pads", "pads = [1,1]: must have 4 entries"),
            ("auto", "auto_pad = SAME: must be NOTSET, VALID, SAME_UPPER or SAME_LOWER"),
            ("many", "inputs = 4: Conv has at most 3"),
            ("few", "input 1 = none: Conv needs at least 2 inputs"),
            ("short", "the data set has 1 inputs, the graph [x,w]"),
            ("elements", "2 elements of float, but shape [1,1,2,3] has 6"),
            ("range", "int32_data holds 300, which is no uint8"),
        })
        {
            string line = output.Split('\n').Single(l => l.StartsWith($"error {name} oracle - ", StringComparison.Ordinal));
            StringAssert.Contains(line, message);
        }
    }

    [TestMethod]
    public void What_convolutions_do_not_have_here_is_unsupported()
    {
        using var folder = new OnnxFolder();
        folder.Add("rank", Node("Conv", "x,w"), "x,w", Singles([1, 1, 1, 1, 1, 1], 1), Singles([1, 1, 1, 1, 1, 1], 1), Singles([1, 1, 1, 1, 1, 1], 1));
        folder.Add("type", Node("Col2Im", "x,i,b"), "x,i,b", Tensor(4, [1]), Tensor(4, [1]), Tensor(S64, [1]).PackedInts(7, 1), Tensor(S64, [1]).PackedInts(7, 1));
        (int code, string output, _) = folder.Run("--backend", "oracle");
        Assert.AreEqual(0, code, output);
        StringAssert.Contains(output, "unsupported rank oracle - 4 spatial axes");
        StringAssert.Contains(output, "unsupported type oracle - tensors of ONNX's element type uint16");
    }
}
