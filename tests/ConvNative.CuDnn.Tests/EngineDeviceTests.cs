using System.Runtime.InteropServices;
using ConvNative.Backends;
using ConvNative.Backends.CuDnn;
using ConvNative.Backends.CuDnn.Device;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Tests;

/// <summary>Memory, order, tasks and threads of the device.</summary>
[TestClass]
public sealed class EngineDeviceTests
{
    private readonly CuDnnBackend _engine = new();

    [TestInitialize]
    public void Start() => Double.Need();

    [TestCleanup]
    public void End()
    {
        _engine.CloseDevices();
        if (Double.Home is null) return;
        Assert.AreEqual(0, Double.LiveObjects, Double.Ledger);
        Assert.AreEqual(0, Double.Misuses, Double.MisuseText);
        Assert.AreEqual(0, Double.GuardErrors);
    }

    [TestMethod]
    public void AStatusCountsTheGpusOnce()
    {
        Assert.IsTrue(_engine.Status.Available);
        Double.Reset();
        _ = _engine.Status;
        Assert.AreEqual(1, Double.CallsOf("cudaGetDeviceCount"));
        _ = _engine.Devices;
        Assert.AreEqual(2, Double.CallsOf("cudaGetDeviceCount"));
    }

    [TestMethod]
    public void ClosingWaitsForTasksThatNeedTheDevice()
    {
        var device = (CudaDevice)_engine.OpenDevice();
        using var begun = new ManualResetEventSlim();
        lock (device.Gate)
        {
            device.Enter();
            _ = device.Completions.AfterAll(() =>
            {
                begun.Set();

                // Until the device is being closed.
                Thread.Sleep(50);
                lock (device.Gate) device.Enter();
            });
        }

        begun.Wait();
        Assert.IsTrue(Task.Run(_engine.CloseDevices).Wait(TimeSpan.FromSeconds(30)), "closing waits for the task, and the task for the device");
    }

