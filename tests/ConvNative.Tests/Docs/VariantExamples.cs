using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Docs;

/// <summary>The examples of docs/variants: the pages quote the regions, a test runs them and compares with each region's last comment.</summary>
internal static class VariantExamples
{
    public static string Correlation1D()
    {
        // [Correlation1D]
        Tensor<float> x = Tensor.Create<float>([1, 2, 4, 8, 16], [1, 1, 5]);   // [N, C, W]
        Tensor<float> w = Tensor.Create<float>([-1, 0, 1], [1, 1, 3]);         // [O, C/G, K]
        Tensor<float> y = Conv.Conv1D(x, w, options: new ConvOptions { Padding = 1 });
        string text = string.Join(", ", y);
        // 2, 3, 6, 12, -8
        // [end]
        return text;
    }

    public static string Correlation2D()
    {
        // [Correlation2D]
        Tensor<float> x = Tensor.CreateFromShape<float>([1, 3, 32, 32]), w = Tensor.CreateFromShape<float>([16, 3, 3, 3]);
        x.Fill(1f);
        w.Fill(1f);
        Tensor<float> y = Conv.Conv2D(x, w, new float[16], new ConvOptions { Stride = 2, Padding = 1, Activation = Activation.Relu });
        string text = $"[{string.Join(", ", y.Lengths.ToArray())}], corner {y[0, 0, 0, 0]}, middle {y[0, 0, 8, 8]}";
        // [1, 16, 16, 16], corner 12, middle 27
        // [end]
        return text;
    }

    public static string Correlation3D()
    {
        // [Correlation3D]
        Tensor<float> x = Tensor.CreateFromShape<float>([1, 3, 8, 32, 32]), w = Tensor.CreateFromShape<float>([16, 3, 3, 3, 3]);
        Tensor<float> y = Conv.Conv3D(x, w, options: new ConvOptions { Strides = [1, 2, 2], Padding = 1 });
        string text = $"[{string.Join(", ", y.Lengths.ToArray())}]";
        // [1, 16, 8, 16, 16]
        // [end]
        return text;
    }

    public static string Pointwise()
    {
        // [Pointwise]
        Tensor<float> x = Tensor.Create<float>([1, 2, 3, 10, 20, 30], [1, 2, 1, 3]);   // two channels of three pixels
        Tensor<float> w = Tensor.Create<float>([1, 1, -1, 1, 2, 0], [3, 2, 1, 1]);     // a 3 x 2 matrix
        Tensor<float> y = Conv.Conv2D(x, w);
        string text = string.Join(", ", y);
        // 11, 22, 33, 9, 18, 27, 2, 4, 6
        // [end]
        return text;
    }

    public static string Grouped()
    {
        // [Grouped]
        Tensor<float> x = Tensor.CreateFromShape<float>([1, 128, 28, 28]), w = Tensor.CreateFromShape<float>([128, 128 / 32, 3, 3]);
        Tensor<float> y = Conv.Conv2D(x, w, options: new ConvOptions { Groups = 32, Padding = 1 });
        ConvProblem p = Conv.Problem(ConvOp.Correlation, [1, 128, 28, 28], [128, 4, 3, 3], bias: false, new ConvOptions { Groups = 32, Padding = 1 });
        string text = $"[{string.Join(", ", y.Lengths.ToArray())}], {p.WeightCount} weights, {p.MultiplyAdds} multiply-adds";
        // [1, 128, 28, 28], 4608 weights, 3612672 multiply-adds
        // [end]
        return text;
    }

    public static string PointwiseGrouped()
    {
        // [PointwiseGrouped]
        Tensor<float> x = Tensor.Create<float>([1, 2, 3, 4], [1, 4, 1, 1]), w = Tensor.Create<float>([1, 1, 1, -1, 1, 1, 1, -1], [4, 2, 1, 1]);
        Tensor<float> y = Conv.Conv2D(x, w, options: new ConvOptions { Groups = 2 });   // channels 1, 2 make two outputs; 3, 4 the others
        string text = string.Join(", ", y);
        // 3, -1, 7, -1
        // [end]
        return text;
    }

    public static string Depthwise()
    {
        // [Depthwise]
        Tensor<float> x = Tensor.Create<float>([1, 2, 3, 10, 20, 30], [1, 2, 3]);   // channels 1 2 3 and 10 20 30
        Tensor<float> w = Tensor.Create<float>([1, 1, -1, 1], [2, 1, 2]);           // a sum for the first, a difference for the second
        Tensor<float> y = Conv.Conv1D(x, w, options: new ConvOptions { Groups = 2 });
        string text = string.Join(", ", y);
        // 3, 5, 10, 10
        // [end]
        return text;
    }

