using ConvNative.Backends.Common.Threads;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn.Library;

/// <summary>The one CPU engine of the process, made at first use, and small helpers around raw calls.</summary>
internal static unsafe class OneDnnRuntime
{
    /// <summary>
    /// Primitives that oneDNN keeps for descriptors that it meets again; its own default of 1,024 holds some 300 MB when shapes change. Plans hold theirs,
    /// so that few are wanted again.
    /// </summary>
    public const int CachedPrimitives = 128;

    private static readonly Lock s_lock = new();
    private static DnnlEngineHandle? s_engine;

    public static NativeLoadReport Report => OneDnnLibrary.Load();

    public static DnnlEngineHandle Engine
    {
        get
        {
            if (s_engine is { } ready) return ready;
            lock (s_lock)
            {
                if (s_engine is not null) return s_engine;
                NativeLoadReport report = Report;
                if (!report.IsLoaded) throw new ConvNativeException("onednn", $"unavailable: {report.Summary}; {report.Remedy}{Environment.NewLine}{report}");
                dnnl_engine_t raw;
                dnnl_engine_create(&raw, dnnl_engine_kind_t.dnnl_cpu, 0).ThrowIfFailed(nameof(dnnl_engine_create));
                WorkerPool.Shared.Other = OpenMpTeam.Instance;
                LimitCache();
                return s_engine = DnnlEngineHandle.Adopt(raw, nameof(dnnl_engine_create));
            }
        }
    }

    /// <summary>Empties oneDNN's cache of primitives; those of live plans stay theirs.</summary>
    public static void ForgetPrimitives()
    {
        if (s_engine is null) return;
        int capacity;
        lock (s_lock)
        {
            dnnl_get_primitive_cache_capacity(&capacity).ThrowIfFailed(nameof(dnnl_get_primitive_cache_capacity));
            dnnl_set_primitive_cache_capacity(0).ThrowIfFailed(nameof(dnnl_set_primitive_cache_capacity));
            dnnl_set_primitive_cache_capacity(capacity).ThrowIfFailed(nameof(dnnl_set_primitive_cache_capacity));
        }
    }

    // Who sets oneDNN's own variable means it.
    private static void LimitCache()
    {
        if (Environment.GetEnvironmentVariable("ONEDNN_PRIMITIVE_CACHE_CAPACITY") is not null || Environment.GetEnvironmentVariable("DNNL_PRIMITIVE_CACHE_CAPACITY") is not null) return;
        dnnl_set_primitive_cache_capacity(CachedPrimitives).ThrowIfFailed(nameof(dnnl_set_primitive_cache_capacity));
    }

    public static dnnl_data_type_t TypeOf(DataType type) => type switch
    {
        DataType.F32 => dnnl_data_type_t.dnnl_f32,
        DataType.F64 => dnnl_data_type_t.dnnl_f64,
        DataType.BF16 => dnnl_data_type_t.dnnl_bf16,
        DataType.F16 => dnnl_data_type_t.dnnl_f16,
        DataType.S8 => dnnl_data_type_t.dnnl_s8,
        DataType.U8 => dnnl_data_type_t.dnnl_u8,
        _ => dnnl_data_type_t.dnnl_s32,
    };

    /// <summary>Descriptor of a strided tensor.</summary>
    public static DnnlMemoryDescHandle Describe(ReadOnlySpan<long> dims, DataType type, ReadOnlySpan<long> strides)
    {
        dnnl_memory_desc_t raw;
        fixed (long* d = dims, s = strides)
            dnnl_memory_desc_create_with_strides(&raw, dims.Length, d, TypeOf(type), s).ThrowIfFailed(nameof(dnnl_memory_desc_create_with_strides));
        return DnnlMemoryDescHandle.Adopt(raw, nameof(dnnl_memory_desc_create_with_strides));
    }

    /// <summary>Descriptor of a dense tensor in <paramref name="layout"/>; <see cref="Layout.Any"/> leaves the choice to oneDNN.</summary>
    public static DnnlMemoryDescHandle Describe(Dims dims, DataType type, Layout layout)
    {
        if (layout != Layout.Any) return Describe(dims.Span, type, Layouts.Strides(dims, layout).Span);
        return DescribeAny(dims.Span, type);
    }

