using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using ConvNative.Graphs;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;
using Registry = ConvNative.Backends.Engines;

namespace ConvNative.Tests;

/// <summary>What a caller got wrong is refused in words that are the caller's.</summary>
[TestClass]
public sealed class RefusalTests
{
    private static readonly float[] s_x = [1, 2, 3, 4, 5, 6, 7, 8, 9];

    [TestMethod]
    public void FlipIsForACorrelation()
    {
        var flip = new ConvOptions { Flip = true };
        foreach (Action call in (Action[])
        [
            () => Conv.ConvTranspose2D(Tensor.Create(s_x, [1, 1, 3, 3]), Tensor.Create(s_x, [1, 1, 3, 3]), default, flip),
            () => Conv.ConvolveTransposed(s_x, [1, 1, 3, 3], s_x, [1, 1, 3, 3], default, new float[25], flip),
            () => Conv.Problem(ConvOp.Transposed, [1, 1, 3, 3], [1, 1, 3, 3], false, flip),
            () => Conv.Problem(ConvOp.Deformable, [1, 1, 3, 3], [1, 1, 3, 3], false, flip),
        ])
        {
            ConvProblemException e = Assert.ThrowsExactly<ConvProblemException>(call);
            Assert.AreEqual("flip", e.Field);
        }

        Assert.AreEqual(ConvOp.Convolution, Conv.Problem(ConvOp.Correlation, [1, 1, 3, 3], [1, 1, 3, 3], false, flip).Op);
        Assert.AreEqual(ConvOp.Convolution, Conv.Problem(ConvOp.Convolution, [1, 1, 3, 3], [1, 1, 3, 3], false, flip).Op);
    }

    [TestMethod]
    public void AnEmptyArrayIsABiasOfTheWrongLength()
    {
        Tensor<float> x = Tensor.Create(s_x, [1, 1, 3, 3]);
        foreach (Action call in (Action[])
        [
            () => Conv.Conv2D(x, x, Array.Empty<float>()),
            () => Conv.Conv2D(x, x, new float[3].AsSpan(0, 0)),
            () => Conv.ConvTranspose2D(x, x, Array.Empty<float>()),
            () => Conv.Convolve(s_x, [1, 1, 3, 3], s_x, [1, 1, 3, 3], Array.Empty<float>(), new float[1]),
        ])
        {
            ConvProblemException e = Assert.ThrowsExactly<ConvProblemException>(call);
            Assert.AreEqual("bias = 0 elements: must be exactly 1, shape [1]", e.Message);
        }

        float[]? none = null;
        foreach (Tensor<float> y in (Tensor<float>[])[Conv.Conv2D(x, x), Conv.Conv2D(x, x, none), Conv.Conv2D(x, x, default), Conv.Conv2D(x, x, [])])
            Assert.AreEqual(285f, y[0, 0, 0, 0]);
    }

    [TestMethod]
    public void AMissingTensorIsNamed()
    {
        Tensor<float> x = Tensor.Create(s_x, [1, 1, 3, 3]);
        Assert.AreEqual("input_shape", Assert.ThrowsExactly<ConvProblemException>(() => Conv.Conv2D(default(ReadOnlyTensorSpan<float>), x)).Field);
        Assert.AreEqual("weight_shape", Assert.ThrowsExactly<ConvProblemException>(() => Conv.Conv2D(x, default(ReadOnlyTensorSpan<float>))).Field);
        Tensor<float> none = null!;
        foreach (Func<Tensor<float>, Tensor<float>, Tensor<float>> f in (Func<Tensor<float>, Tensor<float>, Tensor<float>>[])
        [
            (a, b) => Conv.Conv1D(a, b), (a, b) => Conv.Conv2D(a, b), (a, b) => Conv.Conv3D(a, b),
            (a, b) => Conv.ConvTranspose1D(a, b), (a, b) => Conv.ConvTranspose2D(a, b), (a, b) => Conv.ConvTranspose3D(a, b),
        ])
        {
            Assert.AreEqual("input", Assert.ThrowsExactly<ArgumentNullException>(() => f(none, x)).ParamName);
            Assert.AreEqual("weights", Assert.ThrowsExactly<ArgumentNullException>(() => f(x, none)).ParamName);
        }

        float[]? gone = null;
        Assert.AreEqual("input", Assert.ThrowsExactly<ConvProblemException>(() => Conv.Convolve(gone, [1, 1, 3, 3], s_x, [1, 1, 3, 3], default, new float[1])).Field);
        Assert.AreEqual("weights", Assert.ThrowsExactly<ConvProblemException>(() => Conv.Convolve(s_x, [1, 1, 3, 3], gone, [1, 1, 3, 3], default, new float[1])).Field);
        Assert.AreEqual("problem", Assert.ThrowsExactly<ArgumentNullException>(() => ConvPlan.Create(null!)).ParamName);
        Assert.AreEqual("backend", Assert.ThrowsExactly<ArgumentNullException>(() => ConvPlan.Create(ConvProblem.Parse("ic1iw3oc1kw1"), backend: null!)).ParamName);
    }

