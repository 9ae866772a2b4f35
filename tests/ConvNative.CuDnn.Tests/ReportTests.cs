using ConvNative.Cli.Checking;
using ConvNative.Cli.Reports;

namespace ConvNative.Tests;

/// <summary>Nothing that ran on the double is called cuDNN's in a report.</summary>
[TestClass]
public sealed class ReportTests
{
    [TestMethod]
    public void RowsSayThatItWasTheDouble()
    {
        Double.Need();
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("two.txt"), "mb1ic3ih5iw6oc4kh3kw2ph1n\"a\"\n--dt=u8:s8:s32 mb1ic3ih5iw6oc4kh3kw2ph1n\"b\"\n");
        for (int run = 0; run < 2; run++)
        {
            using StringWriter output = new(), error = new();
            string[] resume = run == 0 ? [] : ["--resume"];
            int code = Cli.Program.Run(["matrix", "--suite", folder.File("two.txt"), "--backend", "cudnn", "--output", folder.File("out"), .. resume], output, error);
            Assert.AreEqual(0, code, output.ToString() + error);
            StringAssert.Contains(output.ToString(), "cudnn (protocol double): 2 pass");
            if (run == 1) StringAssert.Contains(output.ToString(), "2 cells kept");
            MatrixReport report = ReportJson.ReadMatrix(folder.File("out", "results.json"));
            Assert.HasCount(2, report.Cells);
            foreach (CellResult c in report.Cells)
            {
                Assert.AreEqual("cudnn (protocol double)", c.Backend);
                StringAssert.Contains(Repro.Command(c), "--backend cudnn ");
            }

            Assert.AreEqual("cudnn (protocol double)", report.Backends.Single().Name);
            string markdown = File.ReadAllText(folder.File("out", "results.md"));
            Assert.DoesNotContain("| cudnn |", markdown);
        }
    }

    /// <summary>f32 in reduced precision is what fast math permits, and its bound: strict bounds fail it, as the strict filter must keep it out.</summary>
    [TestMethod]
    public void FastMathIsJudgedByItsOwnBound()
    {
        Double.Need();
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("one.txt"), "mb2ic8ih7iw6oc12kh3kw3ph1n\"a\"\n");
        foreach ((string math, bool narrow) in ((string, bool)[])[("fast", true), ("strict", false)])
        {
            using StringWriter output = new(), error = new();
            int code = Cli.Program.Run(["matrix", "--suite", folder.File("one.txt"), "--backend", "cudnn", "--math", math, "--output", folder.File(math)], output, error);
            Assert.AreEqual(0, code, output.ToString() + error);
            // Engine 0 of the double rounds to TF32; strict math must not take it, fast math takes it first.
            Assert.AreEqual(narrow, ReportJson.ReadMatrix(folder.File(math, "results.json")).Cells.Single().Implementation!.Contains("eng0", StringComparison.Ordinal));
        }
    }
}
