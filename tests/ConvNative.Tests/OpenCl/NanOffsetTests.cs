using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>An offset that is no number: what it reaches is NaN, as in the oracle, and not 0. An infinite one lies outside.</summary>
[TestClass]
public sealed class NanOffsetTests
{
    [TestMethod]
    [DataRow("managed", "f32")]
    [DataRow("managed", "f64")]
    [DataRow("opencl", "f32")]
    [DataRow("opencl", "f64")]
    public void ReachesWhatItReachesInTheOracle(string engine, string type)
    {
        if (engine == "opencl")
        {
            Backends.OpenCl.Device.ClDevice device = OpenClDevices.First();
            if (type == "f64" && !device.Properties.HasF64) Assert.Inconclusive("the device has no f64");
        }

        foreach (Direction d in (Direction[])[Direction.Forward, Direction.BackwardData, Direction.BackwardWeights, Direction.BackwardOffset, Direction.BackwardMask])
            Check(ConvProblem.Parse($"--op=deform --mask=1 --dt={type} mb1ic2ih5iw6oc3kh3kw3ph1pw1").With(s => s with { Direction = d }), engine);
    }

    private static void Check(ConvProblem p, string engine)
    {
        // Dyadic numbers: sums are exact in any order.
        var random = new Random(7);
        double[] Fill(Dims shape) => [.. Enumerable.Range(0, (int)shape.Product).Select(_ => random.Next(1, 5) / 4.0)];
        bool forward = p.Direction == Direction.Forward, reads = p.Direction != Direction.BackwardData, weighs = p.Direction != Direction.BackwardWeights;
        double[] input = Fill(p.InputShape), weights = Fill(p.WeightShape), offset = Fill(p.OffsetShape), mask = Fill(p.MaskShape), gradient = Fill(p.OutputShape);
        int plane = (int)p.OutputSpatial.Product;
        offset[(2 * 4 * plane) + 14] = double.NaN;
        offset[(((2 * 7) + 1) * plane) + 3] = double.NaN;
        offset[(2 * 2 * plane) + 20] = double.PositiveInfinity;

        // Beyond on one side: no neighbour exists, whatever the other coordinate is.
        offset[(2 * 3 * plane) + 21] = double.NaN;
        offset[(((2 * 3) + 1) * plane) + 21] = 100;
        double[] want = NaiveOracle.Compute(p, new OracleTensors
        {
            Input = reads ? input : null, Weights = weighs ? weights : null, Bias = forward && p.HasBias ? new double[p.BiasShape.Product] : null,
            Offset = offset, Mask = mask, OutputGrad = forward ? null : gradient,
        }).Values;
        using ConvPlan plan = ConvPlan.Create(p, null, engine);
        if (weighs) plan.SetWeights(Bytes(weights, p.WeightShape), new byte[plan.BiasBytes]);
        var result = new byte[plan.ResultBytes];
        plan.Execute(new ConvArguments
        {
            Input = reads ? Bytes(input, p.InputShape) : default,
            Offset = Bytes(offset, p.OffsetShape),
            Mask = Bytes(mask, p.MaskShape),
            OutputGradient = forward ? default : Bytes(gradient, p.OutputShape),
            Result = result,
        });
        Assert.IsTrue(want.Any(double.IsNaN) && want.Any(double.IsFinite), $"{p}: the oracle has nothing to tell apart");
        CollectionAssert.AreEqual(want, ManagedRun.Doubles(result, p.ResultShape, Layout.ChannelsFirst, p.ResultType), $"{p} on {engine} ({plan.Implementation})");

        byte[] Bytes(double[] v, Dims shape) => ManagedRun.Bytes(v, shape, Layout.ChannelsFirst, p.InputType);
    }
}