    /// <summary>A caller of typed spans counts elements.</summary>
    [TestMethod]
    public void LengthsAreTheCallersElements()
    {
        using ConvPlan plan = ConvPlan.Create(ConvProblem.Parse("mb1ic2iw5oc3kw2"), backend: "managed");
        Says("weights = 11 elements: must be exactly 12 elements, shape [3,2,2]", () => plan.SetWeights(new float[11], new float[3]));
        Says("bias = 2 elements: must be exactly 3 elements, shape [3]", () => plan.SetWeights(new float[12], new float[2]));
        Says("weights = 44 bytes: must be exactly 48 bytes, shape [3,2,2]", () => plan.SetWeights(new byte[44], new byte[12]));
        plan.SetWeights(new float[12], new float[3]);
        Says("input = 9 elements: must be exactly 10 elements, shape [1,2,5]", () => plan.Run(new float[9], new float[12]));
        Says("output = 13 elements: must be exactly 12 elements, shape [1,3,4]", () => plan.Run(new float[10], new float[13]));
        using ConvPlan without = ConvPlan.Create(ConvProblem.Parse("--dir=FWD_D mb1ic2iw5oc3kw2"), backend: "managed");
        Says("bias = 3 elements: the problem takes none", () => without.SetWeights(new float[12], new float[3]));

        void Says(string words, Action call) => StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentException>(call).Message, words);
    }

    [TestMethod]
    [DynamicData(nameof(ConvTests.Backends), typeof(ConvTests))]
    public void ADisposedPlanIsCalledConvPlan(string backend)
    {
        ConvTests.Need(backend);
        ConvPlan plan = ConvPlan.Create(ConvProblem.Parse("mb1ic2iw5oc3kw2"), backend: backend);
        plan.SetWeights(new float[12], new float[3]);
        plan.Dispose();
        foreach (Action call in (Action[])
        [
            () => plan.Run(new float[10], new float[12]),
            () => plan.SetWeights(new float[12], new float[3]),
            () => plan.SetWeights(new byte[48], new byte[12]),
            () => plan.Execute(new ConvArguments { Input = new byte[40], Result = new byte[48] }),
        ])
            Assert.AreEqual("ConvPlan", Assert.ThrowsExactly<ObjectDisposedException>(call).ObjectName);
    }

    [TestMethod]
    public void EnginesAreFoundInAnyCase()
    {
        foreach ((string asked, string name) in new[] { ("OneDNN", "onednn"), ("Managed", "managed"), ("cuDNN", "cudnn"), ("OpenCL", "opencl"), ("OPENCL:0", "opencl:0") })
            Assert.AreEqual(name, Registry.Find(asked)?.Name);
        Assert.IsNull(Registry.Find("one-dnn"));
        ConvProblem p = ConvProblem.Parse("mb1ic2iw5oc3kw2");
        using ConvPlan managed = ConvPlan.Create(p, backend: "MANAGED"), any = ConvPlan.Create(p, backend: "Auto");
        Assert.AreEqual("managed", managed.Backend);
        Assert.AreEqual(285f, Conv.Conv2D(Tensor.Create(s_x, [1, 1, 3, 3]), Tensor.Create(s_x, [1, 1, 3, 3]), default, new ConvOptions { Backend = "Managed" })[0, 0, 0, 0]);
        var builder = new GraphBuilder("g");
        ConvGraph graph = builder.Build(builder.Input([1, 2, 5]).Conv(3, 3));
        using GraphPlan plan = GraphPlan.Create(graph, new GraphOptions { Backend = "AUTO" });
        Assert.IsNotNull(plan);
    }

    /// <summary>Channels-last data is read in place by the view that the hint names.</summary>
    [TestMethod]
    public void TheHintForChannelsLastWorks()
    {
        var random = new Random(1);
        float[] last = [.. Enumerable.Range(0, 5 * 6 * 3).Select(_ => (float)random.Next(-4, 5))], w = [.. Enumerable.Range(0, 2 * 3 * 2 * 2).Select(_ => (float)random.Next(-4, 5))];
        Tensor<float> x = Tensor.Create(last, [1, 5, 6, 3]), weights = Tensor.Create(w, [2, 3, 2, 2]);
        StringAssert.Contains(Assert.ThrowsExactly<ConvProblemException>(() => Conv.Conv2D(x, weights)).Message, "Tensor.PermuteDimensions(x, [0, 3, 1, 2])");
        Tensor<float> y = Conv.Conv2D(Tensor.PermuteDimensions(x, [0, 3, 1, 2]), weights);
        float want = 0;
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 2; j++) want += last[((((1 + i) * 6) + 2 + j) * 3) + c] * w[(((3 + c) * 2) + i) * 2 + j];
        Assert.AreEqual(want, y[0, 1, 1, 2]);
    }
}
