using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Graphs;
using ConvNative.Graphs.Catalog;
using ConvNative.Oracle.Graphs;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Graphs;

/// <summary>Graphs on engines: what is fused, which memory is reused, and the answers.</summary>
[TestClass]
public sealed class GraphPlanTests
{
    public static IEnumerable<TestDataRow<(string Block, string Backend)>> Cells() =>
        from block in BlockCatalog.Names.Concat(["squeezenet", "unet", "densenet-121"])
        from backend in new[] { "managed", "onednn" }
        select new TestDataRow<(string, string)>((block, backend)) { DisplayName = $"{block} on {backend}" };

    [TestMethod]
    [DynamicData(nameof(Cells))]
    public void AGraphAgreesWithTheOracle(string block, string backend)
    {
        ConvBackend engine = Backends.Engines.Find(backend)!;
        if (!engine.Status.Available) Engines.Skip(backend, engine.Status.Summary);
        CellResult cell = new GraphChecker(PlanOptions.Default).Check(block, [engine]).Single();
        Assert.AreEqual(CellStatus.Pass, cell.Status, cell.Message);
        Assert.IsGreaterThan(0, cell.WorstError!.Value, "a bound that nothing comes near to proves nothing");
    }

    [TestMethod]
    public void AResidualBlockIsThreeConvolutionsWithEverythingFused()
    {
        using GraphPlan plan = Plan("bottleneck");
        ConvStep[] steps = [.. plan.Steps.Cast<ConvStep>()];
        Assert.HasCount(3, steps);
        Assert.AreEqual(ActivationKind.Relu, steps[0].Problem.PostOps.Activation.Kind);
        Assert.IsTrue(steps[2].Problem.PostOps is { Residual: true, ResidualScale: 1, Activation.Kind: ActivationKind.Relu });
    }

    [TestMethod]
    public void WhatTheCallerWantsIsNotFusedAway()
    {
        var g = new GraphBuilder("both");
        GraphValue x = g.Input([1, 4, 5, 7]), y = x.Conv(6, 3), z = y.Relu();
        using GraphPlan plan = GraphPlan.Create(g.Build(z, y), new GraphOptions { Backend = "managed" });
        plan.SetWeights("conv", Numbers(6 * 4 * 9), Numbers(6));
        float[] first = new float[6 * 35], second = new float[6 * 35];
        plan.Run([Numbers(4 * 35)], [first, second]);
        Assert.IsTrue(second.Any(v => v < 0));
        for (int i = 0; i < first.Length; i++) Assert.AreEqual(Math.Max(0, second[i]), first[i]);
    }

    [TestMethod]
    public void OffsetsAreHandedOverChannelsFirst()
    {
        using GraphPlan plan = Plan("deformable");
        ConvStep step = plan.Steps.OfType<ConvStep>().Single(s => s.Offset >= 0);
        Assert.AreEqual(Layout.ChannelsFirst, plan.Tensors[step.Offset].Layout);
        Assert.IsEmpty(plan.Steps.OfType<ReorderStep>());
    }

    [TestMethod]
    public void MemoryIsWithinATenthOfTheLeast()
    {
        foreach (Trunk t in TrunkCatalog.All)
        {
            using GraphPlan plan = GraphPlan.Create(t.Reduced(), new GraphOptions { Backend = "managed" });
            Assert.IsGreaterThan(0, plan.LeastBytes, t.Name);
            Assert.IsLessThanOrEqualTo(1.1 * plan.LeastBytes, plan.ArenaBytes, $"{t.Name}: {plan.ArenaBytes} bytes, least {plan.LeastBytes}");
        }
    }

