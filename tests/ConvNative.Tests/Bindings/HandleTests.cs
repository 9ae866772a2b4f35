using System.Runtime.CompilerServices;
using ConvNative.Bindings;
using ConvNative.Bindings.Handles;
using ConvNative.Bindings.OneDnn;

namespace ConvNative.Tests;

[TestClass, DoNotParallelize]
public sealed unsafe class HandleTests
{
    private static DnnlEngineHandle CreateEngine()
    {
        dnnl_engine_t raw;
        Dnnl.dnnl_engine_create(&raw, dnnl_engine_kind_t.dnnl_cpu, 0).ThrowIfFailed(nameof(Dnnl.dnnl_engine_create));
        return DnnlEngineHandle.Adopt(raw, nameof(Dnnl.dnnl_engine_create));
    }

    private static DnnlStreamHandle CreateStream(DnnlEngineHandle engine)
    {
        dnnl_stream_t raw;
        Dnnl.dnnl_stream_create(&raw, engine.Raw, 1).ThrowIfFailed(nameof(Dnnl.dnnl_stream_create));
        return DnnlStreamHandle.Adopt(raw, nameof(Dnnl.dnnl_stream_create), engine);
    }

    private static DnnlMemoryDescHandle CreateDesc(params long[] dims)
    {
        dnnl_memory_desc_t raw;
        fixed (long* pointer = dims)
            Dnnl.dnnl_memory_desc_create_with_tag(&raw, dims.Length, pointer, dnnl_data_type_t.dnnl_f32, dnnl_format_tag_t.dnnl_abcd)
                .ThrowIfFailed(nameof(Dnnl.dnnl_memory_desc_create_with_tag));
        return DnnlMemoryDescHandle.Adopt(raw, nameof(Dnnl.dnnl_memory_desc_create_with_tag));
    }

    [TestMethod]
    public void ChildKeepsItsParentUntilItIsDestroyed()
    {
        OneDnnTests.Need();
        // What other tests left behind must not be counted here.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var created = HandleLedger.CreatedCount;
        var released = HandleLedger.ReleasedCount;
        var engine = CreateEngine();
        var stream = CreateStream(engine);
        Assert.AreEqual(created + 2, HandleLedger.CreatedCount);

        engine.Dispose();
        Assert.AreEqual(released, HandleLedger.ReleasedCount, "the engine went although its stream lives");
        Assert.AreEqual(dnnl_status_t.dnnl_success, Dnnl.dnnl_stream_wait(stream.Raw));
        stream.Dispose();
        Assert.AreEqual(released + 2, HandleLedger.ReleasedCount);

        stream.Dispose();
        engine.Dispose();
        Assert.AreEqual(released + 2, HandleLedger.ReleasedCount, "an object was destroyed twice");
    }

    [TestMethod]
    public void AChildOfADisposedParentIsRefusedAndFreed()
    {
        OneDnnTests.Need();
        using var alive = CreateEngine();
        var gone = CreateEngine();
        gone.Dispose();
        dnnl_stream_t raw;
        Dnnl.dnnl_stream_create(&raw, alive.Raw, 1).ThrowIfFailed("dnnl_stream_create");
        var orphan = raw;
        var created = HandleLedger.CreatedCount;
        Assert.ThrowsExactly<ObjectDisposedException>(() => DnnlStreamHandle.Adopt(orphan, "dnnl_stream_create", gone));
        Assert.AreEqual(created, HandleLedger.CreatedCount);
    }

    [TestMethod]
    public void AnObjectThatCannotBeConfiguredIsDestroyed()
    {
        OneDnnTests.Need();
        dnnl_post_ops_t raw;
        Dnnl.dnnl_post_ops_create(&raw).ThrowIfFailed("dnnl_post_ops_create");
        var operations = DnnlPostOpsHandle.Adopt(raw, "dnnl_post_ops_create");
        Assert.ThrowsExactly<NativeCallException>(() => operations.Configure(static handle => Dnnl
            .dnnl_post_ops_append_eltwise(handle.Raw, dnnl_alg_kind_t.dnnl_convolution_direct, 0, 0)
            .ThrowIfFailed("dnnl_post_ops_append_eltwise")));
        Assert.IsTrue(operations.IsClosed);

        Dnnl.dnnl_post_ops_create(&raw).ThrowIfFailed("dnnl_post_ops_create");
        using var good = DnnlPostOpsHandle.Adopt(raw, "dnnl_post_ops_create").Configure(static handle => Dnnl
            .dnnl_post_ops_append_eltwise(handle.Raw, dnnl_alg_kind_t.dnnl_eltwise_relu, 0, 0)
            .ThrowIfFailed("dnnl_post_ops_append_eltwise"));
        Assert.AreEqual(1, Dnnl.dnnl_post_ops_len(good.Raw));
    }

