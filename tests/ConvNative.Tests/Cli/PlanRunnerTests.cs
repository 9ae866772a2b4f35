using ConvNative.Backends;
using ConvNative.Cli.Execution;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

[TestClass]
public sealed class PlanRunnerTests
{
    private static readonly ConvProblem s_problem = new ConvSpec
    {
        InputShape = [2, 3, 2, 2], WeightShape = [3, 3, 1, 1], InputLayout = Layout.ChannelsLast, OutputLayout = Layout.ChannelsLast,
    }.Build();

    private static LogicalTensors Tensors() => new() { Input = [.. Enumerable.Range(0, 96).Select(i => (byte)(i / 4))], Weights = new byte[36] };

    [TestMethod]
    public void Tensors_reach_the_plan_in_the_problems_layout_and_come_back_in_logical_order()
    {
        var backend = new FakeBackend((plan, x, y) =>
        {
            // Element (n, c, p) of the logical input holds its logical index: channels last, c runs fastest.
            Assert.AreEqual("0 4 8 1 5 9 2 6 10 3 7 11 12", string.Join(' ', x.ToArray().Where((_, i) => i % 4 == 0).Take(13)));
            x.CopyTo(y);
        });
        RunOutcome outcome = PlanRunner.Run(backend, s_problem, Tensors(), PlanOptions.Default);
        CollectionAssert.AreEqual(Tensors().Input, outcome.Result);
        Assert.AreEqual("fake:copy", outcome.Implementation);
    }

    [TestMethod]
    public void Elements_that_are_never_written_come_back_as_NaN()
    {
        RunOutcome outcome = PlanRunner.Run(new FakeBackend((_, _, y) => y[4..].Clear()), s_problem, Tensors(), PlanOptions.Default);
        Assert.IsTrue(float.IsNaN(BitConverter.ToSingle(outcome.Result!, 0)));
        Assert.AreEqual(0f, BitConverter.ToSingle(outcome.Result!, 4));
    }

    [TestMethod]
    [DataRow(-1)]
    [DataRow(96)]
    public unsafe void A_write_outside_the_result_is_found(int at)
    {
        var backend = new FakeBackend((_, _, y) =>
        {
            fixed (byte* p = y) p[at] = 1;
        });
        ConvNativeException e = Assert.ThrowsExactly<ConvNativeException>(() => PlanRunner.Run(backend, s_problem, Tensors(), PlanOptions.Default));
        StringAssert.Contains(e.Message, "outside its result");
    }

    [TestMethod]
    public void An_engines_own_layout_is_packed_and_unpacked_by_the_plan()
    {
        ConvProblem any = s_problem.With(s => s with { InputLayout = Layout.Any, OutputLayout = Layout.Any });
        RunOutcome outcome = PlanRunner.Run(new FakeBackend((_, x, y) => x.CopyTo(y)), any, Tensors(), PlanOptions.Default);
        CollectionAssert.AreEqual(Tensors().Input, outcome.Result);
    }

    private delegate void Kernel(FakePlan plan, ReadOnlySpan<byte> input, Span<byte> output);

    private sealed class FakeBackend(Kernel kernel) : ConvBackend
    {
        public override string Name => "fake";

        public override BackendStatus Status => new(true, "", [], null);

        public override IReadOnlyList<DeviceInfo> Devices => [];

        public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options) => PlanResult.Supported(new FakePlan(problem, kernel));
    }

    private sealed unsafe class FakePlan : ConvPlan
    {
        private readonly Kernel _kernel;

        public FakePlan(ConvProblem problem, Kernel kernel)
            : base(problem, "fake")
        {
            _kernel = kernel;
            // Its own layout is longer than the dense one, and reversed.
            if (problem.InputLayout == Layout.Any) (InputBytes, OutputBytes) = (InputBytes + 8, OutputBytes + 8);
        }

        public override string Implementation => "fake:copy";

        public override void PackInput(ReadOnlySpan<byte> plain, Span<byte> packed)
        {
            Assert.AreEqual(plain.Length + 8, packed.Length);
            plain.CopyTo(packed[8..]);
            packed.Reverse();
        }

        public override void UnpackOutput(ReadOnlySpan<byte> packed, Span<byte> plain)
        {
            packed[..plain.Length].CopyTo(plain);
            plain.Reverse();
        }

        protected override void SetWeightsCore(void* weights, void* bias)
        {
        }

        protected override void ExecuteCore(in ConvPointers p) =>
            _kernel(this, new ReadOnlySpan<byte>(p.Input, (int)InputBytes), new Span<byte>(p.Result, (int)OutputBytes));
    }
}
