using ConvNative.Backends;
using System.Text.RegularExpressions;
using ConvNative.Backends.CuDnn;
using ConvNative.Backends.CuDnn.Device;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Which of cuDNN's engines a plan takes, what it remembers, and what it says when there is none.</summary>
[TestClass]
public sealed class EngineChoiceTests
{
    private static readonly ConvProblem s_problem = ConvProblem.Parse("--dir=FWD_D mb2ic8ih7iw6oc12kh3kw3ph1");
    private readonly CuDnnBackend _engine = new();

    [TestInitialize]
    public void Start() => Double.Need();

    [TestCleanup]
    public void End()
    {
        _engine.CloseDevices();
        if (Double.Home is not null) Assert.AreEqual(0, Double.LiveObjects, Double.Ledger);
    }

    [TestMethod]
    public void StrictTakesNoReducedPrecision()
    {
        foreach (string direction in new[] { "FWD_D", "BWD_D", "BWD_W" })
        {
            using ConvPlan plan = Plan(ConvProblem.Parse($"--dir={direction} mb2ic8ih7iw6oc12kh3kw3ph1"), PlanOptions.Default);
            foreach (string note in new[] { "tensor_core", "down_convert", "winograd", "fft", "reduced" })
                Assert.IsFalse(plan.Implementation.Contains(note, StringComparison.Ordinal), plan.Implementation);
            Assert.AreEqual(AlgorithmClass.Direct, plan.Algorithm);
            Assert.AreEqual(0, plan.OperandRoundoff);
        }
    }

    [TestMethod]
    public void FastSaysThatItIsTf32()
    {
        using ConvPlan plan = Plan(s_problem, new PlanOptions { Math = MathMode.Fast });
        StringAssert.Contains(plan.Implementation, "tensor_core");
        Assert.AreEqual(1.0 / 1024, plan.OperandRoundoff);
        Assert.IsTrue(plan.Notes.Any(n => n.Contains("TF32", StringComparison.Ordinal)));

        // What is 16 bits wide already loses nothing on tensor cores, so strict takes them.
        using ConvPlan half = Plan(ConvProblem.Parse("--dir=FWD_D --dt=f16 mb2ic8ih7iw6oc12kh3kw3ph1"), PlanOptions.Default);
        Assert.AreEqual(0, half.OperandRoundoff);
    }

    [TestMethod]
    public void DeterministicTakesNoOtherEngine()
    {
        foreach (string direction in new[] { "FWD_D", "BWD_D", "BWD_W" })
        {
            using ConvPlan plan = Plan(ConvProblem.Parse($"--dir={direction} mb2ic8ih7iw6oc12kh3kw3ph1"), new PlanOptions { Deterministic = true });
            Assert.IsFalse(plan.Implementation.Contains("nondeterministic", StringComparison.Ordinal), plan.Implementation);
            Assert.IsTrue(plan.IsDeterministic);
        }
    }

    /// <summary>An engine that cannot be asked what it does is not taken for one that has nothing to say.</summary>
    [TestMethod]
    [DataRow(3000)]
    [DataRow(5000)]
    public void AnEngineWhoseNotesCannotBeReadIsRefused(int status)
    {
        var options = new PlanOptions { Deterministic = true };
        Plan(s_problem, options).Dispose();
        _engine.CloseDevices();
        Double.Reset();
        string clean = Engine(Plan(s_problem, options));
        int calls = Double.CallsOf("cudnnBackendGetAttribute"), others = 0;
        for (int i = 1; i <= calls; i++)
        {
            _engine.CloseDevices();
            Double.Reset();
            Double.Fail("cudnnBackendGetAttribute", i, status);
            string engine = Engine(Plan(s_problem, options));

            // The double's engines without a note: FMA, the fallback, and the one with a run-time compiler.
            CollectionAssert.Contains(new[] { "eng2", "eng7", "eng8" }, engine, $"call {i} of {calls}");
            if (engine != clean) others++;
        }

        Assert.IsGreaterThan(0, others, "a refusal is seen");

        string Engine(ConvPlan plan)
        {
            using (plan) return Regex.Match(plan.Implementation, "eng[0-9]+[:a-z_,]*", RegexOptions.None, TimeSpan.FromSeconds(1)).Value;
        }
    }

