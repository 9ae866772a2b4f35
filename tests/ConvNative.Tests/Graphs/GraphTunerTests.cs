using ConvNative.Backends;
using ConvNative.Backends.Managed;
using ConvNative.Cli.Checking;
using ConvNative.Graphs;
using ConvNative.Graphs.Catalog;
using ConvNative.Plans;
using ConvNative.Problems;
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

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void APlanThatBreaksIsOut(bool memory)
    {
        ConvGraph graph = Unmeasured();
        var late = new BreaksLate(memory ? () => new DeviceMemoryException("late:0", 4096) : () => new ConvNativeException("late", "no run", "run", "late on purpose"));
        var options = new GraphOptions { Plan = new PlanOptions { Tuning = Tuning.Measure, MaxThreads = 1 }, Engines = [late, new ManagedBackend()] };
        using (GraphPlan plan = GraphPlan.Create(graph, options)) Assert.AreEqual("managed", plan.Options.Backend);
        Assert.IsGreaterThan(0, late.Broken, "it was not chosen for its node, so nothing was tried");
        Assert.AreEqual(late.Created, late.Disposed);
    }

    [TestMethod]
    public void AnotherExceptionIsPassedOnAndNoPlanIsLeft()
    {
        var late = new BreaksLate(() => new InvalidOperationException("a bug"));
        var options = new GraphOptions { Plan = new PlanOptions { Tuning = Tuning.Measure, MaxThreads = 1 }, Engines = [late, new ManagedBackend()] };
        Assert.AreEqual("a bug", Assert.ThrowsExactly<InvalidOperationException>(() => GraphPlan.Create(Unmeasured(), options)).Message);
        Assert.AreEqual(late.Created, late.Disposed);
    }

    [TestMethod]
    public void WhereAllBreakTheFirstFailureIsInside()
    {
        ConvGraph graph = BlockCatalog.Reduced("basic")!;
        var options = new GraphOptions { Backend = "late" };
        var failures = new Queue<string>(["first", "second"]);
        using var one = new GraphPlan(graph, options with { Engines = [new BreaksLate(() => new ConvNativeException("late", failures.Dequeue()), weights: 1, kernel: 0)] });
        using var other = new GraphPlan(graph, options with { Engines = [new BreaksLate(() => new ConvNativeException("late", failures.Dequeue()), weights: 1, kernel: 0)] });
        ConvNativeException e = Assert.ThrowsExactly<ConvNativeException>(() => GraphTuner.Time(graph, [one, other]));
        Assert.Contains($"every plan of {graph.Name} broke while it was timed", e.Message);
        Assert.AreEqual("late: first", Assert.IsInstanceOfType<ConvNativeException>(e.InnerException).Message);
        Assert.IsEmpty(failures, "each breaks once and is not asked again");
    }

    /// <summary>A 3x3 and a 1x1 convolution of a size that no other test measures: the choice is remembered.</summary>
    private static ConvGraph Unmeasured()
    {
        var g = new GraphBuilder("unmeasured");
        return g.Build(g.Input([1, 8, Random.Shared.Next(20, 60), Random.Shared.Next(200, 2000)]).Conv(8, 3).Conv(8, 1));
    }

    private static void RequireOneDnn()
    {
        ConvBackend onednn = Backends.Engines.Find("onednn")!;
        if (!onednn.Status.Available) Engines.Skip("onednn", onednn.Status.Summary);
    }

    /// <summary>Does nothing, and so wins every trial by itself, on kernels of one size (0: all); breaks where weights have been set so many times.</summary>
    private sealed class BreaksLate(Func<Exception> failure, int weights = 2, int kernel = 3) : ConvBackend
    {
        public int Created { get; private set; }

        public int Disposed { get; private set; }

        public int Broken { get; private set; }

        public override string Name => "late";

        public override BackendStatus Status => new(true, "there", [], null);

        public override IReadOnlyList<DeviceInfo> Devices => [];

        public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options)
        {
            if (kernel != 0 && problem.Kernel[0] != kernel) return PlanResult.Unsupported($"kernel = {problem.Kernel}: must be {kernel}");
            Created++;
            return PlanResult.Supported(new LatePlan(problem, this, failure, weights));
        }

        private sealed unsafe class LatePlan(ConvProblem problem, BreaksLate engine, Func<Exception> failure, int weights) : ConvPlan(problem, "late")
        {
            private int _set;

            public override string Implementation => "none";

            protected override void SetWeightsCore(void* weights, void* bias) => _set++;

            protected override void ExecuteCore(in ConvPointers pointers)
            {
                if (_set < weights) return;
                engine.Broken++;
                throw failure();
            }

            protected override void Dispose(bool disposing) => engine.Disposed++;
        }
    }
}
