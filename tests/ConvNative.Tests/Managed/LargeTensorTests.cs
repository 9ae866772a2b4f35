using System.Runtime.InteropServices;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Tensors of more than 2^31 bytes are right: offsets in bytes do not fit 32 bits, those in elements just do.</summary>
[TestClass]
[DoNotParallelize]
public sealed unsafe class LargeTensorTests
{
    private const long Block = 1 << 18;

    /// <summary>Strided, so that one tensor is large and the work is not: less than a second each.</summary>
    [TestMethod]
    [DataRow("managed", "mb1ic1ih23200iw23200oc2kh3kw3sh16sw16ph1pw1", DisplayName = "planes")]
    [DataRow("managed", "--stag=axb --dtag=axb mb1ic16ih5800iw5800oc16kh3kw3sh8sw8ph1pw1g16", DisplayName = "channels-last depthwise")]
    [DataRow("managed", "--stag=axb --dtag=axb mb2ic16ih4100iw4100oc4kh3kw3sh8sw8ph1pw1", DisplayName = "channels-last dense")]
    [DataRow("managed", "mb2ic600ih671iw671oc3kh1kw1", DisplayName = "pointwise")]
    [DataRow("onednn", "--stag=axb --dtag=axb mb1ic16ih5800iw5800oc16kh3kw3sh8sw8ph1pw1g16", DisplayName = "oneDNN")]
    public void SampledElementsAreRight(string engine, string text)
    {
        if (engine == "onednn") OneDnnRun.Require();
        ConvProblem p = ConvProblem.Parse($"--dir=FWD_D {text}");
        long count = p.InputShape.Product;
        Assert.IsGreaterThan(1L << 31, 4 * count);
        if (FreeMemory() < (4 * count) + (4L << 30)) Assert.Inconclusive($"{FreeMemory() >> 30} GiB of memory are free, {text} needs {(4 * count) >> 30} and leaves 4 to others");
        using ConvPlan plan = ConvPlan.Create(p, null, engine);
        float[] w = [.. Enumerable.Range(0, (int)p.WeightCount).Select(i => Value(i + 5))], y = new float[p.OutputShape.Product];
        plan.SetWeights(w);
        var x = (float*)NativeMemory.AllocZeroed((nuint)count, sizeof(float));
        try
        {
            for (long block = 0; block < count; block += Block)
                if (IsFilled(block, count))
                    for (long i = block; i < Math.Min(block + Block, count); i++) x[i] = Value(i);
            plan.Run(new ReadOnlySpan<float>(x, checked((int)count)), y);
        }
        finally
        {
            NativeMemory.Free(x);
        }

        var random = new Random(3);
        int zeros = 0;
        for (int i = 0; i < 2000; i++)
        {
            // The end of the tensors above all.
            long n = i % 4 == 0 ? random.NextInt64(p.Batch) : p.Batch - 1, o = random.NextInt64(p.OutputShape[1]);
            long h = i % 2 == 0 ? random.NextInt64(p.OutputShape[2]) : p.OutputShape[2] - 1 - random.Next(3), v = i % 3 == 0 ? random.NextInt64(p.OutputShape[3]) : p.OutputShape[3] - 1 - random.Next(20);
            float expected = Sum(p, w, n, o, h, v);
            if (expected == 0) zeros++;
            Assert.AreEqual(expected, y[At(p.OutputShape, p.OutputLayout, n, o, h, v)], $"[{n},{o},{h},{v}] of {plan.Implementation}: {p}");
        }

        Assert.IsLessThan(1600, zeros);
    }

    /// <summary>An eighth of the tensor and its end; the rest stays the zeros that cost no memory to write.</summary>
    private static bool IsFilled(long i, long count) => (i / Block) % 8 == 0 || i / Block > (count / Block) - 16;

    private static float Value(long i) => (int)(((ulong)i * 0x9E3779B97F4A7C15UL) >> 60) - 7;

    private static float Sum(ConvProblem p, float[] w, long n, long o, long h, long v)
    {
        long channels = p.InputShape[1] / p.Groups, first = o / (p.OutputShape[1] / p.Groups) * channels, kh = p.WeightShape[2], kw = p.WeightShape[3];
        double sum = 0;
        for (long c = 0; c < channels; c++)
            for (long a = 0; a < kh; a++)
                for (long b = 0; b < kw; b++)
                {
                    long row = (h * p.Strides[0]) - p.PadsBegin[0] + a, column = (v * p.Strides[1]) - p.PadsBegin[1] + b;
                    if (row < 0 || column < 0 || row >= p.InputShape[2] || column >= p.InputShape[3]) continue;
                    long i = At(p.InputShape, p.InputLayout, n, first + c, row, column);
                    if (IsFilled(i, p.InputShape.Product)) sum += Value(i) * w[(((((o * channels) + c) * kh) + a) * kw) + b];
                }

        return (float)sum;
    }

    private static long At(Dims shape, Layout layout, long n, long c, long h, long v) => layout == Layout.ChannelsLast
        ? (((((n * shape[2]) + h) * shape[3]) + v) * shape[1]) + c
        : (((((n * shape[1]) + c) * shape[2]) + h) * shape[3]) + v;

    private static long FreeMemory()
    {
        const string Field = "MemAvailable:";
        string? line = File.Exists("/proc/meminfo") ? File.ReadLines("/proc/meminfo").FirstOrDefault(l => l.StartsWith(Field, StringComparison.Ordinal)) : null;
        GCMemoryInfo gc = GC.GetGCMemoryInfo();
        return line is null ? gc.TotalAvailableMemoryBytes - gc.MemoryLoadBytes : long.Parse(line[Field.Length..^2].Trim(), System.Globalization.CultureInfo.InvariantCulture) << 10;
    }
}
