using System.Text.Json;
using ConvNative.Cli;
using ConvNative.Tests.Matrix;

namespace ConvNative.Tests;

/// <summary><c>bench --steps</c>: the report, and what is refused.</summary>
[TestClass]
public sealed class StepsTests
{
    private static readonly string[] s_managed = ["bench", "--steps", "fire", "--backend", "managed", "--budget", "1", "--threads", "1"];

    [TestMethod]
    public void EachStepHasItsTime()
    {
        (int code, string output, string error) = CliHost.Run([.. s_managed, "--json"]);
        Assert.AreEqual(0, code, error);
        JsonElement e = JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Single()).RootElement;
        Assert.AreEqual("fire", e.GetProperty("name").GetString());
        JsonElement[] steps = [.. e.GetProperty("steps").EnumerateArray()];
        foreach (JsonElement timed in (JsonElement[])[e, .. steps])
        {
            Assert.IsGreaterThan(0, timed.GetProperty("min_ms").GetDouble());
            Assert.IsGreaterThanOrEqualTo(timed.GetProperty("min_ms").GetDouble(), timed.GetProperty("ms").GetDouble());
            Assert.IsGreaterThanOrEqualTo(5, timed.GetProperty("samples").GetInt32());
        }

        JsonElement[] convolutions = [.. steps.Where(s => s.GetProperty("what").GetString() == "conv")];
        Assert.HasCount(3, convolutions);
        Assert.AreEqual(e.GetProperty("multiply_adds").GetInt64(), convolutions.Sum(s => s.GetProperty("multiply_adds").GetInt64()));
        Assert.AreEqual(e.GetProperty("steps_ms").GetDouble(), steps.Sum(s => s.GetProperty("ms").GetDouble()), 1e-9);
        foreach (JsonElement c in convolutions)
        {
            Assert.AreEqual("managed", c.GetProperty("backend").GetString());
            Assert.AreEqual(1, c.GetProperty("threads").GetInt32());
        }

        (code, output, error) = CliHost.Run(s_managed);
        Assert.AreEqual(0, code, error);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(steps.Length + 2, lines);
        Assert.StartsWith($"fire: {steps.Length} steps, ", lines[^1]);
    }

    [TestMethod]
    [DataRow("--budget -1", "--budget = -1: must be positive and finite")]
    [DataRow("--budget Infinity", "--budget = Infinity: must be positive and finite")]
    [DataRow("--budget NaN", "--budget = NaN: must be positive and finite")]
    [DataRow("--threads -2", "--threads = -2: must be at least 0")]
    [DataRow("--layout abx", "--layout = abx: must not be given beside --steps")]
    [DataRow("--suite smoke", "--suite = smoke: must not be given beside --steps")]
    [DataRow("--rounds 3", "--rounds = 3: must not be given beside --steps")]
    [DataRow("--baseline old.json", "--baseline = old.json: must not be given beside --steps")]
    [DataRow("--output here", "--output = here: must not be given beside --steps")]
    [DataRow("--serve", "--serve = true: must not be given beside --steps")]
    [DataRow("--against t.tsv", "--against = t.tsv: must not be given beside --steps")]
    [DataRow("--steps nosuch", "--steps = nosuch: must be one of pointwise, ")]
    [DataRow("--backend onednn", "--steps: needs exactly one --backend, or auto")]
    public void WhatDoesNotApplyIsRefused(string further, string expected) => Refused(["bench", "--steps", "fire", "--backend", "managed", .. further.Split(' ')], ExitCode.Usage, expected);

    [TestMethod]
    [DataRow("nosuch", ExitCode.Usage, "--backend = nosuch: must be one of ")]
    [DataRow("managed:7", ExitCode.Unavailable, "managed:7 is unavailable: ")]
    public void AnEngineThatIsNotThere(string backend, int code, string expected) => Refused(["bench", "--steps", "fire", "--backend", backend], code, expected);

    [TestMethod]
    public void AListOfNoneIsRefused() => Refused(["bench", "--steps", ",", "--backend", "managed"], ExitCode.Usage, "--steps = (empty): ");

    /// <summary>A graph's plan refuses this engine, which the tool was told of and the library was not: data, not a stack trace.</summary>
    [TestMethod]
    public void WhatThePlanRefusesIsBadUsage()
    {
        CliException e = Assert.ThrowsExactly<CliException>(() => CommandTests.Run([new FakeBackend()], ["bench", "--steps", "fire", "--backend", "fake"]));
        Assert.AreEqual(ExitCode.Usage, e.Code);
        Assert.StartsWith("--backend = fake: backend = fake: must be auto or one of ", e.Message);
    }

    private static void Refused(string[] line, int expectedCode, string expected)
    {
        (int code, string output, string error) = CliHost.Run(line);
        Assert.AreEqual(expectedCode, code, error);
        Assert.AreEqual("", output);
        Assert.StartsWith($"error: {expected}", error);
        Assert.HasCount(1, error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
