using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Oracle.Verdicts;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>A problem for one of our kernels: operands on the device, records of sizes and strides, the Oracle's verdict.</summary>
internal sealed class KernelCase(ConvProblem p, FillKind fill) : IDisposable
{
    public Gpu Gpu { get; } = new();

    public ConvProblem Problem => p;

    public OracleTensors Tensors { get; } = Fills.Create(p, fill, 5);

    public int Last => p.InputLayout == Layout.ChannelsLast ? 1 : 0;

    public static KernelCase Create(string problem, FillKind fill = FillKind.Random, Direction? direction = null) =>
        new(direction is { } d ? ConvProblem.Parse(problem).With(s => s with { Direction = d }) : ConvProblem.Parse(problem), fill);

    public nint Up(double[]? values, Dims shape, DataType type, Layout layout = Layout.ChannelsFirst) =>
        values is null ? 0 : Gpu.Upload(TensorBytes.ToBytes(values, type, shape, layout));

    public nint Input => Up(Tensors.Input, p.InputShape, p.InputType, p.InputLayout);

    public nint OutputGradient => Up(Tensors.OutputGrad, p.OutputShape, p.OutputType, p.OutputLayout);

    /// <summary>n, c, d, h, w.</summary>
    public static long[] Strides(Dims shape, Layout layout)
    {
        Dims s = Layouts.Strides(shape, layout);
        var r = new long[] { s[0], s[1], 0, 0, 0 };
        for (int i = 2; i < shape.Count; i++) r[5 - shape.Count + i] = s[i];
        return r;
    }

    /// <summary>Sizes of d, h, w; absent axes have <paramref name="otherwise"/>.</summary>
    public static long[] Three(Dims spatial, long otherwise = 1)
    {
        long[] r = [otherwise, otherwise, otherwise];
        for (int i = 0; i < spatial.Count; i++) r[3 - spatial.Count + i] = spatial[i];
        return r;
    }

    public long[] Window(Dims image, Dims columns) =>
        [.. Three(image), .. Three(p.Kernel), .. Three(columns), .. Three(p.Strides), .. Three(p.Dilations), .. Three(p.PadsBegin, 0)];

    /// <summary>Fails unless the result (in its layout) is what the Oracle says.</summary>
    public void Check(byte[] result, Layout layout, string what = "")
    {
        double[] y = TensorBytes.Read(result, p.ResultType, p.ResultShape, layout);
        Comparison c = Verdict.Compare(p, fill, NaiveOracle.Compute(p, Tensors), y);
        Assert.AreEqual(Outcome.Pass, c.Outcome, $"{what} {p}: {c.Summary}");
    }

    public void Dispose() => Gpu.Dispose();
}
