using System.Runtime.InteropServices;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Problems;

/// <summary>What is not given is what the field takes it for, never a zero that happens to be there.</summary>
[TestClass]
public sealed class UsualValueTests
{
    private static readonly ConvSpec s_spec = new() { InputShape = [1, 1, 7], WeightShape = [1, 1, 1] };

    public static IEnumerable<object[]> Functions =>
    [
        [ActivationKind.Relu, (Func<double, double>)(x => Math.Max(x, 0))],
        [ActivationKind.LeakyRelu, (Func<double, double>)(x => x > 0 ? x : 0.01 * x)],
        [ActivationKind.Sigmoid, (Func<double, double>)(x => 1 / (1 + Math.Exp(-x)))],
        [ActivationKind.Tanh, (Func<double, double>)Math.Tanh],
        [ActivationKind.Silu, (Func<double, double>)(x => x / (1 + Math.Exp(-x)))],
        [ActivationKind.HardSwish, (Func<double, double>)(x => x * Math.Clamp((x / 6) + 0.5, 0, 1))],
    ];

    [TestMethod]
    [DynamicData(nameof(Functions))]
    public void AnActivationOfItsKindAloneIsTheUsualFunction(ActivationKind kind, Func<double, double> f)
    {
        float[] x = [-7, -2, -0.5f, 0, 0.5f, 2, 7];
        foreach (Activation a in (Activation[])[new Activation(kind), new Activation { Kind = kind }, Activation.Relu with { Kind = kind }])
        {
            using ConvPlan plan = ConvPlan.Create((s_spec with { PostOps = new PostOps { Activation = a } }).Build(), backend: "managed");
            plan.SetWeights([1f]);
            var y = new float[7];
            plan.Run(x, y);
            for (int i = 0; i < y.Length; i++) Assert.AreEqual(f(x[i]), y[i], 1e-6 * Math.Max(1, Math.Abs(x[i])), $"{kind} of {x[i]}");
        }
    }

    [TestMethod]
    public void AClipWithoutItsLimitsIsRefused()
    {
        foreach (Activation a in (Activation[])[new Activation(ActivationKind.Clip), new Activation(ActivationKind.Clip, 1), new Activation { Kind = ActivationKind.Clip, Beta = 1 }])
        {
            ConvProblemException e = Assert.ThrowsExactly<ConvProblemException>(() => (s_spec with { PostOps = new PostOps { Activation = a } }).Build());
            Assert.AreEqual("activation", e.Field);
            StringAssert.Contains(e.Message, "both limits");
        }

        Assert.AreEqual(Activation.Relu6, (s_spec with { PostOps = new PostOps { Activation = new Activation(ActivationKind.Clip, 0, 6) } }).Build().PostOps.Activation);
    }

    [TestMethod]
    public void UsualNumbersEqualTheSameNumbersGiven()
    {
        Assert.AreEqual(new Activation(ActivationKind.Silu, 1), Activation.Silu);
        Assert.AreEqual(new Activation(ActivationKind.Silu, 1).GetHashCode(), new Activation { Kind = ActivationKind.Silu }.GetHashCode());
        Assert.AreEqual(new Activation(ActivationKind.HardSwish, 1.0 / 6, 0.5), Activation.HardSwish);
        Assert.AreNotEqual(new Activation(ActivationKind.Silu, 0), Activation.Silu, "a zero that is given stays one");
        Assert.AreEqual(default, Activation.None);
        Assert.AreEqual("--attr-post-ops=swish:1 mb1ic1iw7oc1ow7kw1pw0", (s_spec with { HasBias = true, PostOps = new PostOps { Activation = new(ActivationKind.Silu) } }).Build().ToString());
    }

    [TestMethod]
    public void AResidualCountsOnceUnlessAFactorIsGiven()
    {
        Assert.AreEqual(1, new PostOps { Residual = true }.ResidualScale);
        Assert.AreEqual(new PostOps(true, 1, default), PostOps.None with { Residual = true });
        Assert.AreEqual(0.5, (PostOps.None with { Residual = true, ResidualScale = 0.5 }).ResidualScale);
        Assert.AreEqual(default, new PostOps(false, 0, default));
        using ConvPlan plan = ConvPlan.Create((s_spec with { PostOps = new PostOps { Residual = true } }).Build(), backend: "managed");
        plan.SetWeights([1f]);
        float[] x = [1, 2, 3, 4, 5, 6, 7], r = [10, 10, 10, 10, 10, 10, 10], y = new float[7];
        plan.Execute(new ConvArguments { Input = MemoryMarshal.AsBytes<float>(x), Residual = MemoryMarshal.AsBytes<float>(r), Result = MemoryMarshal.AsBytes(y.AsSpan()) });
        CollectionAssert.AreEqual(new float[] { 11, 12, 13, 14, 15, 16, 17 }, y);
    }

    [TestMethod]
    public void TheOutputsTypeFollowsTheInputs()
    {
        foreach (DataType t in (DataType[])[DataType.F32, DataType.F64, DataType.BF16, DataType.F16])
            Assert.AreEqual(t, (s_spec with { InputType = t, WeightType = t }).Build().OutputType);
        Assert.AreEqual(DataType.F32, (s_spec with { InputType = DataType.U8, WeightType = DataType.S8 }).Build().OutputType, "the value itself");
        Assert.AreEqual(DataType.U8, new ConvSpec { Op = ConvOp.ChannelShuffle, InputShape = [1, 4, 5], Groups = 2, InputType = DataType.U8 }.Build().OutputType, "a copy");
        ConvSpec half = s_spec with { InputType = DataType.BF16, WeightType = DataType.BF16, OutputType = DataType.F32 };
        Assert.AreEqual(DataType.F32, half.Build().OutputType, "what is set stays");
        Assert.AreEqual(DataType.F64, half.Build().With(s => s with { InputType = DataType.F64, WeightType = DataType.F64, OutputType = DataType.F64 }).OutputType);

        ConvProblem p = (s_spec with { InputType = DataType.F64, WeightType = DataType.F64 }).Build();
        Assert.AreEqual(p, ConvProblem.Parse(p.ToString()));
        Assert.AreEqual(p, p.ToSpec().Build());
        Assert.AreEqual((s_spec with { InputType = DataType.F64, WeightType = DataType.F64, OutputType = DataType.F64 }).Build(), p);
    }
}
