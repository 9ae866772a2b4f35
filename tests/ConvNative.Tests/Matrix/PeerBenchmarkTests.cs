using ConvNative.Backends;
using ConvNative.Backends.Managed;
using ConvNative.Cli.Benchmarks.Peers;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>bench --against: another library's table, the same shapes, the ratio.</summary>
[TestClass]
public sealed class PeerBenchmarkTests
{
    private const string Header = "case\tdir\tbatch\tmode\tlayout\tms\tgflop\ttflops";

    private static readonly string[] s_shapes =
    [
        "# kind family dirs count descriptor",
        "conv small FDW 0 mb1ic4ih6iw5oc8kh3kw3ph1pw1n\"a:3x3\"",
        "deconv small F 0 mb1ic4ih6oc8oh12kh2sh2ph0n\"b:up\"",
        "deform2 small F 0 mb1ic4ih6oc8oh6kh3ph1n\"c:v2\"",
    ];

    private static PeerComparison Comparison() => new(new ManagedBackend(), PeerTable.ReadShapes(s_shapes), 1);

    [TestMethod]
    public void TablesAreReadAndTheirCommentsKept()
    {
        (IReadOnlyList<PeerMeasurement> rows, IReadOnlyList<string> comments) = PeerTable.Read(["# torch\t2", Header, "a:3x3\tW\t32\ttf32\tnhwc\t0.25\t1\t4", "# a:3x3 failed", ""]);
        Assert.AreEqual(new PeerMeasurement("a:3x3", "W", 32, "tf32", "nhwc", 0.25), rows.Single());
        Assert.HasCount(2, comments);
        StringAssert.Contains(Assert.Throws<InvalidDataException>(() => PeerTable.Read([Header, "a\tF\tone\tstrict\tnchw\t1"])).Message, "line 2");
        StringAssert.Contains(Assert.Throws<InvalidDataException>(() => PeerTable.Read(["a\tF\t1\tstrict\tnchw\t1"])).Message, "columns");
        StringAssert.Contains(Assert.Throws<InvalidDataException>(() => PeerTable.ReadShapes(["conv x F 0 mb1ic4"])).Message, "line 1");
    }

    [TestMethod]
    public void AMeasurementBecomesItsProblem()
    {
        PeerComparison c = Comparison();
        ConvProblem p = c.ProblemOf(new PeerMeasurement("a:3x3", "W", 32, "bf16", "nhwc", 1))!;
        Assert.AreEqual((Direction.BackwardWeights, 32L, DataType.BF16, Layout.ChannelsLast, Layout.ChannelsLast, true), (p.Direction, p.Batch, p.InputType, p.InputLayout, p.WeightLayout, p.HasBias));
        p = c.ProblemOf(new PeerMeasurement("a:3x3", "D", 1, "tf32", "nchw", 1))!;
        Assert.AreEqual((Direction.BackwardData, DataType.F32, Layout.ChannelsFirst, false), (p.Direction, p.InputType, p.InputLayout, p.HasBias));
        Assert.AreEqual(ConvOp.Transposed, c.ProblemOf(new PeerMeasurement("b:up", "F", 1, "strict", "nchw", 1))!.Op);
        p = c.ProblemOf(new PeerMeasurement("c:v2", "F", 4, "strict", "nchw", 1))!;
        Assert.IsTrue(p.Op == ConvOp.Deformable && p.HasMask && p.Batch == 4);
        Assert.IsNull(c.ProblemOf(new PeerMeasurement("d:none", "F", 4, "strict", "nchw", 1)));
    }

    [TestMethod]
    public void WhatHasNoTimeIsCountedAndNotAveraged()
    {
        PeerComparison c = Comparison();
        Assert.AreEqual("unsupported", new PeerComparison(new Refusing(), PeerTable.ReadShapes(s_shapes), 1).Run(new PeerMeasurement("a:3x3", "F", 1, "bf16", "nchw", 1)).Status);
        Assert.AreEqual("error", c.Run(new PeerMeasurement("d:none", "F", 1, "strict", "nchw", 1)).Status);
        PeerRow ok = c.Run(new PeerMeasurement("c:v2", "F", 1, "strict", "nchw", 1));
        Assert.AreEqual("ok", ok.Status, ok.Detail);
        Assert.IsGreaterThan(0, ok.Ms);

        PeerMeasurement M(string name, string layout, double ms) => new(name, "F", 1, "strict", layout, ms);
        string text = PeerComparison.Summary([
            new PeerRow(M("a", "nchw", 4), "ok", 1, ""), new PeerRow(M("a", "nhwc", 1), "ok", 2, ""), new PeerRow(M("b", "nchw", 1), "ok", 1, ""), new PeerRow(M("b", "nhwc", 3), "unsupported", 0, "")]);
        StringAssert.Contains(text, "| F | strict | nchw | 2 | 2.000 | 1.000 | `b` batch 1 | 0 |");
        StringAssert.Contains(text, "| F | strict | nhwc | 1 | 0.500 | 0.500 | `a` batch 1 | 1 |");
        // Each side's better layout: a 1 against 1, b 1 against 1.
        StringAssert.Contains(text, "| F | strict | better of both | 2 | 1.000 | 1.000 | `a` batch 1 | 0 |");
    }

    [TestMethod]
    public void TheVerbGoesOnWhereItWasStopped()
    {
        using var host = new CliHost();
        File.WriteAllLines(host.At("shapes.txt"), s_shapes);
        File.WriteAllLines(host.At("table.tsv"), ["# torch\tsomething", Header, "a:3x3\tF\t1\tstrict\tnchw\t1.0\t1\t1", "a:3x3\tD\t1\tstrict\tnhwc\t1.0\t1\t1"]);
        string[] command = ["bench", "--against", host.At("table.tsv"), "--shapes", host.At("shapes.txt"), "--backend", "managed", "--budget", "1", "--output", host.At("out")];
        (int code, string output, _) = CliHost.Run([.. command, "--seconds", "0"]);
        Assert.AreEqual(130, code, output);
        StringAssert.Contains(output, "2 to go");
        (code, output, string error) = CliHost.Run(command);
        Assert.AreEqual(0, code, output + error);
        string first = File.ReadAllText(host.At(Path.Combine("out", "peers.tsv")));
        StringAssert.Contains(first, "# torch\tsomething");
        (code, output, _) = CliHost.Run(command);
        Assert.AreEqual(0, code, output);
        // Nothing was timed anew: the rows are the same to the digit.
        CollectionAssert.AreEqual(first.Split('\n')[1..], File.ReadAllText(host.At(Path.Combine("out", "peers.tsv"))).Split('\n')[1..]);

        (code, _, error) = CliHost.Run("bench", "--against", host.At("table.tsv"), "--backend", "managed");
        Assert.AreEqual(2, code);
        StringAssert.Contains(error, "--shapes");
        (code, _, error) = CliHost.Run("matrix", "--math", "sloppy");
        Assert.AreEqual(2, code);
        StringAssert.Contains(error, "strict or fast");
    }

    private sealed class Refusing : ConvBackend
    {
        public override string Name => "refusing";

        public override BackendStatus Status => new(true, "there", [], null);

        public override IReadOnlyList<DeviceInfo> Devices => [];

        public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options) => PlanResult.Unsupported("everything");
    }
}
