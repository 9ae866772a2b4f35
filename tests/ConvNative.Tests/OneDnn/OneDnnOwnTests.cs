using ConvNative.Oracle.Operands;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>What our own code does on the oneDNN engine beside deformable convolution: rearrangements, and the gradient of the bias alone.</summary>
[TestClass]
public class OneDnnOwnTests
{
    [TestMethod]
    [DataRow(FillKind.ExactInteger)]
    [DataRow(FillKind.Random)]
    public void RearrangementsAgreeWithTheOracle(FillKind fill)
    {
        foreach (ConvProblem p in Floats(ManagedProblems.Rearrangements()))
            foreach (Direction d in (Direction[])[Direction.Forward, Direction.BackwardData])
                OneDnnRun.Check(p.With(s => s with { Direction = d }), fill, "");
    }

    [TestMethod]
    public void PostOpsOfRearrangements()
    {
        foreach (ConvProblem p in Floats(ManagedProblems.Rearrangements()))
            foreach (PostOps ops in (PostOps[])[new PostOps(true, 0.5, Activation.Tanh), new PostOps(false, 0, Activation.Relu), new PostOps(true, 1, Activation.Relu, 0.3), new PostOps(false, 0, Activation.None, -0.5)])
                OneDnnRun.Check(p.With(s => s with { PostOps = ops }), FillKind.Random, "");
    }

    [TestMethod]
    [DataRow("mb3ic5ih7iw9oc130kh3kw2ph1pw1")]
    [DataRow("mb1ic3id5ih17iw19oc67kd1kh3kw2pd0ph1pw1")]
    [DataRow("--deconv g3mb2ic6ih7iw9oc9kh3kw2sh2ph1pw1")]
    [DataRow("g37mb2ic37iw301oc37kw3pw1")]
    public void BiasGradientAgreesWithTheOracle(string shape)
    {
        foreach (string layout in (string[])["", "--dtag=axb", "--dtag=any"])
            foreach (FillKind fill in (FillKind[])[FillKind.ExactInteger, FillKind.Random])
            {
                ConvProblem p = ConvProblem.Parse($"{layout} {shape}").With(s => s with { Direction = Direction.BackwardBias });
                OneDnnRun.Check(p, fill, "sum:");
                CollectionAssert.AreEqual(OneDnnRun.Run(p, fill, new PlanOptions { MaxThreads = 1 }), OneDnnRun.Run(p, fill, PlanOptions.Default), $"{p}");
            }
    }

    private static IEnumerable<ConvProblem> Floats(IEnumerable<ConvSpec> specs) => ManagedProblems.Spread(specs).Where(p => p.InputType == DataType.F32);
}
