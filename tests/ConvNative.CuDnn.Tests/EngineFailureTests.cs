using ConvNative.Backends;
using ConvNative.Backends.CuDnn;
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
    public void EachCallOnce(string text)
    {
        Double.Need();
        ConvProblem problem = ConvProblem.Parse(text);

        // Kernels are compiled, and the double keeps them: the second life makes the calls of every later one.
        Assert.IsNull(Life(problem));
        Double.Reset();
        Assert.IsNull(Life(problem));
        string[] calls = Double.Calls;
        Assert.IsGreaterThan(20, calls.Length);
        int typed = 0, survived = 0;
        for (int i = 0; i < calls.Length; i++)
        {
            // The version has been asked for while loading, and cannot fail: it gives no status.
            Double.Reset();
            Double.Fail("*", i + 1, StatusFor(calls[i]));
            string what = $"{calls[i]} (call {i + 1} of {calls.Length}) of {text}";
            Exception? e = Life(problem);
            if (e is null) survived++;
            else typed++;
            Assert.IsTrue(e is null or ConvNativeException or DeviceMemoryException, $"{what}: {e}");
            if (e is ConvNativeException { Function: not null } native) StringAssert.Contains(native.Message, calls[i], what);
            Assert.AreEqual(0, Double.LiveObjects, $"{what} left\n{Double.Ledger}\nafter {e?.Message}");
            Assert.AreEqual(0, Double.Misuses, $"{what}: {Double.MisuseText}");
            Assert.AreEqual(0, Double.GuardErrors, what);
        }

        // The search for an engine goes on past a failure; all the rest is an error.
        Assert.IsGreaterThan(calls.Length / 10, typed, "failures are seen");
        Assert.AreEqual(calls.Length, typed + survived);
        Double.Reset();
        Assert.IsNull(Life(problem), "and the process is as good as before");
    }

    [TestMethod]
    [DataRow("mb1ic3ih5iw6oc4kh3kw2ph1")]
    [DataRow("--dt=u8:s8:s32 mb1ic3ih5iw6oc4kh3kw2ph1")]
    public void WhereEveryWayFailsTheFirstFailureIsTheError(string text)
    {
        Double.Need();
        for (int i = 1; i <= 500; i++) Double.Fail("cudnnBackendFinalize", i, 5000);
        var e = (ConvNativeException)Life(ConvProblem.Parse(text))!;
        Assert.AreEqual("CUDNN_STATUS_EXECUTION_FAILED", e.Status);
        StringAssert.StartsWith(e.Function, "cudnnBackendFinalize");
        Assert.AreEqual(0, Double.LiveObjects, Double.Ledger);
        Double.Reset();
        Assert.IsNull(Life(ConvProblem.Parse(text)));
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

    /// <summary>Opens the device, plans, sets weights, runs twice, and takes everything down; the exception, if there was one.</summary>
    private static Exception? Life(ConvProblem problem)
    {
        var engine = new CuDnnBackend();
        try
        {
            using ConvPlan? plan = engine.CreatePlan(problem, PlanOptions.Default).Plan;
            if (plan is null) return null;
            var trial = new TrialRun(plan);
            trial.Run();
            trial.Run();
            return null;
        }
        catch (Exception e) when (e is ConvNativeException or DeviceMemoryException or ArgumentException)
        {
            // An engine that cannot describe its only device has none to offer.
            return e is ArgumentException { ParamName: "selector" } ? new ConvNativeException("cudnn", e.Message) : e;
        }
        finally
        {
            engine.CloseDevices();
        }
    }

    private static int StatusFor(string call) => call switch
    {
        "cudaMallocAsync" or "cudaMalloc" or "cudaMallocHost" => 2,
        _ when call.StartsWith("cudnn", StringComparison.Ordinal) => 5000,
        _ when call.StartsWith("cublas", StringComparison.Ordinal) => 14,
        _ when call.StartsWith("nvrtc", StringComparison.Ordinal) => 11,
        _ => 999,
    };
}