    public static string DepthwiseMultiplier()
    {
        // [DepthwiseMultiplier]
        Tensor<float> x = Tensor.Create<float>([1, 2, 3, 10, 20, 30], [1, 2, 3]);
        Tensor<float> w = Tensor.Create<float>([1, 1, -1, 1, 1, 1, -1, 1], [4, 1, 2]);   // O = C * 2: both for each channel
        Tensor<float> y = Conv.Conv1D(x, w, options: new ConvOptions { Groups = 2 });
        string text = string.Join(", ", y);
        // 3, 5, 1, 1, 30, 50, 10, 10
        // [end]
        return text;
    }

    public static string GlobalDepthwise()
    {
        // [GlobalDepthwise]
        Tensor<float> x = Tensor.CreateFromShape<float>([1, 512, 7, 7]), w = Tensor.CreateFromShape<float>([512, 1, 7, 7]);
        x.Fill(2f);
        w.Fill(1f / 49);   // equal weights make it a mean
        Tensor<float> y = Conv.Conv2D(x, w, options: new ConvOptions { Groups = 512 });
        string text = $"[{string.Join(", ", y.Lengths.ToArray())}], {y[0, 0, 0, 0]:0.0}";
        // [1, 512, 1, 1], 2.0
        // [end]
        return text;
    }

    public static string Dilated()
    {
        // [Dilated]
        Tensor<float> x = Tensor.Create<float>([1, 2, 4, 8, 16, 32, 64], [1, 1, 7]), w = Tensor.Create<float>([1, 1, 1], [1, 1, 3]);
        Tensor<float> y = Conv.Conv1D(x, w, options: new ConvOptions { Dilation = 2, Padding = 2 });   // 2*(3-1)/2 keeps the size
        string text = string.Join(", ", y);
        // 5, 10, 21, 42, 84, 40, 80
        // [end]
        return text;
    }

    public static string Transposed()
    {
        // [Transposed]
        Tensor<float> x = Tensor.Create<float>([1, 1, 1], [1, 1, 3]), three = Tensor.Create<float>([1, 1, 1], [1, 1, 3]), four = Tensor.Create<float>([1, 1, 1, 1], [1, 1, 4]);   // [C, O/G, K]
        string uneven = string.Join(", ", Conv.ConvTranspose1D(x, three, options: new ConvOptions { Stride = 2 }));
        string even = string.Join(", ", Conv.ConvTranspose1D(x, four, options: new ConvOptions { Stride = 2, Padding = 1 }));
        string text = $"{uneven}; {even}";
        // 1, 1, 2, 1, 2, 1, 1; 1, 2, 2, 2, 2, 1
        // [end]
        return text;
    }

    public static string Convolution()
    {
        // [Convolution]
        Tensor<float> x = Tensor.Create<float>([0, 0, 1, 0, 0], [1, 1, 5]), w = Tensor.Create<float>([1, 2, 3], [1, 1, 3]);
        string correlation = string.Join(", ", Conv.Conv1D(x, w, options: new ConvOptions { Padding = 1 }));
        string convolution = string.Join(", ", Conv.Conv1D(x, w, options: new ConvOptions { Padding = 1, Flip = true }));
        string text = $"{correlation}; {convolution}";
        // 0, 3, 2, 1, 0; 0, 1, 2, 3, 0
        // [end]
        return text;
    }

    public static string SignalModes()
    {
        // [SignalModes]
        Tensor<float> x = Tensor.Create<float>([1, 2, 3], [1, 1, 3]), w = Tensor.Create<float>([0, 1, 0.5f], [1, 1, 3]);
        string Mode(long before, long after) => string.Join(", ", Conv.Conv1D(x, w, options: new ConvOptions { Flip = true, PadsBegin = [before], PadsEnd = [after] }).Select(v => v.ToString(CultureInfo.InvariantCulture)));
        string text = $"full {Mode(2, 2)}; same {Mode(1, 1)}; valid {Mode(0, 0)}";
        // full 0, 1, 2.5, 4, 1.5; same 1, 2.5, 4; valid 2.5
        // [end]
        return text;
    }

