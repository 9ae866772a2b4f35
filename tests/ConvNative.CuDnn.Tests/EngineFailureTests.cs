using ConvNative.Backends;
using ConvNative.Backends.CuDnn;
using ConvNative.Cli.Execution;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Every call of a plan's life made to fail once: the error is typed and names the call, or the engine found another way; nothing is left.</summary>
[TestClass]
public sealed class EngineFailureTests
{
    [TestMethod]
    [DataRow("--attr-post-ops=sum:0.5+relu mb1ic3ih5iw6oc4kh3kw2ph1", DisplayName = "fused")]
    [DataRow("--attr-post-ops=hardswish mb1ic3ih5iw6oc4oh6ow6kh3kw2ph1pw0", DisplayName = "asymmetric pads, separate epilogue")]
    [DataRow("--dir=BWD_D --pad-mode=reflect mb1ic3ih5iw6oc4kh3kw2ph1", DisplayName = "folded gradient")]
    [DataRow("--dir=BWD_WB --op=conv --dt=bf16 mb1ic3iw9oc4kw4pw2", DisplayName = "filter gradient of a flipped signal")]
    [DataRow("--deconv --output-padding=2x1 g2mb1ic6ih5iw4oc10kh3kw2sh2sw1ph1pw2dh2dw1", DisplayName = "transposed")]
    [DataRow("--dir=FWD_B --dt=u8:s8:u8 --quant=xs:0.05+xz:7+ws:0.01+wz:3+ys:0.2+yz:3 mb1ic8ih5iw6oc4kh3kw2ph1", DisplayName = "8 bits on 8-bit engines")]
    [DataRow("--dir=FWD_B --dt=u8:s8:s8 --quant=xz:3 mb1ic3ih5iw6oc5kh3kw2ph1", DisplayName = "8 bits in f64")]
    [DataRow("--op=deform --mask=1 --dir=FWD_B mb2ic4ih5iw6oc6kh3kw2ph1pw0", DisplayName = "deformable")]
    [DataRow("--op=deform --mask=1 --dir=BWD_O --dt=f16 mb2ic4ih5iw6oc6kh3kw2ph1pw0", DisplayName = "deformable offsets")]
    [DataRow("--op=shuffle --dir=FWD_D g3mb2ic15iw7", DisplayName = "channel shuffle")]
    [DataRow("--op=col2im --dir=FWD_D --dt=bf16 --attr-post-ops=sum+relu mb1ih5iw4oc2oh7ow8kh3kw2sh1sw2ph1pw0", DisplayName = "columns summed, then finished")]
    public void EachCallOnce(string text)
    {
        Double.Need();
        ConvProblem problem = ConvProblem.Parse(text);

        // Kernels are compiled, and the double keeps them: the second life makes the calls of every later one.
        Assert.IsNull(Life(problem).Error);
        Double.Reset();
        Outcome clean = Life(problem);
        Assert.IsNull(clean.Error);
        string[] calls = Double.Calls;
        Assert.IsGreaterThan(20, calls.Length);
        int typed = 0, survived = 0;
        for (int i = 0; i < calls.Length; i++)
        {
            // The version has been asked for while loading, and cannot fail: it gives no status.
            Double.Reset();
            Double.Fail("*", i + 1, StatusFor(calls[i]));
            string what = $"{calls[i]} (call {i + 1} of {calls.Length}) of {text}";
            Outcome outcome = Life(problem);
            Exception? e = outcome.Error;
            if (e is null) survived++;
            else typed++;
            Assert.IsTrue(e is null or ConvNativeException or DeviceMemoryException, $"{what}: {e}");
            if (e is null) AssertSame(clean, outcome, problem.ResultType, what);
            if (e is ConvNativeException { Function: not null } native) StringAssert.Contains(native.Message, calls[i], what);
            Assert.AreEqual(0, Double.LiveObjects, $"{what} left\n{Double.Ledger}\nafter {e?.Message}");
            Assert.AreEqual(0, Double.Misuses, $"{what}: {Double.MisuseText}");
            Assert.AreEqual(0, Double.GuardErrors, what);
        }

        // The search for an engine goes on past a failure; all the rest is an error.
        Assert.IsGreaterThan(calls.Length / 10, typed, "failures are seen");
        Assert.AreEqual(calls.Length, typed + survived);
        Double.Reset();
        Assert.IsNull(Life(problem).Error, "and the process is as good as before");
    }

