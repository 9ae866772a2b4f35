using ConvNative.Backends;
using ConvNative.Backends.Choices;
using ConvNative.Backends.Managed;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>What <c>auto</c> makes of engines that break, refuse or serve.</summary>
[TestClass]
public sealed class EngineSelectorTests
{
    private static readonly ConvProblem s_problem = ConvProblem.Parse("mb1ic3ih5iw6oc4kh3kw2ph1");

    [TestMethod]
    public void AnEngineThatBreaksIsPassedOver()
    {
        using ConvPlan plan = EngineSelector.Create(s_problem, PlanOptions.Default, ConvPlan.Auto, [new Broken(), new ManagedBackend()]).Plan!;
        Assert.AreEqual("managed", plan.Backend);
    }

    [TestMethod]
    public void WhereAllBreakTheFirstFailureIsInside()
    {
        ConvNativeException e = Assert.Throws<ConvNativeException>(() => EngineSelector.Create(s_problem, PlanOptions.Default, ConvPlan.Auto, [new Broken(), new Broken()]));
        StringAssert.Contains(e.Message, "broken: broke:");
        Assert.IsInstanceOfType<ConvNativeException>(e.InnerException);
    }

    [TestMethod]
    public void AnEngineAskedForByNameMayBreak() =>
        Assert.AreEqual("on purpose", Assert.Throws<ConvNativeException>(() => EngineSelector.Create(s_problem, PlanOptions.Default, "broken", [new Broken(), new ManagedBackend()])).Status);

    [TestMethod]
    public void AnEngineThatBreaksWhileItIsTimedIsOut()
    {
        // A problem that no other test measures: the choice is remembered.
        ConvProblem p = ConvProblem.Parse("mb1ic3ih5iw6oc4kh3kw2ph1n\"breaks while timed\"").With(s => s with { InputShape = [1, 3, 5, 1 + Random.Shared.Next(1000, 100_000)] });
        PlanOptions options = PlanOptions.Default with { Tuning = Tuning.Measure };
        using (ConvPlan plan = EngineSelector.Create(p, options, ConvPlan.Auto, [new BreaksInRuns(), new ManagedBackend(), new BreaksInRuns()]).Plan!)
            Assert.AreEqual("managed", plan.Backend);
        ConvProblem q = p.With(s => s with { InputShape = [1, 3, 6, p.InputShape[3]] });
        ConvNativeException e = Assert.Throws<ConvNativeException>(() => EngineSelector.Create(q, options, ConvPlan.Auto, [new BreaksInRuns(), new BreaksInRuns()]));
        Assert.AreEqual("in a run", Assert.IsInstanceOfType<ConvNativeException>(e.InnerException).Status);
    }

    [TestMethod]
    public void WhatHasNotRunOnAGpuIsLast() => Assert.AreEqual("cudnn", ConvNative.Backends.Engines.All[^1].Name);

    private sealed class Broken : ConvBackend
    {
        public override string Name => "broken";

        public override BackendStatus Status => new(true, "there", [], null);

        public override IReadOnlyList<DeviceInfo> Devices => [];

        public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options) => throw new ConvNativeException(Name, "no plan", "make", "on purpose", problem);
    }

    private sealed class BreaksInRuns : ConvBackend
    {
        public override string Name => "breaks-in-runs";

        public override BackendStatus Status => new(true, "there", [], null);

        public override IReadOnlyList<DeviceInfo> Devices => [];

        public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options) => PlanResult.Supported(new BreakingPlan(problem));

        private sealed unsafe class BreakingPlan(ConvProblem problem) : ConvPlan(problem, "breaks-in-runs")
        {
            public override string Implementation => "none";

            protected override void SetWeightsCore(void* weights, void* bias)
            {
            }

            protected override void ExecuteCore(in ConvPointers pointers) => throw new ConvNativeException(Backend, "no run", "run", "in a run", Problem);
        }
    }
}