    [TestMethod]
    public void BlocksThatLiveTogetherDoNotOverlap()
    {
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            MemoryPlan.Block[] blocks = [.. Enumerable.Range(0, random.Next(1, 25)).Select(_ => { int a = random.Next(20); return new MemoryPlan.Block(random.Next(1, 100), a, a + random.Next(6)); })];
            (long[] at, long size) = MemoryPlan.Place(blocks);
            Assert.IsGreaterThanOrEqualTo(MemoryPlan.LowerBound(blocks), size);
            for (int i = 0; i < blocks.Length; i++)
            {
                Assert.IsLessThanOrEqualTo(size, at[i] + blocks[i].Size);
                for (int j = 0; j < i; j++)
                    Assert.IsTrue(blocks[i].Last < blocks[j].First || blocks[j].Last < blocks[i].First || at[i] + blocks[i].Size <= at[j] || at[j] + blocks[j].Size <= at[i], $"{blocks[i]} at {at[i]} and {blocks[j]} at {at[j]}");
            }
        }
    }

    [TestMethod]
    public void WhatIsReadAgainIsNotWrittenOver()
    {
        // x*gate + x, with x in the arena and needed for nothing else.
        var g = new GraphBuilder("again");
        GraphValue x = g.Input([2, 3, 5, 7]).Conv(6, 3);
        ConvGraph graph = g.Build(x.Scale(x.GlobalAveragePool()).Add(x).Conv(4, 1));
        GraphData data = GraphData.Create(graph, 1);
        using GraphPlan keeping = data.Plan(graph, new GraphOptions { Backend = "managed", KeepAll = true }), reusing = data.Plan(graph, new GraphOptions { Backend = "managed" });
        CollectionAssert.AreEqual(data.Run(keeping)[0], data.Run(reusing)[0]);
    }

    [TestMethod]
    public void AResidualIsAddedInPlaceOnlyWhereNobodyNeedsItAgain()
    {
        ConvBackend onednn = Backends.Engines.Find("onednn")!;
        if (!onednn.Status.Available) Engines.Skip("onednn", onednn.Status.Summary);
        var g = new GraphBuilder("residuals");
        GraphValue x = g.Input([1, 8, 5, 7]).Conv(16, 3), own = x.Conv(16, 1).Add(x), y = own.Conv(16, 3), free = y.Conv(16, 3).Conv(16, 1).Add(y), later = free.Conv(16, 3).Conv(16, 1).Add(free);
        ConvGraph graph = g.Build(later.Add(free).Conv(4, 1));
        GraphData data = GraphData.Create(graph, 1);
        using GraphPlan keeping = data.Plan(graph, new GraphOptions { Backend = "onednn", KeepAll = true }), reusing = data.Plan(graph, new GraphOptions { Backend = "onednn" });
        CollectionAssert.AreEqual(data.Run(keeping)[0], data.Run(reusing)[0]);
        // The input of its own convolution, one that is free afterwards, one that a later sum reads.
        CollectionAssert.AreEqual(new[] { false, true, false }, reusing.Steps.OfType<ConvStep>().Where(s => s.Residual >= 0).Select(s => reusing.OffsetOf(s.Residual) == reusing.OffsetOf(s.Output)).ToArray());
    }

    [TestMethod]
    public void ActivationsBehindShuffleAndConcatAreFused()
    {
        var g = new GraphBuilder("fused");
        GraphValue x = g.Input([1, 6, 5, 7]).Conv(12, 1);
        using GraphPlan plan = GraphPlan.Create(g.Build(x.Shuffle(3).Relu().Concat(x).Activate(Activation.Relu6).Conv(4, 1)), new GraphOptions { Backend = "managed" });
        CollectionAssert.AreEqual(new[] { typeof(ConvStep), typeof(ShuffleStep), typeof(ConcatStep), typeof(ConvStep) }, plan.Steps.Select(s => s.GetType()).ToArray());
        Assert.AreEqual(Activation.Relu, ((ShuffleStep)plan.Steps[1]).Activation);
        Assert.AreEqual(Activation.Relu6, ((ConcatStep)plan.Steps[2]).Activation);
    }

    [TestMethod]
    public void StepsAreTimedWhereThatIsAsked()
    {
        ConvGraph graph = BlockCatalog.Reduced("shuffle")!;
        GraphData data = GraphData.Create(graph, 1);
        using GraphPlan plain = data.Plan(graph, new GraphOptions { Backend = "managed" }), timed = data.Plan(graph, new GraphOptions { Backend = "managed", TimeSteps = true });
        CollectionAssert.AreEqual(data.Run(plain)[0], data.Run(timed)[0]);
        Assert.AreEqual(0, plain.StepMilliseconds.Length);
        Assert.AreEqual(timed.Steps.Count, timed.StepMilliseconds.Length);
        foreach (double ms in timed.StepMilliseconds) Assert.IsGreaterThan(0, ms);
    }

    [TestMethod]
    public void AWrongWeightShows()
    {
        // The check itself: one weight of one layer is another than the oracle's.
        ConvGraph graph = BlockCatalog.Reduced("basic")!;
        GraphData data = GraphData.Create(graph, 1);
        using GraphPlan plan = data.Plan(graph, new GraphOptions { Backend = "managed", KeepAll = true });
        double[] weights = [.. data.Parameters["conv1"].Weights!];
        weights[5] += 0.5;
        var wrong = data.Parameters.ToDictionary(p => p.Key, p => p.Key == "conv1" ? p.Value with { Weights = weights } : p.Value);
        NodeValue expected = NaiveGraph.Compute(graph, data.Inputs, wrong)[graph.Outputs[0]];
        float[] actual = data.Run(plan)[0];
        Assert.IsTrue(actual.Where((v, i) => Math.Abs(v - expected.Values[i]) > expected.Errors[i]).Any());
    }

    [TestMethod]
    public void ARunAllocatesNothing()
    {
        ConvGraph graph = BlockCatalog.Reduced("squeeze-excitation")!;
        GraphData data = GraphData.Create(graph, 1);
        using GraphPlan plan = data.Plan(graph, new GraphOptions { Backend = "managed", Plan = new PlanOptions { MaxThreads = 1 } });
        float[] x = new float[graph.Inputs.Single().Shape.Product], y = new float[x.Length];
        for (int i = 0; i < 50; i++) plan.Run(x, y);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++) plan.Run(x, y);
        Assert.AreEqual(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [TestMethod]
    public void WhatIsMissingOrWrongIsAnErrorThatNamesIt()
    {
        using GraphPlan plan = Plan("basic");
        var x = new float[2 * 64 * 63];
        Assert.Contains("SetWeights must be called for conv, conv1", Assert.ThrowsExactly<InvalidOperationException>(() => plan.Run(x, new float[x.Length])).Message);
        Assert.Contains("node = nosuch: basic has no such convolution", Assert.ThrowsExactly<ArgumentException>(() => plan.SetWeights("nosuch", [], [])).Message);
        foreach (string node in new[] { "conv", "conv1" }) plan.SetWeights(node, new float[64 * 64 * 9], new float[64]);
        Assert.Contains("input 0 = 5 elements: must be exactly 8064, shape [2,64,7,9] of input", Assert.ThrowsExactly<ArgumentException>(() => plan.Run(new float[5], x)).Message);
        Assert.Contains("output 0 = 6 elements", Assert.ThrowsExactly<ArgumentException>(() => plan.Run(x, new float[6])).Message);
        Assert.Contains("0 inputs and 1 outputs: basic has 1 and 1", Assert.ThrowsExactly<ArgumentException>(() => plan.Run([], [x])).Message);
        Assert.Contains("is not kept: plan with KeepAll", Assert.ThrowsExactly<InvalidOperationException>(() => plan.Tensor(1)).Message);
        Assert.ThrowsExactly<ArgumentException>(() => GraphPlan.Create(plan.Graph, new GraphOptions { Layout = Layout.Any }));
    }

    [TestMethod]
    [DataRow(Layout.ChannelsFirst)]
    [DataRow(Layout.ChannelsLast)]
    public void PoolsConcatAndCopiesAreRightInBothLayouts(Layout layout)
    {
        var g = new GraphBuilder("pools");
        GraphValue x = g.Input([2, 5, 7, 9]);
        ConvGraph graph = g.Build(x.MaxPool(3, 2, 1).Concat(x.AveragePool(3, 2, 1)), x.GlobalAveragePool(), x, x.Add(x).Activate(Activation.HardSwish));
        GraphData data = GraphData.Create(graph, 3);
        using GraphPlan plan = data.Plan(graph, new GraphOptions { Backend = "managed", Layout = layout });
        // The same input in either order of memory is another image; the oracle reads it as the plan does.
        double[] image = data.Read(plan, [], 0);
        NodeValue[] expected = NaiveGraph.Compute(graph, [image], data.Parameters);
        float[][] outputs = data.Run(plan);
        for (int t = 0; t < plan.Tensors.Count; t++)
        {
            if (plan.Tensors[t].Place != TensorPlace.Output) continue;
            double[] actual = data.Read(plan, outputs, t);
            NodeValue e = expected[plan.Tensors[t].Node];
            for (int i = 0; i < actual.Length; i++) Assert.IsLessThanOrEqualTo(e.Errors[i], Math.Abs(actual[i] - e.Values[i]), $"{graph.Nodes[plan.Tensors[t].Node].Description}, element {i}");
        }
    }

    private static GraphPlan Plan(string block) => GraphPlan.Create(BlockCatalog.Reduced(block)!, new GraphOptions { Backend = "managed" });

    private static float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(i => (float)(((i * 7) % 11) - 5))];
}
