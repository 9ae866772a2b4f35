using System.Numerics.Tensors;
using ConvNative.Backends;
using Registry = ConvNative.Backends.Engines;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public class ConvTests
{
    public static IEnumerable<object[]> Backends => Registry.All.Select(e => new object[] { e.Name });

    [TestMethod]
    [DynamicData(nameof(Backends))]
    public void Conv2DIsTheSumOfItsTaps(string backend)
    {
        Need(backend);
        Tensor<float> x = Numbers([2, 3, 7, 9], 1), w = Numbers([5, 3, 3, 2], 2);
        float[] bias = [1, -2, 3, -4, 5];
        var options = new ConvOptions { Backend = backend, Strides = [2, 1], PadsBegin = [1, 0], PadsEnd = [0, 2], Dilations = [1, 2] };
        Tensor<float> y = Conv.Conv2D(x, w, bias, options);
        CollectionAssert.AreEqual(new nint[] { 2, 5, 3, 9 }, y.Lengths.ToArray());
        for (int n = 0; n < 2; n++)
            for (int o = 0; o < 5; o++)
                for (int i = 0; i < 3; i++)
                    for (int j = 0; j < 9; j++)
                    {
                        float want = bias[o];
                        for (int c = 0; c < 3; c++)
                            for (int k = 0; k < 3; k++)
                                for (int l = 0; l < 2; l++)
                                {
                                    int r = (2 * i) - 1 + k, s = j + (2 * l);
                                    if (r is >= 0 and < 7 && s is >= 0 and < 9) want += x[n, c, r, s] * w[o, c, k, l];
                                }

                        Assert.AreEqual(want, y[n, o, i, j], $"[{n},{o},{i},{j}]");
                    }
    }

    [TestMethod]
    [DynamicData(nameof(Backends))]
    public void TransposedScattersEveryInputElement(string backend)
    {
        Need(backend);
        Tensor<float> x = Numbers([1, 4, 5], 3), w = Numbers([4, 3, 3], 4);
        Tensor<float> y = Conv.ConvTranspose1D(x, w, options: new ConvOptions { Backend = backend, Stride = 2, Padding = 1, OutputPadding = [1] });
        Assert.AreEqual(10, y.Lengths[2]);
        var want = new float[3, 10];
        for (int c = 0; c < 4; c++)
            for (int i = 0; i < 5; i++)
                for (int o = 0; o < 3; o++)
                    for (int k = 0; k < 3; k++)
                        if ((2 * i) - 1 + k is >= 0 and < 10 and var p) want[o, p] += x[0, c, i] * w[c, o, k];
        for (int o = 0; o < 3; o++)
            for (int p = 0; p < 10; p++) Assert.AreEqual(want[o, p], y[0, o, p]);
    }

    [TestMethod]
    [DynamicData(nameof(Backends))]
    public void ViewsAreReadAsTheyAre(string backend)
    {
        Need(backend);
        Tensor<float> x = Numbers([2, 3, 5, 7], 5), w = Numbers([4, 3, 3, 3], 6);
        var options = new ConvOptions { Backend = backend, Padding = 1 };
        Tensor<float> want = Conv.Conv2D(x, w, default, options);

        Tensor<float> last = Dense(Tensor.PermuteDimensions(x, [0, 2, 3, 1]));
        Equal(want, Conv.Conv2D(Tensor.PermuteDimensions(last, [0, 3, 1, 2]), w, default, options), "channels last");

        Tensor<float> swapped = Dense(Tensor.PermuteDimensions(x, [3, 1, 0, 2]));
        Equal(want, Conv.Conv2D(Tensor.PermuteDimensions(swapped, [2, 1, 3, 0]), w, default, options), "an order that no engine has");

        Tensor<float> wide = Numbers([2, 3, 9, 11], 7);
        Tensor<float> part = wide[new System.Buffers.NRange[] { 0..2, 0..3, 2..7, 1..8 }];
        Equal(Conv.Conv2D(Dense(part), w, default, options), Conv.Conv2D(part, w, default, options), "a slice");

        Tensor<float> weightsLast = Dense(Tensor.PermuteDimensions(w, [0, 2, 3, 1]));
        Equal(want, Conv.Conv2D(x, Tensor.PermuteDimensions(weightsLast, [0, 3, 1, 2]), default, options), "weights channels last");
    }

    [TestMethod]
    [DynamicData(nameof(Backends))]
    public void ARunAllocatesNothing(string backend)
    {
        Need(backend);
        foreach (string text in new[] { "ic1oc1_ih8kh3ph1mb1", "mb1ic3ih9iw11oc5kh3kw3ph1pw1", "mb1g6ic6ih9iw11oc6kh3kw3ph1pw1", "--pad-mode=reflect mb1ic3ih9iw11oc5kh3kw3ph1pw1", "--deconv mb1ic3ih5oc4oh9kh3sh2ph1" })
        {
            using ConvPlan plan = ConvPlan.Create(ConvProblem.Parse(text), backend: backend);
            var x = new float[plan.InputBytes / 4];
            var y = new float[plan.OutputBytes / 4];
            plan.SetWeights(new float[plan.WeightBytes / 4], new float[plan.BiasBytes / 4]);
            for (int i = 0; i < 200; i++) plan.Run(x, y);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++) plan.Run(x, y);
            Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before, text);
        }
    }

    [TestMethod]
    public void BadInputNamesFieldValueAndRule()
    {
        Tensor<float> x = Numbers([1, 3, 5, 7], 1), w = Numbers([4, 3, 3, 3], 2);
        Fails("bias", () => Conv.Conv2D(x, w, new float[3]));
        Fails("input_shape", () => Conv.Conv1D(x, w));
        Fails("weight_shape", () => Conv.Conv2D(x, Numbers([4, 2, 3, 3], 3)));
        Fails("strides", () => Conv.Conv2D(x, w, default, new ConvOptions { Stride = 0 }));
        Fails("pads_begin", () => Conv.Conv2D(x, w, default, new ConvOptions { Padding = -1 }));
        Fails("groups", () => Conv.Conv2D(x, w, default, new ConvOptions { Groups = 2 }));
        Fails("output", () => Conv.Convolve(new float[12], [1, 1, 12], new float[3], [1, 1, 3], default, new float[9]));
        Assert.ThrowsExactly<ArgumentException>(() => Conv.Conv2D(x, w, default, new ConvOptions { Backend = "mkl" }));
    }

    [TestMethod]
    public void AnEmptyBatchIsEmptyAndStillChecked()
    {
        Tensor<float> none = Tensor.CreateFromShape<float>([0, 3, 5, 7]), w = Numbers([4, 3, 3, 3], 2);
        CollectionAssert.AreEqual(new nint[] { 0, 4, 3, 5 }, Conv.Conv2D(none, w).Lengths.ToArray());
        Fails("bias", () => Conv.Conv2D(none, w, new float[3]));
        Fails("pads_begin", () => Conv.Conv2D(Numbers([1, 3, 5, 7], 1), w, default, new ConvOptions { Padding = 1, AutoPad = AutoPad.SameUpper }));
    }

    [TestMethod]
    public void MeasuringLeavesNoWeightsBehind()
    {
        using ConvPlan plan = ConvPlan.Create(ConvProblem.Parse("mb1ic3ih7iw5oc4kh3kw3"), new PlanOptions { Tuning = Tuning.Measure });
        Assert.ThrowsExactly<InvalidOperationException>(() => plan.Run(new float[105], new float[60]));
    }

    [TestMethod]
    public void APlanWithoutWeightsSaysSo()
    {
        using ConvPlan plan = ConvPlan.Create(ConvProblem.Parse("mb1ic3ih9iw11oc5kh3kw3ph1pw1"));
        Assert.ThrowsExactly<InvalidOperationException>(() => plan.Run(new float[297], new float[495]));
        Assert.ThrowsExactly<ArgumentException>(() => plan.SetWeights(new float[135], new float[4]));
        plan.SetWeights(new float[135], new float[5]);
        Assert.ThrowsExactly<ArgumentException>(() => plan.Run(new float[298], new float[495]));
        plan.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => plan.Run(new float[297], new float[495]));
    }

    [TestMethod]
    public void TheCacheIsBoundedAndServesItsPlansAgain()
    {
        using var cache = new PlanCache(2);
        ConvProblem[] problems = [.. new[] { 5, 6, 7 }.Select(s => ConvProblem.Parse($"mb1ic2ih{s}oc3kh3"))];
        PlanCache.PlanKey Key(ConvProblem p) => new(p, PlanOptions.Default, ConvPlan.Auto);
        ConvPlan[] plans = [.. problems.Select(p => cache.Take(Key(p)))];
        for (int i = 0; i < 3; i++) cache.Put(Key(problems[i]), plans[i]);
        Assert.AreEqual(2, cache.Count);
        Assert.AreSame(plans[2], cache.Take(Key(ConvProblem.Parse("mb1ic2ih7oc3kh3"))));
        Assert.AreNotSame(plans[0], cache.Take(Key(problems[0])), "the oldest had to go");
        plans[2].Dispose();
    }

    [TestMethod]
    public void TheCacheIsBoundedInBytes()
    {
        using var cache = new PlanCache();
        ConvProblem[] problems = [.. new[] { 5, 6, 7, 8 }.Select(s => ConvProblem.Parse($"mb1ic20ih{s}oc30kh3"))];
        PlanCache.PlanKey Key(ConvProblem p) => new(p, PlanOptions.Default, ConvPlan.Auto);
        long sum = 0;
        foreach (ConvProblem p in problems)
        {
            ConvPlan plan = cache.Take(Key(p));
            sum += plan.HeldBytes;
            Assert.IsGreaterThan(plan.WorkspaceBytes + plan.WeightBytes, plan.HeldBytes);
            cache.Put(Key(p), plan);
            Assert.AreEqual(sum, cache.Bytes);
        }

        cache.ByteCapacity = sum - 1;
        Assert.AreEqual(3, cache.Count);
        Assert.IsLessThanOrEqualTo(sum - 1, cache.Bytes);
        ConvPlan taken = cache.Take(Key(problems[3]));
        Assert.AreEqual(2, cache.Count);
        cache.ByteCapacity = 0;
        Assert.AreEqual(0, cache.Bytes);
        cache.Put(Key(problems[3]), taken);
        Assert.AreEqual(0, cache.Count, "larger than the whole cache");
        Assert.ThrowsExactly<ObjectDisposedException>(() => taken.SetWeights(new float[20 * 30 * 9]));
    }

    internal static void Need(string backend)
    {
        BackendStatus status = Registry.Find(backend)!.Status;
        if (!status.Available) Engines.Skip(backend, $"{status.Summary}: {status.Remedy}");
    }

    private static void Fails(string field, Action action)
    {
        ConvProblemException e = Assert.ThrowsExactly<ConvProblemException>(action);
        Assert.AreEqual(field, e.Field, e.Message);
    }

    // Small integers: every order of summation gives the same bits.
    private static Tensor<float> Numbers(ReadOnlySpan<nint> shape, int seed)
    {
        var random = new Random(seed);
        Tensor<float> t = Tensor.CreateFromShape<float>(shape);
        var data = new float[t.FlattenedLength];
        for (int i = 0; i < data.Length; i++) data[i] = random.Next(-4, 5);
        return Tensor.Create(data, shape);
    }

    private static Tensor<float> Dense(Tensor<float> t)
    {
        var data = new float[t.FlattenedLength];
        t.FlattenTo(data);
        return Tensor.Create(data, t.Lengths);
    }

    private static void Equal(Tensor<float> a, Tensor<float> b, string what)
    {
        CollectionAssert.AreEqual(a.Lengths.ToArray(), b.Lengths.ToArray(), what);
        var x = new float[a.FlattenedLength];
        var y = new float[b.FlattenedLength];
        a.FlattenTo(x);
        b.FlattenTo(y);
        CollectionAssert.AreEqual(x, y, what);
    }
}
