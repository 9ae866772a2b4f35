using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Matrix;

/// <summary>Real engines, called with one thing wrong: the matrix must turn red, whatever the kernel.</summary>
[TestClass]
public sealed class MutationTests
{
    public enum Mutation
    {
        None,
        SwapDilations,
        SwapStrides,
        DropTap,
        SwapPads,
        RotateGroups,
    }

    // Trailing pads are implied, so that a mutated problem keeps the shape of the output.
    private static readonly ConvProblem s_problem = new ConvSpec
    {
        InputShape = [2, 6, 15, 13],
        WeightShape = [4, 3, 3, 3],
        Groups = 2,
        Strides = [1, 2],
        Dilations = [2, 1],
        PadsBegin = [3, 1],
        OutputShape = [13, 5],
        ImpliedTrailingPads = true,
        HasBias = true,
    }.Build();

    [TestMethod]
    [DataRow("managed")]
    [DataRow("onednn")]
    public void EveryMutationTurnsTheMatrixRed(string name)
    {
        ConvBackend? engine = Backends.Engines.Find(name);
        if (engine is null || !engine.Status.Available) Engines.Skip(name, engine?.Status.Summary ?? "not part of this build");
        foreach (Mutation m in Enum.GetValues<Mutation>())
        {
            CellResult c = new Checker().Check(s_problem, [new MutatedBackend(engine, m)])[0];
            Assert.AreEqual(m == Mutation.None ? CellStatus.Pass : CellStatus.Fail, c.Status, $"{m}: {c.Message}");
        }
    }

    private sealed class MutatedBackend(ConvBackend inner, Mutation mutation) : ConvBackend
    {
        public override string Name => inner.Name;

        public override BackendStatus Status => inner.Status;

        public override IReadOnlyList<DeviceInfo> Devices => inner.Devices;

        public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options)
        {
            PlanResult made = inner.CreatePlan(Change(problem), options);
            return made.Plan is null ? made : PlanResult.Supported(new MutatedPlan(problem, made.Plan, mutation));
        }

        private ConvProblem Change(ConvProblem p) => mutation switch
        {
            Mutation.SwapDilations => p.With(s => s with { Dilations = [p.Dilations[1], p.Dilations[0]], PadsEnd = null }),
            Mutation.SwapStrides => p.With(s => s with { Strides = [p.Strides[1], p.Strides[0]], PadsEnd = null, PadsBegin = [12, 1] }),
            Mutation.SwapPads => p.With(s => s with { PadsBegin = [.. p.PadsEnd.Select(v => Math.Max(0, v))], PadsEnd = null }),
            _ => p,
        };
    }

    private sealed unsafe class MutatedPlan(ConvProblem problem, ConvPlan inner, Mutation mutation) : ConvPlan(problem, inner.Backend)
    {
        public override string Implementation => inner.Implementation;

        protected override void SetWeightsCore(void* weights, void* bias)
        {
            float[] w = new Span<float>(weights, (int)Problem.WeightCount).ToArray();
            int taps = (int)Problem.Kernel.Product, perGroup = (int)(w.Length / Problem.Groups);
            if (mutation == Mutation.DropTap) for (int i = taps - 1; i < w.Length; i += taps) w[i] = 0;
            if (mutation == Mutation.RotateGroups) w = [.. w[perGroup..], .. w[..perGroup]];
            inner.SetWeights(w, new Span<float>(bias, (int)Problem.OutputChannels));
        }

        protected override void ExecuteCore(in ConvPointers q) =>
            inner.Run(new ReadOnlySpan<float>(q.Input, (int)InputBytes / 4), new Span<float>(q.Result, (int)OutputBytes / 4));

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
        }
    }
}