    public static string Deformable()
    {
        // [Deformable]
        ConvProblem p = new ConvSpec { Op = ConvOp.Deformable, InputShape = [1, 1, 1, 5], WeightShape = [1, 1, 1, 1], HasMask = true }.Build();
        float[] x = [10, 20, 30, 40, 50], offset = [0, 0, 0, 0, 0, /* dy; then dx: */ 0.5f, 1, -2, 0, 3], mask = [1, 1, 1, 0.5f, 1], y = new float[5];
        using ConvPlan plan = ConvPlan.Create(p);
        plan.SetWeights([1f]);
        plan.Execute(new ConvArguments
        {
            Input = MemoryMarshal.AsBytes<float>(x),
            Offset = MemoryMarshal.AsBytes<float>(offset),
            Mask = MemoryMarshal.AsBytes<float>(mask),
            Result = MemoryMarshal.AsBytes(y.AsSpan()),
        });
        string text = string.Join(", ", y);
        // 15, 30, 10, 20, 0
        // [end]
        return text;
    }

    public static string ChannelShuffle()
    {
        // [ChannelShuffle]
        ConvProblem p = new ConvSpec { Op = ConvOp.ChannelShuffle, InputShape = [1, 6, 1], Groups = 3 }.Build();
        float[] x = [0, 1, 2, 3, 4, 5], y = new float[6];
        using ConvPlan plan = ConvPlan.Create(p);
        plan.Execute(new ConvArguments { Input = MemoryMarshal.AsBytes<float>(x), Result = MemoryMarshal.AsBytes(y.AsSpan()) });
        string text = string.Join(", ", y);
        // 0, 2, 4, 1, 3, 5
        // [end]
        return text;
    }

    public static string Im2col()
    {
        // [Im2col]
        ConvProblem p = new ConvSpec { Op = ConvOp.Im2col, InputShape = [1, 1, 4], Kernel = [2] }.Build();   // -> [1, C*K, L]
        float[] x = [1, 2, 3, 4], columns = new float[p.OutputShape.Product], image = new float[4];
        using ConvPlan unfold = ConvPlan.Create(p);
        unfold.Execute(new ConvArguments { Input = MemoryMarshal.AsBytes<float>(x), Result = MemoryMarshal.AsBytes(columns.AsSpan()) });

        ConvProblem q = new ConvSpec { Op = ConvOp.Col2im, InputShape = p.OutputShape, Kernel = [2], ImageShape = [4] }.Build();
        using ConvPlan fold = ConvPlan.Create(q);
        fold.Execute(new ConvArguments { Input = MemoryMarshal.AsBytes<float>(columns), Result = MemoryMarshal.AsBytes(image.AsSpan()) });
        string text = $"{string.Join(", ", columns)}; {string.Join(", ", image)}";
        // 1, 2, 3, 2, 3, 4; 1, 4, 6, 4
        // [end]
        return text;
    }

    public static string Padding()
    {
        // [Padding]
        Tensor<float> x = Tensor.Create<float>([1, 2, 3, 4], [1, 1, 4]), w = Tensor.Create<float>([1, 0, 0], [1, 1, 3]);
        string Mode(PaddingMode mode) => string.Join(" ", Conv.Conv1D(x, w, options: new ConvOptions { PadsBegin = [2], PaddingMode = mode }));
        string text = $"{Mode(PaddingMode.Reflect)}, {Mode(PaddingMode.Symmetric)}, {Mode(PaddingMode.Replicate)}, {Mode(PaddingMode.Circular)}";
        // 3 2 1 2, 2 1 1 2, 1 1 1 2, 3 4 1 2
        // [end]
        return text;
    }

    public static string Int8()
    {
        // [Int8]
        ConvProblem p = new ConvSpec
        {
            InputShape = [1, 2, 3],
            WeightShape = [1, 2, 1],
            InputType = DataType.U8,
            WeightType = DataType.S8,
            OutputType = DataType.U8,
            Quantization = new Quantization { InputScale = 0.5, InputZeroPoint = 128, WeightScales = [0.25], OutputScale = 0.5, OutputZeroPoint = 10 },
        }.Build();
        byte[] x = [128, 138, 255, 128, 128, 255], y = new byte[3];
        sbyte[] w = [4, 8];
        using ConvPlan plan = ConvPlan.Create(p);
        plan.SetWeights(MemoryMarshal.AsBytes<sbyte>(w), default);
        plan.Execute(new ConvArguments { Input = x, Result = y });
        string text = string.Join(", ", y);   // (127*4 + 127*8)*0.5*0.25/0.5 + 10 = 391 is more than a byte holds
        // 10, 20, 255
        // [end]
        return text;
    }
}
