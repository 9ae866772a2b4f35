using System.Runtime.InteropServices;
using ConvNative.Backends;
using ConvNative.Backends.OpenCl;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Bindings;
using ConvNative.Plans;
using ConvNative.Problems;
using DeviceFpConfig = Silk.NET.OpenCL.DeviceFpConfig;

namespace ConvNative.Tests.OpenCl;

/// <summary>Devices, their memory, and runs on tensors that lie there.</summary>
[TestClass]
public sealed class DeviceTests
{
    private static readonly ConvProblem s_problem = ConvProblem.Parse("mb2ic3ih9iw7oc5kh3kw3ph1pw1");

    private static readonly ClRequirements s_good = new()
    {
        Available = true,
        Version = new Version(1, 2),
        HasCompiler = true,
        LittleEndian = true,
        Profile = "FULL_PROFILE",
        SingleConfig = DeviceFpConfig.InfNan | DeviceFpConfig.RoundToNearest,
        MaxWorkGroup = 64,
    };

    [TestMethod]
    public void WhatFailedOnceIsTriedAgain()
    {
        OpenClDevices.Engine();
        int reads = 0, opened = 0;
        var engine = new OpenClBackend(
            () => ++reads == 1 ? new ClPlatforms(new BackendStatus(false, "no driver yet", [], null), []) : ClPlatforms.Read(),
            (id, properties) => ++opened == 1 ? throw new NativeCallException("OpenCL", "clCreateContext", "CL_OUT_OF_HOST_MEMORY", -6) : new ClDevice(id, properties),
            wait: 0);
        Assert.IsFalse(engine.Status.Available);
        Assert.IsTrue(engine.Status.Available);
        Assert.IsNotEmpty(engine.Devices);
        Assert.AreEqual(2, reads, "what is there is not looked for again");
        Assert.Contains("CL_OUT_OF_HOST_MEMORY", Assert.ThrowsExactly<ConvNativeException>(() => engine.OpenDevice()).Message);
        Assert.AreSame(engine.OpenDevice(), engine.OpenDevice());
        Assert.AreEqual(2, opened);
    }

    [TestMethod]
    public void ADeviceIsRejectedForTheRequirementThatItFails()
    {
        Assert.IsNull(ClDeviceProperties.Failed(s_good));
        foreach ((ClRequirements r, string word) in ((ClRequirements, string)[])
        [
            (s_good with { Available = false }, "CL_DEVICE_AVAILABLE"),
            (s_good with { Version = new Version(1, 1) }, "1.2"),
            (s_good with { HasCompiler = false }, "COMPILER"),
            (s_good with { LittleEndian = false }, "ENDIAN"),
            (s_good with { Profile = "EMBEDDED_PROFILE" }, "EMBEDDED_PROFILE"),
            (s_good with { SingleConfig = DeviceFpConfig.InfNan }, "ROUND_TO_NEAREST"),
            (s_good with { MaxWorkGroup = 32 }, "32"),
        ])
            Assert.Contains(word, ClDeviceProperties.Failed(r)!);
    }

    [TestMethod]
    public void DevicesSayWhatMatters()
    {
        OpenClBackend engine = OpenClDevices.Engine();
        DeviceInfo first = engine.Devices[0];
        Assert.AreEqual("opencl:0", first.Id);
        foreach (string key in (string[])["platform", "vendor", "driver", "version", "type", "compute units", "local memory", "work-group", "f64", "f16"])
            Assert.AreNotEqual("", first.Properties[key], key);
        Assert.AreSame(engine.OpenDevice(), engine.OpenDevice(engine.FindDevice(null)!.Id));
        Assert.Contains("opencl:0", Assert.ThrowsExactly<ArgumentException>(() => engine.OpenDevice("no such device")).Message);
        Assert.Contains("no such device", Assert.ThrowsExactly<ConvNativeException>(() => engine.CreatePlan(s_problem, new PlanOptions { Device = "no such device" })).Message);
    }