    [TestMethod]
    public void AnEngineThatBreaksWhileTimedIsDropped()
    {
        using var folder = new TemporaryFolder();
        string? before = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", folder.Path);
        try
        {
            var measure = new PlanOptions { Tuning = Tuning.Measure, Math = MathMode.Fast };
            Double.Fail("cudnnBackendExecute", 1, 5000);
            using (ConvPlan plan = Plan(s_problem, measure)) new TrialRun(plan).Run();
            Assert.AreEqual(0, Double.OrdersLeft);

            _engine.CloseDevices();
            foreach (string file in Directory.GetFiles(folder.Path, "*.plan", SearchOption.AllDirectories)) File.Delete(file);
            Double.Reset();
            for (int i = 1; i <= 200; i++) Double.Fail("cudnnBackendExecute", i, 5000);
            ConvNativeException e = Assert.Throws<ConvNativeException>(() => Plan(s_problem, measure));
            Assert.AreEqual("cudnnBackendExecute", e.Function);
        }
        finally
        {
            Environment.SetEnvironmentVariable("XDG_CACHE_HOME", before);
        }
    }

    [TestMethod]
    public async Task WhateverBreaksInTheBackgroundEndsItsTaskOnly()
    {
        var device = (CudaDevice)_engine.OpenDevice();
        ValueTask broken, next;
        lock (device.Gate)
        {
            device.Enter();
            broken = device.Completions.AfterAll(() => throw new InvalidOperationException("on purpose"));
            next = device.Completions.AfterAll();
        }

        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(broken.AsTask);
        Assert.AreEqual("on purpose", e.Message);
        await next;
    }

