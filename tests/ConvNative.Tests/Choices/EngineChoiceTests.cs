using System.Reflection;
using ConvNative.Backends;
using ConvNative.Backends.Choices;
using ConvNative.Backends.Common.Stores;
using ConvNative.Backends.Managed;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.Choices;

/// <summary>What <c>auto</c> asks, times and remembers.</summary>
[TestClass]
public sealed class EngineChoiceTests
{
    [TestMethod]
    public void EveryOptionThatChangesCandidatesIsInTheKey()
    {
        ConvProblem p = Unmeasured();
        var defaults = new PlanOptions();
        PlanOptions[] others =
        [
            new() { Math = MathMode.Fast }, new() { MaxThreads = 3 }, new() { Device = "1" }, new() { Deterministic = true }, new() { Candidate = "x" }, new() { MaxWorkspaceBytes = 1 << 20 },
        ];
        CollectionAssert.AllItemsAreUnique(others.Append(defaults).Select(o => EngineSelector.Key(p, o)).ToArray());

        // Tuning says how a choice is made, not among what.
        string[] named = ["Math", "MaxThreads", "Device", "Deterministic", "Candidate", "MaxWorkspaceBytes", "Tuning"];
        string[] all = [.. typeof(PlanOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(o => o.Name)];
        CollectionAssert.AreEquivalent(named, all, "a new option belongs into PlanOptions.ChoiceKey, and into this test");
    }

    [TestMethod]
    [DataRow(Tuning.Look)]
    [DataRow(Tuning.Rank)]
    [DataRow(Tuning.Measure)]
    public void ADeviceThatIsTheProcessorIsNotAskedWhereAnEngineOfTheHostServes(Tuning tuning)
    {
        var device = new Counting("device") { Host = false };
        using ConvPlan plan = Create(Unmeasured(), tuning, [device, new ManagedBackend()]);
        Assert.AreEqual("managed", plan.Backend);
        Assert.AreEqual(0, device.Plans);
    }

    [TestMethod]
    public void ADeviceServesWhatNobodyElseDoes()
    {
        var device = new Counting("device") { Host = false };
        foreach (Tuning tuning in Enum.GetValues<Tuning>())
            using (ConvPlan plan = Create(Unmeasured(), tuning, [device])) Assert.AreEqual("device", plan.Backend);
    }

    [TestMethod]
    public void AnAcceleratorIsMeasuredWhenAsked()
    {
        var device = new Counting("device") { Host = false, Accelerates = true };
        using ConvPlan plan = Create(Unmeasured(), Tuning.Measure, [device, new ManagedBackend()]);
        Assert.IsGreaterThan(0, device.Runs);
    }

    [TestMethod]
    public void ALookHappensOnce()
    {
        // An engine that does nothing is clearly the fastest, so that one look settles it.
        var engine = new Counting("quick");
        ConvProblem p = Unmeasured();
        using (ConvPlan first = Create(p, Tuning.Look, [new ManagedBackend(), engine])) Assert.AreEqual("quick", first.Backend);
        int runs = engine.Runs;
        Assert.IsGreaterThan(0, runs);
        using (ConvPlan again = Create(p, Tuning.Look, [new ManagedBackend(), engine])) Assert.AreEqual("quick", again.Backend);
        Assert.AreEqual(runs, engine.Runs);
        using (ConvPlan ranked = Create(p, Tuning.Rank, [new ManagedBackend(), engine])) Assert.AreEqual("quick", ranked.Backend, "what was found is remembered for those who don't look, too");

        // Whoever asks for a measurement gets one, and it stays.
        using (ConvPlan measured = Create(p, Tuning.Measure, [new ManagedBackend(), engine])) Assert.AreEqual("quick", measured.Backend);
        Assert.IsGreaterThan(runs, runs = engine.Runs);
        using (ConvPlan measured = Create(p, Tuning.Measure, [new ManagedBackend(), engine])) Assert.AreEqual("quick", measured.Backend);
        Assert.AreEqual(runs, engine.Runs);
    }

    [TestMethod]
    public void WhatMustBeTheSameOnEveryRunIsNotLeftToTime()
    {
        var engine = new Counting("quick");
        ConvProblem p = Unmeasured();
        var options = new PlanOptions { Deterministic = true };
        using (ConvPlan looked = Create(p, Tuning.Look, [new ManagedBackend(), engine])) Assert.AreEqual("quick", looked.Backend);
        int runs = engine.Runs;
        TuningStore.Auto.Put(EngineSelector.Key(p, options), "quick");
        using (ConvPlan plan = EngineSelector.Create(p, options, ConvPlan.Auto, [new ManagedBackend(), engine]).Plan!) Assert.AreEqual("managed", plan.Backend);
        Assert.AreEqual(runs, engine.Runs);
    }

    [TestMethod]
    public void OperandsThatDoNotFitAreNotTimed()
    {
        var engine = new Counting("huge") { Bytes = 1L << 40 };
        using ConvPlan plan = Create(Unmeasured(), Tuning.Measure, [new ManagedBackend(), engine]);
        Assert.AreEqual(0, engine.Runs);
    }

    [TestMethod]
    public void APlanWithoutWeightsIsGivenOut()
    {
        ConvProblem p = Unmeasured();
        using ConvPlan plan = Create(p, Tuning.Look, [new ManagedBackend(), new Counting("slow") { Milliseconds = 20 }]);
        Assert.AreEqual("managed", plan.Backend);
        Assert.ThrowsExactly<InvalidOperationException>(() => plan.Run(new float[p.InputShape.Product], new float[p.OutputShape.Product]), "a trial's weights must be forgotten");
    }

    [TestMethod]
    public void ACachedPlanGivesWayToAMeasurement()
    {
        if (!Backends.Engines.Find("onednn")!.Status.Available) Engines.Skip("onednn", Backends.Engines.Find("onednn")!.Status.Summary);
        ConvProblem p = Unmeasured();
        var key = new PlanCache.PlanKey(p, PlanOptions.Default, ConvPlan.Auto);
        using var cache = new PlanCache();
        ConvPlan first = cache.Take(key);
        string other = first.Backend == "managed" ? "onednn" : "managed";
        cache.Put(key, first);
        Assert.AreSame(first, cache.Take(key));
        cache.Put(key, first);
        TuningStore.Auto.Put(EngineSelector.Key(p, PlanOptions.Default), other);
        using ConvPlan second = cache.Take(key);
        Assert.AreEqual(other, second.Backend);
        Assert.ThrowsExactly<ObjectDisposedException>(() => first.SetWeights(new float[p.WeightCount]));
        Assert.AreEqual(0, cache.Count);
    }

    private static ConvPlan Create(ConvProblem p, Tuning tuning, ConvBackend[] engines) => EngineSelector.Create(p, new PlanOptions { Tuning = tuning }, ConvPlan.Auto, engines).Plan!;

    /// <summary>A problem that is not tiny, whose class no table knows, and that no other test measures.</summary>
    private static ConvProblem Unmeasured() =>
        ConvProblem.Parse("mb1ic9ih11iw64oc9kh2kw3ph1").With(s => s with { InputShape = [1, 9, 11, Random.Shared.Next(1000, 60_000)], PaddingMode = PaddingMode.Replicate });

    /// <summary>An engine that counts what it is asked for, and computes nothing.</summary>
    private sealed class Counting(string name) : ConvBackend
    {
        public int Plans { get; private set; }

        public int Runs { get; private set; }

        public bool Host { get; init; } = true;

        public bool Accelerates { get; init; }

        public long Bytes { get; init; }

        public int Milliseconds { get; init; }

        public override string Name => name;

        public override BackendStatus Status => new(true, "there", [], null);

        public override IReadOnlyList<DeviceInfo> Devices => [];

        internal override bool IsHost => Host;

        internal override bool HasAccelerator => Accelerates;

        public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options)
        {
            Plans++;
            return PlanResult.Supported(new CountingPlan(problem, this));
        }

        private sealed unsafe class CountingPlan : ConvPlan
        {
            private readonly Counting _engine;

            public CountingPlan(ConvProblem problem, Counting engine)
                : base(problem, engine.Name)
            {
                _engine = engine;
                if (engine.Bytes > 0) InputBytes = engine.Bytes;
            }

            public override string Implementation => "none";

            protected override void SetWeightsCore(void* weights, void* bias)
            {
            }

            protected override void ExecuteCore(in ConvPointers pointers)
            {
                _engine.Runs++;
                if (_engine.Milliseconds > 0) Thread.Sleep(_engine.Milliseconds);
            }
        }
    }
}