    [TestMethod]
    public void BuffersHoldWhatIsWritten()
    {
        ClDevice device = OpenClDevices.First();
        using DeviceBuffer buffer = device.Allocate(10);
        buffer.Write([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        buffer.Write([77], 3);
        byte[] part = new byte[3];
        buffer.Read(part, 2);
        CollectionAssert.AreEqual(new byte[] { 3, 77, 5 }, part);
        using (DeviceBuffer empty = device.Allocate(0)) empty.Read([]);
        Assert.ThrowsExactly<ArgumentException>(() => buffer.Write([1], 10));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => device.Allocate(-1));
        var e = Assert.ThrowsExactly<DeviceMemoryException>(() => device.Allocate(1L << 50));
        Assert.AreEqual(1L << 50, e.Bytes);
        buffer.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => buffer.Read(part));
    }

    [TestMethod]
    public async Task ARunOnTheDeviceGivesTheSameBitsAsOneFromTheHost()
    {
        ClDevice device = OpenClDevices.First();
        using ConvPlan plan = ConvPlan.Create(s_problem, null, "opencl");
        Assert.AreSame(device, plan.Device);
        float[] x = Numbers(s_problem.InputShape), w = Numbers(s_problem.WeightShape), b = Numbers(s_problem.BiasShape);
        var expected = new float[s_problem.OutputShape.Product];
        plan.SetWeights(w, b);
        plan.Run(x, expected);

        using DeviceBuffer weights = Bring(device, w), bias = Bring(device, b);
        plan.SetWeights(Bring(device, Numbers(s_problem.WeightShape, 9)), bias);
        plan.SetWeights(weights, bias);
        DeviceBuffer input = Bring(device, x);
        using DeviceBuffer first = device.Allocate(plan.OutputBytes), second = device.Allocate(plan.OutputBytes);
        ValueTask one = plan.ExecuteAsync(new DeviceArguments { Input = input, Result = first });
        ValueTask two = plan.ExecuteAsync(new DeviceArguments { Input = input, Result = second });

        // Both runs are queued; their memory goes when they are done.
        input.Dispose();
        await two;
        await one;
        foreach (DeviceBuffer result in (DeviceBuffer[])[first, second])
        {
            var got = new byte[plan.OutputBytes];
            await result.ReadAsync(got);
            CollectionAssert.AreEqual(expected, MemoryMarshal.Cast<byte, float>(got).ToArray());
        }

        await device.SynchronizeAsync();
    }

    [TestMethod]
    public async Task ACancelledRunIsNotTornApart()
    {
        ClDevice device = OpenClDevices.First();
        using ConvPlan plan = ConvPlan.Create(s_problem, null, "opencl");
        plan.SetWeights(Numbers(s_problem.WeightShape), Numbers(s_problem.BiasShape));
        using DeviceBuffer input = Bring(device, Numbers(s_problem.InputShape)), result = device.Allocate(plan.OutputBytes);
        var poison = new byte[plan.OutputBytes];
        Array.Fill(poison, (byte)0xAB);
        result.Write(poison);
        using var source = new CancellationTokenSource();
        var arguments = new DeviceArguments { Input = input, Result = result };

        ValueTask queued = plan.ExecuteAsync(arguments, source.Token);
        source.Cancel();
        try
        {
            // It may have ended before it was cancelled: then it ends well.
            await queued;
        }
        catch (OperationCanceledException)
        {
        }

        var whole = new byte[plan.OutputBytes];
        result.Read(whole);
        Assert.IsFalse(MemoryMarshal.Cast<byte, uint>(whole).Contains(0xABABABABu), "the run was torn apart");

        result.Write(poison);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await plan.ExecuteAsync(arguments, source.Token));
        await device.SynchronizeAsync();
        result.Read(whole);
        Assert.IsFalse(whole.AsSpan().ContainsAnyExcept((byte)0xAB), "something was queued although the run was cancelled before");
    }

    private static float[] Numbers(Dims shape, int seed = 1)
    {
        var random = new Random(seed);
        var v = new float[shape.Product];
        foreach (ref float f in v.AsSpan()) f = random.NextSingle() - 0.5f;
        return v;
    }

    private static DeviceBuffer Bring(ClDevice device, float[] values)
    {
        DeviceBuffer b = device.Allocate(values.Length * 4L);
        b.Write(MemoryMarshal.AsBytes(values.AsSpan()));
        return b;
    }
}
