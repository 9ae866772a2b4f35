using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Graphs;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Lives;

/// <summary>Graphs under 64 threads that run, set weights and dispose; tensors that overlap.</summary>
[TestClass]
public sealed class GraphThreadTests
{
    private const int Turns = 4;

    public static IEnumerable<TestDataRow<(string Backend, int Threads)>> Cells() =>
        from backend in new[] { "managed", "onednn", ConvPlan.Auto }
        from threads in new[] { 1, 2 }
        select new TestDataRow<(string, int)>((backend, threads)) { DisplayName = $"{backend}, {threads} threads" };

    [TestMethod]
    [DynamicData(nameof(Cells))]
    public void TheBitsOfOneThread(string backend, int threads)
    {
        if (backend != ConvPlan.Auto && Backends.Engines.Find(backend)!.Status is { Available: false } status) Engines.Skip(backend, status.Summary);
        ConvGraph graph = Everything();
        var options = new GraphOptions { Backend = backend, Plan = PlanOptions.Default with { MaxThreads = threads } };
        GraphData data = GraphData.Create(graph, 1);
        float[] input = [.. data.Inputs[0].Select(v => (float)v)];
        ConvNode last = graph.Convolutions.Last();
        float[][] weights = [Numbers(1, last.Problem.WeightCount), Numbers(2, last.Problem.WeightCount)];
        float[] bias = new float[last.Problem.HasBias ? last.Problem.OutputChannels : 0];
        int length = (int)graph.Nodes[graph.Outputs[0]].Shape.Product;
        var alone = new float[2][];
        using (GraphPlan plan = data.Plan(graph, options))
            for (int set = 0; set < 2; set++)
            {
                plan.SetWeights(last.Name, weights[set], bias);
                plan.Run(input, alone[set] = new float[length]);
            }

        Assert.IsFalse(alone[0].AsSpan().SequenceEqual(alone[1]));
        GraphPlan shared = data.Plan(graph, options);
        shared.SetWeights(last.Name, weights[0], bias);
        int gone = 0;
        Crowd.Run(thread =>
        {
            var y = new float[length];
            try
            {
                for (int turn = 0; turn < Turns; turn++)
                {
                    Crowd.Jostle(thread, turn);
                    if (thread == 0) shared.SetWeights(last.Name, weights[turn & 1], bias);
                    y.AsSpan().Fill(float.NaN);
                    shared.Run(input, y);
                    if (!y.AsSpan().SequenceEqual(alone[0]) && !y.AsSpan().SequenceEqual(alone[1])) throw new AssertFailedException($"thread {thread}, turn {turn}: neither result");
                }
            }
            catch (ObjectDisposedException e) when (Volatile.Read(ref gone) != 0)
            {
                Assert.AreEqual(nameof(GraphPlan), e.ObjectName);
            }

            if (thread % 16 != 5) return;
            Volatile.Write(ref gone, 1);
            shared.Dispose();
        });
        shared.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => shared.Run(input, new float[length]));
    }

    [TestMethod]
    public void RunsAllocateNothing()
    {
        ConvGraph graph = Everything();
        GraphData data = GraphData.Create(graph, 1);
        using GraphPlan plan = data.Plan(graph, new GraphOptions { Backend = "managed", Plan = PlanOptions.Default with { MaxThreads = 1 } });
        float[] x = [.. data.Inputs[0].Select(v => (float)v)], y = new float[graph.Nodes[graph.Outputs[0]].Shape.Product];
        for (int i = 0; i < 3; i++) plan.Run(x, y);
        long before = GC.GetAllocatedBytesForCurrentThread();
        plan.Run(x, y);
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void ResultsLieApart()
    {
        var g = new GraphBuilder("apart");
        GraphValue x = g.Input([1, 2, 3, 3]);
        using GraphPlan plan = GraphPlan.Create(g.Build(x.Relu()), new GraphOptions { Backend = "managed" });
        var both = new float[36];
        Refused("output 0 overlaps input 0", () => plan.Run(both.AsSpan(0, 18), both.AsSpan(0, 18)));
        Refused("output 0 overlaps input 0", () => plan.Run(both.AsSpan(0, 18), both.AsSpan(17, 18)));
        plan.Run(both.AsSpan(0, 18), both.AsSpan(18));

        var h = new GraphBuilder("two");
        GraphValue a = h.Input([1, 2, 3, 3]);
        using GraphPlan two = GraphPlan.Create(h.Build(a.Relu(), a.MaxPool(3, 1, 1)), new GraphOptions { Backend = "managed" });
        Refused("output 1 overlaps output 0", () => two.Run([both.AsMemory(0, 18)], [both.AsMemory(18, 18), both.AsMemory(18, 18)]));
        Refused("output 1 overlaps input 0", () => two.Run([both.AsMemory(0, 18)], [both.AsMemory(18, 18), both.AsMemory(0, 18)]));
    }

    /// <summary>Every kind of step, with parts for several threads.</summary>
    private static ConvGraph Everything()
    {
        var g = new GraphBuilder("everything");
        GraphValue x = g.Input([1, 8, 24, 24]), a = x.Conv(32, 3).Relu(), b = a.Conv(32, 1).Add(a).Relu();
        GraphValue c = b.Concat(a).Shuffle(4).Depthwise(3).Relu().MaxPool(3, 2, 1);
        GraphValue d = c.Scale(c.GlobalAveragePool().Conv(64, 1).Activate(Activation.Sigmoid));
        return g.Build(d.Deformable(16, 3, d.Conv(18, 3), d.Conv(9, 1).Activate(Activation.Sigmoid)).Conv(8, 3));
    }

    private static float[] Numbers(int seed, long count)
    {
        var random = new Random(seed);
        var v = new float[count];
        for (int i = 0; i < v.Length; i++) v[i] = random.NextSingle() - 0.5f;
        return v;
    }

    private static void Refused(string what, Action run) => Assert.Contains(what, Assert.ThrowsExactly<ArgumentException>(run).Message);
}
