using ConvNative.Cli;
using ConvNative.Cli.Execution;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Tests.Matrix;

namespace ConvNative.Tests;

/// <summary>Engines by name, and <c>auto</c>, whose plan is made once.</summary>
[TestClass]
public sealed class ExecutorTests
{
    private static readonly ConvProblem s_problem = ConvProblem.Parse("--dir=FWD_D mb1ic1iw3oc1kw1");
    private static readonly LogicalTensors s_tensors = new() { Input = Bytes(1, 2, 3), Weights = Bytes(2) };

    [TestMethod]
    public void AutoRunsThePlanThatItChose()
    {
        var fake = new FakeBackend();
        RunResult r = Executor.Run("auto", s_problem, s_tensors, PlanOptions.Default, fake.CreatePlan);
        Assert.AreEqual((CaseStatus.Ok, "fake", "fake:naive"), (r.Status, r.Backend, r.Implementation), r.Message);
        CollectionAssert.AreEqual(Bytes(2, 4, 6), r.Result);
        Assert.AreEqual(1, fake.Created);
    }

    [TestMethod]
    public void WhatTheChosenPlanCannotTakeGoesToAnotherEngine()
    {
        var fake = new FakeBackend(Sabotage.RefuseWeights);
        RunResult r = Executor.Run("auto", s_problem, s_tensors, PlanOptions.Default, fake.CreatePlan);
        Assert.AreEqual(CaseStatus.Ok, r.Status, r.Message);
        Assert.AreNotEqual("fake", r.Backend);
        CollectionAssert.AreEqual(Bytes(2, 4, 6), r.Result);
    }

    [TestMethod]
    [DataRow("Managed", "managed")]
    [DataRow("ORACLE", "oracle")]
    [DataRow("Auto", null)]
    public void NamesAreTakenInAnyCase(string asked, string? backend)
    {
        Executor.CheckName(asked);
        Assert.IsNull(Executor.Missing(asked));
        RunResult r = Executor.Run(asked, s_problem, s_tensors, PlanOptions.Default);
        Assert.AreEqual(CaseStatus.Ok, r.Status, r.Message);
        if (backend is not null) Assert.AreEqual(backend, r.Backend);
        CollectionAssert.AreEqual(Bytes(2, 4, 6), r.Result);
    }

    [TestMethod]
    public void AnotherNameIsRefused() => StringAssert.Contains(Assert.ThrowsExactly<CliException>(() => Executor.CheckName("mkl")).Message, "--backend = mkl: must be one of oracle, managed");

    private static byte[] Bytes(params float[] values) => System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values).ToArray();
}