    [TestMethod]
    public void UseAfterDisposeThrows()
    {
        OneDnnTests.Need();
        var engine = CreateEngine();
        engine.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => engine.Raw);
    }

    [TestMethod]
    public void ALeakIsCountedWithItsType()
    {
        OneDnnTests.Need();
        var finalized = HandleLedger.FinalizedCount;
        var before = HandleLedger.Leaks.GetValueOrDefault(nameof(DnnlMemoryDescHandle));
        Leak();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.IsGreaterThan(finalized, HandleLedger.FinalizedCount);
        Assert.AreEqual(before + 1, HandleLedger.Leaks[nameof(DnnlMemoryDescHandle)]);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Leak() => CreateDesc(2, 3, 5, 7);
    }

    [TestMethod]
    public void AFailedCallNamesLibraryFunctionAndStatus()
    {
        OneDnnTests.Need();
        var e = Assert.ThrowsExactly<NativeCallException>(() => CreateDesc(2, -3, 5, 7));
        Assert.AreEqual("oneDNN", e.Library);
        Assert.AreEqual("dnnl_memory_desc_create_with_tag", e.Function);
        Assert.AreEqual("dnnl_invalid_arguments", e.StatusName);
        Assert.AreEqual(2L, e.StatusCode);
        StringAssert.Contains(e.Message, "dnnl_memory_desc_create_with_tag returned dnnl_invalid_arguments");
        Assert.ThrowsExactly<NativeCallException>(() => DnnlEngineHandle.Adopt(default, "dnnl_engine_create"));
    }

    [TestMethod]
    public void MemoryKeepsItsHandleAndAConvolutionRuns()
    {
        OneDnnTests.Need();
        // 1x1 over two channels and three columns: y = 2*x0 + 3*x1, small enough to check by eye.
        using var engine = CreateEngine();
        using var stream = CreateStream(engine);
        using var source = CreateDesc(1, 2, 1, 3);
        using var weights = CreateDesc(1, 2, 1, 1);
        using var target = CreateDesc(1, 1, 1, 3);
        long* ones = stackalloc long[] { 1, 1 };
        long* zeros = stackalloc long[] { 0, 0 };
        dnnl_primitive_desc_t rawDesc;
        Dnnl.dnnl_convolution_forward_primitive_desc_create(&rawDesc, engine.Raw, dnnl_prop_kind_t.dnnl_forward_inference,
            dnnl_alg_kind_t.dnnl_convolution_direct, source.Raw, weights.Raw, default, target.Raw, ones, zeros, zeros, zeros, default)
            .ThrowIfFailed("dnnl_convolution_forward_primitive_desc_create");
        using var desc = DnnlPrimitiveDescHandle.Adopt(rawDesc, "dnnl_convolution_forward_primitive_desc_create", engine);
        dnnl_primitive_t rawPrimitive;
        Dnnl.dnnl_primitive_create(&rawPrimitive, desc.Raw).ThrowIfFailed("dnnl_primitive_create");
        using var primitive = DnnlPrimitiveHandle.Adopt(rawPrimitive, "dnnl_primitive_create", engine);

        float* x = stackalloc float[] { 1, 2, 4, 10, 20, 40 };
        float* w = stackalloc float[] { 2, 3 };
        float* y = stackalloc float[] { -1, -1, -1 };
        using var xMemory = Memory(engine, source, x);
        using var wMemory = Memory(engine, weights, w);
        using var yMemory = Memory(engine, target, y);
        dnnl_exec_arg_t* arguments = stackalloc dnnl_exec_arg_t[]
        {
            new() { arg = Dnnl.DNNL_ARG_SRC, memory = xMemory.Raw },
            new() { arg = Dnnl.DNNL_ARG_WEIGHTS, memory = wMemory.Raw },
            new() { arg = Dnnl.DNNL_ARG_DST, memory = yMemory.Raw },
        };
        Dnnl.dnnl_primitive_execute(primitive.Raw, stream.Raw, 3, arguments).ThrowIfFailed("dnnl_primitive_execute");
        Dnnl.dnnl_stream_wait(stream.Raw).ThrowIfFailed("dnnl_stream_wait");
        CollectionAssert.AreEqual(new[] { 32f, 64f, 128f }, new Span<float>(y, 3).ToArray());

        void* seen;
        Dnnl.dnnl_memory_get_data_handle(yMemory.Raw, &seen).ThrowIfFailed("dnnl_memory_get_data_handle");
        Assert.IsTrue(seen == y);
    }

    private static DnnlMemoryHandle Memory(DnnlEngineHandle engine, DnnlMemoryDescHandle desc, void* data)
    {
        dnnl_memory_t raw;
        Dnnl.dnnl_memory_create(&raw, desc.Raw, engine.Raw, data).ThrowIfFailed("dnnl_memory_create");
        return DnnlMemoryHandle.Adopt(raw, "dnnl_memory_create", engine);
    }
}