    [TestMethod]
    public async Task BuffersKeepWhatIsWritten()
    {
        ConvDevice device = _engine.OpenDevice();
        Assert.AreSame(device, _engine.OpenDevice("cudnn:0"));
        Assert.AreSame(device, _engine.OpenDevice("double"));

        // More than both halves of the staging memory, and no multiple of them.
        var data = new byte[(9 << 20) + 17];
        new Random(1).NextBytes(data);
        byte[] sent = [.. data];
        using DeviceBuffer buffer = device.Allocate(data.Length);
        buffer.Write(sent);
        sent.AsSpan().Clear();
        var back = new byte[data.Length];
        buffer.Read(back);
        Assert.IsTrue(back.AsSpan().SequenceEqual(data));
        buffer.Write([1, 2, 3], 5);
        var few = new byte[5];
        await buffer.ReadAsync(few, 4);
        CollectionAssert.AreEqual(new byte[] { data[4], 1, 2, 3, data[8] }, few);
        using DeviceBuffer none = device.Allocate(0);
        none.Read([]);
        Assert.Throws<ArgumentException>(() => buffer.Read(new byte[2], data.Length - 1));
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Write([1]));
    }

    [TestMethod]
    [DataRow("--attr-post-ops=sum+relu mb2ic3ih5iw6oc4kh3kw2ph1", DisplayName = "forward")]
    [DataRow("--pad-mode=circular mb2ic3ih5iw6oc4kh3kw2ph1", DisplayName = "padded")]
    [DataRow("--deconv --dt=f16 mb2ic3ih5iw6oc4kh3kw2sh2ph1", DisplayName = "transposed")]
    public async Task DeviceTensorsGiveTheSameBits(string text)
    {
        ConvProblem p = ConvProblem.Parse(text);
        using ConvPlan plan = _engine.CreatePlan(p, PlanOptions.Default).Plan!;
        byte[] x = Random(plan.InputBytes, p.InputType), w = Random(plan.WeightBytes, p.WeightType), b = Random(plan.BiasBytes, p.BiasType), r = p.PostOps.Residual ? Random(plan.OutputBytes, p.OutputType) : [];
        var expected = new byte[plan.ResultBytes];
        plan.SetWeights(w, b);
        plan.Execute(new ConvArguments { Input = x, Residual = r, Result = expected });

        ConvDevice device = plan.Device!;
        using DeviceBuffer dx = On(device, x), dw = On(device, w), db = On(device, b), dr = On(device, r), first = device.Allocate(plan.ResultBytes), second = device.Allocate(plan.ResultBytes);
        using ConvPlan fresh = _engine.CreatePlan(p, PlanOptions.Default).Plan!;
        fresh.SetWeights(dw, b.Length > 0 ? db : null);
        var arguments = new DeviceArguments { Input = dx, Residual = r.Length > 0 ? dr : null, Result = first };

        // Two runs are on their way at once, into different tensors.
        ValueTask one = fresh.ExecuteAsync(arguments), two = fresh.ExecuteAsync(arguments with { Result = second });
        await one;
        await two;
        var got = new byte[plan.ResultBytes];
        first.Read(got);
        CollectionAssert.AreEqual(expected, got);
        second.Read(got);
        CollectionAssert.AreEqual(expected, got);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await fresh.ExecuteAsync(arguments, cancelled.Token));
        await device.SynchronizeAsync();
    }

    [TestMethod]
    public async Task ABufferMayGoWhileItsWorkIsUnderWay()
    {
        ConvProblem p = ConvProblem.Parse("mb2ic3ih5iw6oc4kh3kw2ph1");
        using ConvPlan plan = _engine.CreatePlan(p, PlanOptions.Default).Plan!;
        plan.SetWeights(Random(plan.WeightBytes, p.WeightType), Random(plan.BiasBytes, p.BiasType));
        DeviceBuffer x = On(plan.Device!, Random(plan.InputBytes, p.InputType)), y = plan.Device!.Allocate(plan.ResultBytes);
        ValueTask run = plan.ExecuteAsync(new DeviceArguments { Input = x, Result = y });
        x.Dispose();
        y.Dispose();
        await run;
    }

    [TestMethod]
    public void ThreadsTakeTurns()
    {
        ConvProblem p = ConvProblem.Parse("mb2ic3ih5iw6oc4kh3kw2ph1");
        Parallel.For(0, 4, seed =>
        {
            using ConvPlan plan = _engine.CreatePlan(p, PlanOptions.Default).Plan!;
            byte[] x = Random(plan.InputBytes, p.InputType, seed), first = new byte[plan.ResultBytes], again = new byte[plan.ResultBytes];
            plan.SetWeights(Random(plan.WeightBytes, p.WeightType, seed + 10), Random(plan.BiasBytes, p.BiasType, seed + 20));
            plan.Execute(new ConvArguments { Input = x, Result = first });
            for (int i = 0; i < 20; i++)
            {
                again.AsSpan().Fill(0xFF);
                plan.Execute(new ConvArguments { Input = x, Result = again });
                Assert.IsTrue(first.AsSpan().SequenceEqual(again));
            }
        });
    }

    [TestMethod]
    [DataRow("mb2ic3ih5iw6oc4kh3kw2ph1")]
    [DataRow("--dir=BWD_WB --op=conv mb2ic3ih5iw6oc4kh3kw2ph1")]
    [DataRow("--op=deform --mask=1 mb2ic4ih5iw6oc6kh3kw2ph1pw0")]
    public void ARunAllocatesNothing(string text)
    {
        using ConvPlan plan = _engine.CreatePlan(ConvProblem.Parse(text), PlanOptions.Default).Plan!;
        var trial = new TrialRun(plan);
        for (int i = 0; i < 3; i++) trial.Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++) trial.Run();
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static DeviceBuffer On(ConvDevice device, byte[] data)
    {
        DeviceBuffer buffer = device.Allocate(data.Length);
        buffer.Write(data);
        return buffer;
    }

    private static byte[] Random(long bytes, DataType type, int seed = 1)
    {
        var random = new Random(seed);
        var data = new byte[bytes];
        if (type == DataType.F32) foreach (ref float v in MemoryMarshal.Cast<byte, float>(data.AsSpan())) v = random.NextSingle() - 0.5f;
        else foreach (ref Half v in MemoryMarshal.Cast<byte, Half>(data.AsSpan())) v = (Half)(random.NextSingle() - 0.5f);
        return data;
    }
}