    [TestMethod]
    public void ZerosMeetNoInfinities()
    {
        using ConvPlan padded = Plan(ConvProblem.Parse("--dir=FWD_D mb1ic3ih5iw6oc4kh3kw3ph1"), PlanOptions.Default), bare = Plan(ConvProblem.Parse("--dir=FWD_D mb1ic3ih5iw6oc4kh3kw3ph0"), PlanOptions.Default);
        Assert.IsTrue(padded.Notes.Any(n => n.Contains("must be finite", StringComparison.Ordinal)));
        Assert.IsFalse(bare.Notes.Any(n => n.Contains("must be finite", StringComparison.Ordinal)));
        var weights = new float[padded.WeightBytes / 4];
        padded.SetWeights(weights);
        weights[7] = float.NegativeInfinity;
        UnsupportedOperandsException e = Assert.Throws<UnsupportedOperandsException>(() => padded.SetWeights(weights));
        StringAssert.Contains(e.Message, "weights: element 7 is not finite");
        Assert.AreEqual("cudnn", e.Backend);
        using DeviceBuffer onDevice = padded.Device!.Allocate(padded.WeightBytes);
        onDevice.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(weights));
        StringAssert.Contains(Assert.Throws<UnsupportedOperandsException>(() => padded.SetWeights(onDevice, null)).Message, "weights: element 7 is not finite");
        bare.SetWeights(weights);
    }

    [TestMethod]
    public void ZerosMeetNoInfiniteGradients()
    {
        using ConvPlan plan = Plan(ConvProblem.Parse("--dir=BWD_W mb1ic3ih5iw6oc4kh3kw3ph1"), PlanOptions.Default);
        byte[] x = new byte[plan.InputBytes], dy = new byte[plan.OutputBytes], dw = new byte[plan.WeightBytes];
        plan.Execute(new ConvArguments { Input = x, OutputGradient = dy, Result = dw });
        BitConverter.TryWriteBytes(dy.AsSpan(8), float.NaN);
        UnsupportedOperandsException e = Assert.Throws<UnsupportedOperandsException>(() => plan.Execute(new ConvArguments { Input = x, OutputGradient = dy, Result = dw }));
        StringAssert.Contains(e.Message, "output_grad: element 2 is not finite");
    }

    [TestMethod]
    public void TheWorkspaceLimitHolds()
    {
        ConvProblem gradient = ConvProblem.Parse("--dir=BWD_D mb2ic8ih7iw6oc12kh3kw3ph1");
        using (ConvPlan free = Plan(gradient, PlanOptions.Default)) Assert.IsGreaterThan(0, free.WorkspaceBytes);
        using (ConvPlan none = Plan(gradient, new PlanOptions { MaxWorkspaceBytes = 0 })) Assert.AreEqual(0, none.WorkspaceBytes);
        ConvProblem padded = ConvProblem.Parse("--pad-mode=reflect mb2ic8ih7iw6oc12kh3kw3ph1");
        PlanResult refused = _engine.CreatePlan(padded, new PlanOptions { MaxWorkspaceBytes = 100 });
        Assert.IsNull(refused.Plan);
        StringAssert.Contains(refused.Reason, "100");
    }

    [TestMethod]
    public void PlansAndRefusalsAreRememberedForTheHandle()
    {
        Plan(s_problem, PlanOptions.Default).Dispose();
        Double.Reset();
        Plan(s_problem, PlanOptions.Default).Dispose();
        Assert.AreEqual(0, Double.CallsOf("cudnnBackendFinalize"));

        var limit = new PlanOptions { MaxWorkspaceBytes = 100 };
        ConvProblem padded = ConvProblem.Parse("--pad-mode=reflect mb2ic8ih7iw6oc12kh3kw3ph1");
        string? reason = _engine.CreatePlan(padded, limit).Reason;
        Double.Reset();
        Assert.AreEqual(reason, _engine.CreatePlan(padded, limit).Reason);
        Assert.IsEmpty(Double.Calls);
    }

    [TestMethod]
    public void AMeasuredPlanIsKeptAsJson()
    {
        using var folder = new TemporaryFolder();
        string? before = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", folder.Path);
        try
        {
            var measure = new PlanOptions { Tuning = Tuning.Measure };
            string first;
            using (ConvPlan plan = Plan(s_problem, measure)) first = plan.Implementation;
            Assert.IsGreaterThan(0, Double.CallsOf("cudaEventElapsedTime"));
            Assert.HasCount(1, Directory.GetFiles(folder.Path, "*.plan", SearchOption.AllDirectories));
            _engine.CloseDevices();
            Double.Reset();
            using (ConvPlan plan = Plan(s_problem, measure))
            {
                Assert.AreEqual(first, plan.Implementation);
                Assert.IsTrue(plan.Notes.Any(n => n.Contains("restored", StringComparison.Ordinal)));
                new TrialRun(plan).Run();
            }

            Assert.AreEqual(0, Double.CallsOf("cudaEventElapsedTime"));
            _engine.CloseDevices();

            // A file that says nothing is no error: the plan is measured anew.
            string file = Directory.GetFiles(folder.Path, "*.plan", SearchOption.AllDirectories).Single();
            File.WriteAllText(file, "a\nDirect\nFalse\nTrue\nno json");
            using (ConvPlan plan = Plan(s_problem, measure)) Assert.AreEqual(first[..first.IndexOf(':', StringComparison.Ordinal)], plan.Implementation[..plan.Implementation.IndexOf(':', StringComparison.Ordinal)]);
        }
        finally
        {
            Environment.SetEnvironmentVariable("XDG_CACHE_HOME", before);
        }
    }

    [TestMethod]
    public void WhatNoEngineTakesFusedRunsInSeparateSteps()
    {
        using ConvPlan fused = Plan(ConvProblem.Parse("--attr-post-ops=relu mb1ic3ih5iw6oc4kh3kw2ph1"), PlanOptions.Default);
        StringAssert.Contains(fused.Implementation, "graph_forward_fused");
        using ConvPlan apart = Plan(ConvProblem.Parse("--attr-post-ops=hardswish mb1ic3ih5iw6oc4kh3kw2ph1"), PlanOptions.Default);
        StringAssert.Contains(apart.Implementation, "epilogue");
        Assert.IsFalse(apart.Implementation.Contains("fused", StringComparison.Ordinal), apart.Implementation);
    }

    [TestMethod]
    public void StatusSaysWhatIsWrong()
    {
        Assert.IsTrue(_engine.Status.Available);
        StringAssert.Contains(_engine.Status.Summary, "protocol double");
        Double.Fail("cudaGetDeviceCount", 1, 100);
        BackendStatus none = _engine.Status;
        Assert.IsFalse(none.Available);
        StringAssert.Contains(none.Summary, "no GPU");
        Double.Reset();
        Double.Fail("cudaGetDeviceCount", 1, 35);
        StringAssert.Contains(_engine.Status.Summary, "driver is older");
        Double.Reset();
        Assert.IsTrue(_engine.Status.Available, "a failure is not for ever");
        Assert.Throws<ArgumentException>(() => _engine.OpenDevice("cudnn:7"));
    }

    private ConvPlan Plan(ConvProblem p, PlanOptions options)
    {
        PlanResult r = _engine.CreatePlan(p, options);
        return r.Plan ?? throw new AssertFailedException($"{p}: {r.Reason}");
    }
}
