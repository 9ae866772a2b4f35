using ConvNative.Backends.Common.Epilogue;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Oracle;
using ConvNative.Oracle.Bounds;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Vectorised activations against double, within the oracle's bound, over numbers from all of f32.</summary>
[TestClass]
public unsafe class ActivationTests
{
    private static readonly Activation[] s_activations =
    [
        new(ActivationKind.Sigmoid, 0, 0), new(ActivationKind.Tanh, 0, 0), new(ActivationKind.GeluErf, 0, 0), new(ActivationKind.GeluTanh, 0, 0),
        new(ActivationKind.Silu, 1, 0), new(ActivationKind.Silu, 1.702, 0), new(ActivationKind.Silu, -0.5, 0),
        new(ActivationKind.LeakyRelu, 0.01, 0), new(ActivationKind.HardSwish, 1.0 / 6, 0.5),
    ];

    private static readonly float[] s_special =
    [
        0, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -float.Epsilon, float.MaxValue, float.MinValue,
        0.625f, -0.625f, 15, -15, 88, -88, 87.33f, -87.33f, -104, 3, -3,
    ];

    [TestMethod]
    public void StayWithinTheBound()
    {
        // Every 2,003rd bit pattern: each binade of either sign a few thousand times; and the range that matters in small steps.
        var x = new List<float>(s_special);
        for (long bits = 0; bits < 1L << 32; bits += 2003) x.Add(BitConverter.UInt32BitsToSingle((uint)bits));
        for (int i = -400_000; i <= 400_000; i++) x.Add(i * (20f / 400_000));
        foreach (Activation a in s_activations)
        {
            float[] y = Applied(a, x);
            for (int i = 0; i < y.Length; i++)
            {
                double expected = Epilogue.Activate(a, x[i]);
                if (double.IsNaN(expected))
                {
                    Assert.IsTrue(float.IsNaN(y[i]), $"{a.Kind} of {x[i]}: {y[i]}, not NaN");
                    continue;
                }

                if (Math.Abs(expected) > float.MaxValue) expected = (float)expected;
                if (double.IsInfinity(expected))
                {
                    Assert.AreEqual(expected, y[i], $"{a.Kind} of {x[i]}");
                    continue;
                }

                double u = Math.ScaleB(1, -24), bound = ErrorBound.ActivationError(a, x[i], expected, u) + (u * Math.Abs(expected)) + Math.ScaleB(1, -126);
                Assert.IsTrue(Math.Abs(y[i] - expected) <= bound, $"{a.Kind} of {x[i]}: {y[i]}, expected {expected} within {bound}");
            }
        }
    }

    [TestMethod]
    public void PlaceAndLengthDoNotMatter()
    {
        float[] x = [.. Enumerable.Range(0, 67).Select(i => (i - 33) / 7f)];
        foreach (Activation a in s_activations)
        {
            float[] all = Applied(a, x);
            for (int i = 0; i < x.Length; i++) Assert.AreEqual(BitConverter.SingleToInt32Bits(all[i]), BitConverter.SingleToInt32Bits(Applied(a, [x[i]])[0]), $"{a.Kind} of {x[i]}");
        }
    }

    [TestMethod]
    public void DoublesHaveTheSameLimits()
    {
        foreach (Activation a in s_activations)
            foreach (double x in (double[])[double.NegativeInfinity, double.PositiveInfinity, double.NaN, -0.0, -1e300, 1e300])
            {
                double expected = Epilogue.Activate(a, x), y = Activations.Apply(a, x);
                if (double.IsFinite(expected)) Assert.AreEqual(expected, y, Math.Abs(expected) * 1e-12, $"{a.Kind} of {x}");
                else Assert.AreEqual(expected, y, $"{a.Kind} of {x}");
            }
    }

    private static float[] Applied(Activation a, IReadOnlyList<float> x)
    {
        float[] y = [.. x];
        fixed (float* p = y) new PostOpRunner<float>(new PostOps(false, 1, a)).Apply(p, null, y.Length);
        return y;
    }
}