    public static DnnlMemoryDescHandle DescribeAny(ReadOnlySpan<long> dims, DataType type)
    {
        dnnl_memory_desc_t raw;
        fixed (long* d = dims)
            dnnl_memory_desc_create_with_tag(&raw, dims.Length, d, TypeOf(type), dnnl_format_tag_t.dnnl_format_tag_any).ThrowIfFailed(nameof(dnnl_memory_desc_create_with_tag));
        return DnnlMemoryDescHandle.Adopt(raw, nameof(dnnl_memory_desc_create_with_tag));
    }

    /// <summary>An owned copy of a descriptor that belongs to a primitive descriptor.</summary>
    public static DnnlMemoryDescHandle Query(dnnl_primitive_desc_t pd, dnnl_query_t what) => Clone(dnnl_primitive_desc_query_md(pd, what, 0));

    public static DnnlMemoryDescHandle Clone(DnnlMemoryDescHandle md) => Clone(md.Raw);

    private static DnnlMemoryDescHandle Clone(dnnl_memory_desc_t md)
    {
        dnnl_memory_desc_t raw;
        dnnl_memory_desc_clone(&raw, md).ThrowIfFailed(nameof(dnnl_memory_desc_clone));
        return DnnlMemoryDescHandle.Adopt(raw, nameof(dnnl_memory_desc_clone));
    }

    public static long SizeOf(DnnlMemoryDescHandle md) => checked((long)dnnl_memory_desc_get_size(md.Raw));

    public static bool Same(DnnlMemoryDescHandle a, DnnlMemoryDescHandle b) => dnnl_memory_desc_equal(a.Raw, b.Raw) != 0;

    /// <summary>A stream that runs one thing after the other.</summary>
    public static DnnlStreamHandle NewStream(out dnnl_stream_t raw)
    {
        dnnl_stream_t made;
        dnnl_stream_create(&made, Engine.Raw, (uint)dnnl_stream_flags_t.dnnl_stream_in_order).ThrowIfFailed(nameof(dnnl_stream_create));
        raw = made;
        return DnnlStreamHandle.Adopt(made, nameof(dnnl_stream_create), Engine);
    }

    /// <summary>Executes on a stream made for the purpose.</summary>
    public static void RunOnce(DnnlPrimitive primitive)
    {
        using DnnlStreamHandle stream = NewStream(out dnnl_stream_t raw);
        primitive.Execute(raw);
    }

    /// <summary>Goes on to the first implementation that is not <paramref name="unwanted"/>.</summary>
    /// <returns>The descriptor, or null (and disposed) where none is left.</returns>
    public static DnnlPrimitiveDescHandle? SkipWhile(DnnlPrimitiveDescHandle pd, Func<DnnlPrimitiveDescHandle, bool> unwanted)
    {
        while (unwanted(pd))
        {
            if (dnnl_primitive_desc_next_impl(pd.Raw) == dnnl_status_t.dnnl_success) continue;
            pd.Dispose();
            return null;
        }

        return pd;
    }

    public static string ImplementationOf(dnnl_primitive_desc_t pd)
    {
        byte* text;
        dnnl_primitive_desc_query(pd, dnnl_query_t.dnnl_query_impl_info_str, 0, &text).ThrowIfFailed(nameof(dnnl_primitive_desc_query));
        return System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)text) ?? "unknown";
    }

    /// <summary>Serialised descriptor, to tell layouts apart.</summary>
    public static string Fingerprint(DnnlMemoryDescHandle md)
    {
        nuint size = 0;
        dnnl_memory_desc_get_blob(null, &size, md.Raw).ThrowIfFailed(nameof(dnnl_memory_desc_get_blob));
        var blob = new byte[(int)size];
        fixed (byte* b = blob) dnnl_memory_desc_get_blob(b, &size, md.Raw).ThrowIfFailed(nameof(dnnl_memory_desc_get_blob));
        return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(blob));
    }
}