    [TestMethod]
    [DataRow("mb1ic3ih5iw6oc4kh3kw2ph1")]
    [DataRow("--dt=u8:s8:s32 mb1ic3ih5iw6oc4kh3kw2ph1")]
    public void WhereEveryWayFailsTheFirstFailureIsTheError(string text)
    {
        Double.Need();
        for (int i = 1; i <= 500; i++) Double.Fail("cudnnBackendFinalize", i, 5000);
        var e = (ConvNativeException)Life(ConvProblem.Parse(text)).Error!;
        Assert.AreEqual("CUDNN_STATUS_EXECUTION_FAILED", e.Status);
        StringAssert.StartsWith(e.Function, "cudnnBackendFinalize");
        Assert.AreEqual(0, Double.LiveObjects, Double.Ledger);
        Double.Reset();
        Assert.IsNull(Life(ConvProblem.Parse(text)).Error);
    }

    [TestMethod]
    public void TooLittleMemoryIsTypedAndLeavesTheDeviceUsable()
    {
        Double.Need();
        var engine = new CuDnnBackend();
        try
        {
            ConvProblem small = ConvProblem.Parse("mb1ic3ih5iw6oc4kh3kw2ph1"), large = ConvProblem.Parse("--pad-mode=reflect mb1ic16ih256iw256oc2kh3kw3ph1");
            using ConvPlan plan = engine.CreatePlan(small, PlanOptions.Default).Plan!;
            new TrialRun(plan).Run();
            Double.MemoryLimit = Double.MemoryUsed + (1 << 20);
            DeviceMemoryException e = Assert.Throws<DeviceMemoryException>(() =>
            {
                using ConvPlan big = engine.CreatePlan(large, PlanOptions.Default).Plan!;
                new TrialRun(big).Run();
            });
            StringAssert.Contains(e.Message, "cudnn:0");
            Assert.IsGreaterThan(1L << 20, e.Bytes);
            Assert.Throws<DeviceMemoryException>(() => engine.OpenDevice().Allocate(1L << 30));
            new TrialRun(plan).Run();
            Double.MemoryLimit = 4UL << 30;
            using ConvPlan fits = engine.CreatePlan(large, PlanOptions.Default).Plan!;
            new TrialRun(fits).Run();
        }
        finally
        {
            Double.MemoryLimit = 4UL << 30;
            engine.CloseDevices();
        }

        Assert.AreEqual(0, Double.LiveObjects, Double.Ledger);
    }

    /// <summary>Opens the device, plans, sets weights, runs twice, and takes everything down; what came of it.</summary>
    private static Outcome Life(ConvProblem problem)
    {
        var engine = new CuDnnBackend();
        try
        {
            using ConvPlan? plan = engine.CreatePlan(problem, PlanOptions.Default).Plan;
            if (plan is null) return new Outcome(null, []);
            var trial = new TrialRun(plan);
            trial.Run();
            trial.Run();
            return new Outcome(null, trial.Result.ToArray());
        }
        catch (Exception e) when (e is ConvNativeException or DeviceMemoryException or ArgumentException)
        {
            // An engine that cannot describe its only device has none to offer.
            return new Outcome(e is ArgumentException { ParamName: "selector" } ? new ConvNativeException("cudnn", e.Message) : e, []);
        }
        finally
        {
            engine.CloseDevices();
        }
    }

    /// <summary>A failure is no lack of support; what was computed another way is the same but for rounding.</summary>
    private static void AssertSame(Outcome clean, Outcome survivor, DataType type, string what)
    {
        Assert.HasCount(clean.Result.Length, survivor.Result, $"{what}: {(survivor.Result.Length == 0 ? "unsupported, and was not before" : "another size")}");
        double[] expected = Numbers.ToDoubles(clean.Result, type), actual = Numbers.ToDoubles(survivor.Result, type);
        double unit = type switch { DataType.BF16 => 1.0 / 128, DataType.F16 => 1.0 / 1024, DataType.F32 => 1e-6, DataType.F64 => 1e-14, _ => 0 };
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.IsLessThanOrEqualTo(8 * unit * largest, Math.Abs(expected[i] - actual[i]), $"{what}: element {i} is {actual[i]}, was {expected[i]}");
    }

    /// <param name="Error">The exception, if there was one.</param>
    /// <param name="Result">The second run's; empty where there was no plan.</param>
    private sealed record Outcome(Exception? Error, byte[] Result);

    private static int StatusFor(string call) => call switch
    {
        "cudaMallocAsync" or "cudaMalloc" or "cudaMallocHost" => 2,
        _ when call.StartsWith("cudnn", StringComparison.Ordinal) => 5000,
        _ when call.StartsWith("cublas", StringComparison.Ordinal) => 14,
        _ when call.StartsWith("nvrtc", StringComparison.Ordinal) => 11,
        _ => 999,
    };
}
