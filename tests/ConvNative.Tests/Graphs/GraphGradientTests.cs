using ConvNative.Cli.Checking;
using ConvNative.Graphs;
using ConvNative.Oracle;
using ConvNative.Oracle.Graphs;
using ConvNative.Oracle.Variants;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Graphs;

/// <summary>The oracle's gradients of graphs against central differences of its own forward values; what an engine's gradients may not do.</summary>
[TestClass]
public sealed class GraphGradientTests
{
    private const double Step = 1e-5;

    [TestMethod]
    public void EveryKindOfNodeAgreesWithCentralDifferences()
    {
        var g = new GraphBuilder("all");
        GraphValue x = g.Input([2, 4, 5, 6]), other = g.Input([2, 3, 5, 6]);
        GraphValue a = x.Conv(6, 3).Activate(Activation.Silu), b = x.Concat(other).Depthwise(3).Conv(6, 1).Activate(Activation.GeluTanh);
        GraphValue s = a.Add(b).Shuffle(3), gate = s.GlobalAveragePool().Conv(6, 1).Activate(Activation.Sigmoid);
        GraphValue d = s.Scale(gate).Deformable(4, 3, x.Conv(18, 3), x.Conv(9, 1).Activate(Activation.Tanh));
        GraphValue p = d.MaxPool(3, 2, 1).Concat(d.AveragePool(3, 2, 1)).ConvTransposed(4, 3, new ConvSettings { Stride = 2 }).Activate(Activation.GeluErf);
        Check(g.Build(p.SubPixel(2), s.Activate(Activation.LeakyRelu(0.1))));
    }

    [TestMethod]
    [DataRow(ActivationKind.Relu, 0, 0)]
    [DataRow(ActivationKind.LeakyRelu, 0.3, 0)]
    [DataRow(ActivationKind.Clip, -0.5, 0.7)]
    [DataRow(ActivationKind.Sigmoid, 0, 0)]
    [DataRow(ActivationKind.Tanh, 0, 0)]
    [DataRow(ActivationKind.GeluErf, 0, 0)]
    [DataRow(ActivationKind.GeluTanh, 0, 0)]
    [DataRow(ActivationKind.Silu, 1.5, 0)]
    [DataRow(ActivationKind.HardSwish, 0.2, 0.4)]
    public void SlopesAreThoseOfTheOraclesActivations(ActivationKind kind, double alpha, double beta)
    {
        var a = new Activation(kind, alpha, beta);
        for (double x = -6.03; x < 6; x += 0.17)
        {
            double difference = (Epilogue.Activate(a, x + Step) - Epilogue.Activate(a, x - Step)) / (2 * Step);
            Assert.AreEqual(difference, NaiveGraphGradient.Derivative(a, x), 1e-6, $"{kind} at {x}");
            float[] engine = new float[1];
            ActivationGradient.Run(a, [(float)x], [1], engine);
            Assert.AreEqual(NaiveGraphGradient.Derivative(a, (float)x), engine[0], 1e-6, $"{kind} at {x} in the plan");
        }
    }

    [TestMethod]
    public void AMaximumPassesToTheFirstOfItsLargest()
    {
        var g = new GraphBuilder("ties");
        ConvGraph graph = g.Build(g.Input([1, 1, 2, 2]).MaxPool(2, 1));
        using GraphGradients plan = GraphGradients.Create(graph, new GraphOptions { Backend = "managed" });
        var dx = new float[4];
        plan.Forward([new float[] { 1, 3, 3, 2 }], [new float[1]]);
        plan.Backward([new float[] { 5 }], [dx]);
        CollectionAssert.AreEqual(new float[] { 0, 5, 0, 0 }, dx);
        CollectionAssert.AreEqual(new double[] { 0, 5, 0, 0 }, NaiveGraphGradient.Compute(graph, [[1, 3, 3, 2], [3]], [[5]], new Dictionary<string, NodeParameters>())[0].Values);
    }

    [TestMethod]
    public void WhatNoOutputDependsOnHasZeros()
    {
        var g = new GraphBuilder("aside");
        GraphValue x = g.Input([1, 2, 3, 3]), aside = x.Conv(2, 3);
        ConvGraph graph = g.Build(x.Relu());
        using GraphGradients plan = GraphGradients.Create(graph, new GraphOptions { Backend = "managed" });
        plan.SetWeights("conv", new float[36], new float[2]);
        var dx = new float[18];
        plan.Forward([Enumerable.Repeat(1f, 18).ToArray()], [new float[18]]);
        plan.Backward([Enumerable.Repeat(2f, 18).ToArray()], [dx]);
        Assert.IsTrue(dx.All(v => v == 2));
        Assert.IsTrue(plan.WeightGradient("conv").ToArray().All(v => v == 0) && plan.Gradient(aside.Id).ToArray().All(v => v == 0));
    }

