using ConvNative.Backends;
using ConvNative.Cli.Checking;
using ConvNative.Oracle;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>A pad value is an element of the input: what its type cannot hold is rounded once, for every engine and the oracle alike.</summary>
[TestClass]
public sealed class PadValueTests
{
    [TestMethod]
    [DataRow("bf16", 0.1)]
    [DataRow("bf16", -3.4e38)]
    [DataRow("bf16", 3.4e38)]
    [DataRow("bf16", 1e-40)]
    [DataRow("bf16", 1.00390625)]
    [DataRow("f16", 0.1)]
    [DataRow("f16", 1e5)]
    [DataRow("f64", 0.1)]
    [DataRow("u8:s8:s32", 300.0)]
    [DataRow("s8:s8:s32", -1000.0)]
    [DataRow("s8:s8:s32", 2.5)]
    public void IsWhatTheTypeHolds(string type, double value)
    {
        ConvProblem p = Problem(type, value);
        Assert.AreEqual(Rounding.To(p.InputType, value), p.PadValue);
        Assert.AreEqual(p, ConvProblem.Parse(p.ToString()));
    }

    [TestMethod]
    [DataRow("bf16:bf16:f32", 0.1)]
    [DataRow("f16:f16:f32", 0.1)]
    [DataRow("u8:s8:s32", 300.0)]
    public void EveryEnginePadsWithIt(string type, double value)
    {
        ConvBackend[] engines = [.. Backends.Engines.All.Where(e => e.Status.Available)];
        foreach (CellResult c in new Checker().Check(Problem(type, value), engines))
            Assert.IsTrue(c.Status is CellStatus.Pass or CellStatus.Unsupported, $"{c.Backend}: {c.Message}");
    }

    private static ConvProblem Problem(string type, double value) =>
        ConvProblem.Parse(FormattableString.Invariant($"--dt={type} --pad-mode=constant:{value:R} mb2ic3ih5iw7oc4kh3kw2ph1pw1"));
}
