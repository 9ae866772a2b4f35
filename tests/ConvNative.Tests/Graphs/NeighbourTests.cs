using ConvNative.Graphs.Neighbours;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Graphs;

/// <summary>The graph's own kernels between convolutions, against plain loops; what lies around their tensors stays as it was.</summary>
[TestClass]
public sealed unsafe class NeighbourTests
{
    private const float Guard = 12345.5f;

    [TestMethod]
    [DataRow(16)]
    [DataRow(8)]
    [DataRow(1)]
    public void AShufflePutsEveryChannelInItsPlace(int lanes)
    {
        if ((lanes == 16 && !System.Runtime.Intrinsics.X86.Avx512F.IsSupported) || (lanes == 8 && !System.Runtime.Intrinsics.Vector256.IsHardwareAccelerated)) Assert.Inconclusive($"no vectors of {lanes} lanes here");
        foreach ((int groups, int own) in new[] { (3, 20), (3, 5), (2, 9), (4, 16), (8, 3), (5, 7), (1, 18), (8, 30), (9, 4), (30, 2), (2, 1) })
        {
            int channels = groups * own, pixels = 6;
            float[] x = Numbers(channels * pixels), y = new float[x.Length + 32];
            Array.Fill(y, Guard);
            var kernel = new ShuffleNeighbour([2, channels, 3], groups, Activation.LeakyRelu(0.5), lanes);
            fixed (float* from = x, to = y)
            {
                kernel.Source = from;
                kernel.Target = to + 16;
                kernel.Run(2);
            }

            for (int i = 0; i < y.Length; i++)
            {
                int at = i - 16, c = at % channels;
                float source = at < 0 || at >= x.Length ? Guard : x[at - c + (c % groups * own) + (c / groups)];
                Assert.AreEqual(source < 0 ? source / 2 : source, y[i], $"{groups} groups of {own}, element {at}");
            }
        }
    }

    [TestMethod]
    [DataRow(PoolKind.Max)]
    [DataRow(PoolKind.Average)]
    public void APoolingReducesEveryWindow(PoolKind kind)
    {
        foreach (int channels in new[] { 1, 5, 8, 24, 37, 64, 83 })
        {
            var window = new PoolWindow(kind, [3, 2], [2, 1], [1, 0], [1, 1]);
            Dims input = [2, channels, 7, 5], output = window.OutputSpatial([7, 5]).Prepend(2, channels);
            float[] x = Numbers((int)input.Product), y = new float[output.Product + 32];
            (x[0], x[^1]) = (float.NaN, float.PositiveInfinity);
            Array.Fill(y, Guard);
            var kernel = new PoolNeighbour(window, input, output);
            fixed (float* from = x, to = y)
            {
                kernel.Source = from;
                kernel.Target = to + 16;
                kernel.Run(2);
            }

            for (int i = 0; i < 16; i++) Assert.IsTrue(y[i] == Guard && y[^(i + 1)] == Guard);
            for (int i = 0; i < output.Product; i++)
            {
                (int c, int w, int h, int n) = (i % channels, i / channels % (int)output[3], i / channels / (int)output[3] % (int)output[2], i / channels / (int)(output[3] * output[2]));
                var taps = new List<float>();
                for (int r = (2 * h) - 1; r < (2 * h) + 2; r++)
                    for (int s = w; s < w + 2; s++)
                        if (r is >= 0 and < 7 && s < 5) taps.Add(x[(((((n * 7) + r) * 5) + s) * channels) + c]);
                float expected = kind == PoolKind.Average ? taps.Sum() / taps.Count : taps.Exists(float.IsNaN) ? float.NaN : taps.Max();
                Assert.AreEqual(expected, y[16 + i], float.IsFinite(expected) ? 1e-5f : 0, $"{channels} channels, element {i}");
            }
        }
    }

    [TestMethod]
    public void AMaximumIsNaNWhereverTheNaNStands()
    {
        var window = new PoolWindow(PoolKind.Max, [3], [1], [0], [0]);
        for (int at = 0; at < 3; at++)
        {
            float[] x = Numbers(3 * 41), y = new float[41];
            x[(at * 41) + 7] = x[(at * 41) + 40] = float.NaN;
            var kernel = new PoolNeighbour(window, [1, 41, 3], [1, 41, 1]);
            fixed (float* from = x, to = y)
            {
                kernel.Source = from;
                kernel.Target = to;
                kernel.Run(1);
            }

            for (int c = 0; c < 41; c++) Assert.AreEqual(c is 7 or 40, float.IsNaN(y[c]), $"NaN at {at}, channel {c}");
        }
    }

    [TestMethod]
    public void AConcatCopiesAndActivatesEveryPixel()
    {
        int[] channels = [3, 24, 1];
        const int Pixels = 29;
        float[][] x = [.. channels.Select((c, i) => Numbers(c * Pixels).Select(v => v + i).ToArray())];
        float[] y = new float[(28 * Pixels) + 32];
        Array.Fill(y, Guard);
        var kernel = new ConcatNeighbour(channels, Pixels, Activation.Clip(-100, 200));
        fixed (float* a = x[0], b = x[1], c = x[2], to = y)
        {
            (kernel.Sources[0], kernel.Sources[1], kernel.Sources[2]) = ((nint)a, (nint)b, (nint)c);
            kernel.Target = to + 16;
            kernel.Run(2);
        }

        float[] expected = [.. Enumerable.Range(0, Pixels).SelectMany(p => channels.SelectMany((c, i) => x[i].Skip(p * c).Take(c))).Select(v => Math.Clamp(v, -100, 200))];
        CollectionAssert.AreEqual(expected, y[16..^16]);
        for (int i = 0; i < 16; i++) Assert.IsTrue(y[i] == Guard && y[^(i + 1)] == Guard);
    }

    [TestMethod]
    [DataRow(false, false)]
    [DataRow(true, false)]
    [DataRow(false, true)]
    [DataRow(true, true)]
    public void ElementsAreScaledAddedAndActivated(bool gated, bool added)
    {
        const int Channels = 37, Pixels = 11;
        float[] x = Numbers(2 * Channels * Pixels), gate = Numbers(2 * Channels), addend = [.. Numbers(x.Length).Reverse()], y = new float[x.Length];
        x[5] = float.NaN;
        var kernel = new ElementNeighbour(Activation.Relu, [2, Channels, Pixels], gated);
        fixed (float* from = x, g = gate, a = addend, to = y)
        {
            kernel.Source = from;
            kernel.Gate = gated ? g : null;
            kernel.Addend = added ? a : null;
            kernel.Target = to;
            kernel.Run(2);
        }

        for (int i = 0; i < x.Length; i++)
        {
            float v = (gated ? x[i] * gate[(i / (Channels * Pixels) * Channels) + (i % Channels)] : x[i]) + (added ? addend[i] : 0);
            Assert.AreEqual(v < 0 ? 0 : v, y[i], $"element {i}");
        }
    }

    private static float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(i => (float)(((i * 7919) % 1013) - 506))];
}
