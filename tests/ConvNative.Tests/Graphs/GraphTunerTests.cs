using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Graphs;
using ConvNative.Plans;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Graphs;

/// <summary>Graphs whose engines are chosen by time, as a whole.</summary>
[TestClass]
public sealed class GraphTunerTests
{
    [TestMethod]
    public void ATrialLeavesNoWeights()
    {
        RequireOneDnn();
        ConvGraph graph = BlockCatalog.Reduced("basic")!;
        using GraphPlan one = GraphPlan.Create(graph, new GraphOptions { Backend = "managed" }), other = GraphPlan.Create(graph, new GraphOptions { Backend = "onednn" });
        Assert.IsInRange(0, 1, GraphTuner.Time(graph, [one, other]));
        foreach (GraphPlan plan in new[] { one, other })
        {
            Assert.Contains("SetWeights must be called for conv, conv1", Assert.ThrowsExactly<InvalidOperationException>(() => GraphData.Create(graph, 1).Run(plan)).Message);
            Assert.ThrowsExactly<InvalidOperationException>(() => plan.PlanOf("conv").Run(new float[graph.Nodes[0].Shape.Product], new float[graph.Nodes[0].Shape.Product]));
        }
    }

    [TestMethod]
    [DataRow("shuffle")]
    [DataRow("bottleneck")]
    [DataRow("squeezenet")]
    public void AutoMeasuredIsRightAndRemembered(string block)
    {
        RequireOneDnn();
        ConvGraph graph = BlockCatalog.Reduced(block) ?? TrunkCatalog.Find(block)!.Reduced();
        GraphData data = GraphData.Create(graph, 1);
        var options = new GraphOptions { Plan = new PlanOptions { Tuning = Tuning.Measure, MaxThreads = 2 } };
        using GraphPlan first = GraphPlan.Create(graph, options), again = data.Plan(graph, options), reference = data.Plan(graph, new GraphOptions { Backend = "managed" });
        Assert.AreEqual(first.Options.Backend, again.Options.Backend);
        Assert.Contains("SetWeights must be called for", Assert.ThrowsExactly<InvalidOperationException>(() => data.Run(first)).Message);
        float[][] got = data.Run(again), want = data.Run(reference);
        for (int o = 0; o < want.Length; o++)
            for (int i = 0; i < want[o].Length; i++) Assert.AreEqual(want[o][i], got[o][i], 1e-3f * (1 + Math.Abs(want[o][i])), $"output {o}, element {i}");
    }

    private static void RequireOneDnn()
    {
        ConvBackend onednn = Backends.Engines.Find("onednn")!;
        if (!onednn.Status.Available) Engines.Skip("onednn", onednn.Status.Summary);
    }
}