    [TestMethod]
    public void WrongLengthsAreErrorsThatNameThem()
    {
        var g = new GraphBuilder("lengths");
        ConvGraph graph = g.Build(g.Input([1, 2, 3, 3]).Relu());
        using GraphGradients plan = GraphGradients.Create(graph, new GraphOptions { Backend = "managed" });
        Assert.Contains("output gradient 0 = 5 elements: must be exactly 18", Assert.ThrowsExactly<ArgumentException>(() => plan.Backward([new float[5]], [new float[18]])).Message);
        Assert.Contains("input gradients = 0: lengths has 1 inputs", Assert.ThrowsExactly<ArgumentException>(() => plan.Backward([new float[18]], [])).Message);
    }

    [TestMethod]
    public void NothingIsReadBeforeItIsComputedNorAfterItIsGone()
    {
        var g = new GraphBuilder("order");
        GraphValue x = g.Input([1, 2, 3, 3]), other = g.Input([1, 2, 3, 3]);
        ConvGraph graph = g.Build(x.Add(other).Conv(2, 3));
        GraphGradients plan = GraphGradients.Create(graph, new GraphOptions { Backend = "managed" });
        float[] ones = Enumerable.Repeat(1f, 18).ToArray(), dx = new float[18], dother = new float[18], y = new float[18];
        Assert.Contains("Forward must run before", Assert.ThrowsExactly<InvalidOperationException>(() => plan.Backward([ones], [dx, dother])).Message);
        Assert.ThrowsExactly<InvalidOperationException>(() => plan.WeightGradient("conv"));
        Assert.ThrowsExactly<InvalidOperationException>(() => plan.Value(0));
        plan.SetWeights("conv", Enumerable.Repeat(1f, 36).ToArray(), new float[2]);
        plan.Forward([ones, ones], [y]);
        Assert.ThrowsExactly<InvalidOperationException>(() => plan.BiasGradient("conv"));
        Assert.Contains("input gradient 1 overlaps input gradient 0", Assert.ThrowsExactly<ArgumentException>(() => plan.Backward([ones], [dx, dx])).Message);
        plan.Backward([ones], [dx, dother]);
        Assert.AreEqual(9f, plan.BiasGradient("conv")[0]);

        // A run that fails leaves values that belong to no point.
        Assert.ThrowsExactly<ArgumentException>(() => plan.Forward([ones, new float[3]], [y]));
        Assert.ThrowsExactly<InvalidOperationException>(() => plan.Backward([ones], [dx, dother]));
        plan.Dispose();
        plan.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => plan.WeightGradient("conv"));
        Assert.ThrowsExactly<ObjectDisposedException>(() => plan.BiasGradient("conv"));
        Assert.ThrowsExactly<ObjectDisposedException>(() => plan.Value(0));
        Assert.ThrowsExactly<ObjectDisposedException>(() => plan.Forward([ones, ones], [y]));
        Assert.ThrowsExactly<ObjectDisposedException>(() => plan.SetWeights("conv", ones, ones));
    }

    private static void Check(ConvGraph graph)
    {
        GraphData data = GraphData.Create(graph, 5);
        double[][] given = [.. GraphData.OutputGradients(graph, 5).Select(v => Array.ConvertAll(v, e => (double)e))];
        NodeValue[] values = NaiveGraph.Compute(graph, data.Inputs, data.Parameters);
        NodeValue[] gradients = NaiveGraphGradient.Compute(graph, [.. values.Select(v => v.Values)], given, data.Parameters);
        foreach ((InputNode node, double[] x) in graph.Inputs.Zip(data.Inputs)) Differences(node.Name, x, gradients[node.Id].Values);
        foreach (ConvNode c in graph.Convolutions.Where(c => c.Problem.HasWeights))
        {
            double[]? Input(int slot) => c.Inputs.Count > slot ? values[c.Inputs[slot]].Values : null;
            NodeParameters own = data.Parameters[c.Name];
            Differences(c.Name, own.Weights!, NaiveGraphGradient.OfParameters(c, Direction.BackwardWeights, Input(0)!, Input(1), Input(2), gradients[c.Id].Values).Values);
            Differences(c.Name + " bias", own.Bias!, NaiveGraphGradient.OfParameters(c, Direction.BackwardBias, Input(0)!, Input(1), Input(2), gradients[c.Id].Values).Values);
        }

        void Differences(string what, double[] at, double[] gradient)
        {
            // Some elements of each are enough: a wrong rule is wrong nearly everywhere.
            for (int i = 0; i < at.Length; i += Math.Max(1, at.Length / 7))
            {
                double kept = at[i];
                at[i] = kept + Step;
                double above = Loss();
                at[i] = kept - Step;
                double below = Loss();
                at[i] = kept;
                Assert.AreEqual((above - below) / (2 * Step), gradient[i], 1e-5 * (1 + Math.Abs(gradient[i])), $"{what}, element {i}");
            }
        }

        double Loss()
        {
            NodeValue[] now = NaiveGraph.Compute(graph, data.Inputs, data.Parameters);
            return graph.Outputs.Select((o, i) => now[o].Values.Zip(given[i], (a, b) => a * b).Sum()).Sum();
        }
    }
}
