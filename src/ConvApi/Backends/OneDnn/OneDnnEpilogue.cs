using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn;

/// <summary>Post-ops on dense f32 values by oneDNN's binary primitive (a product with 1), for steps that no primitive of oneDNN computes.</summary>
internal sealed unsafe class OneDnnEpilogue : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly DnnlMemory _values;
    private readonly DnnlMemory _result;
    private readonly DnnlPrimitive _primitive;
    private readonly dnnl_stream_t _stream;
    private readonly int _threads;

    public OneDnnEpilogue(long count, PostOps ops, int threads)
    {
        _threads = threads;
        try
        {
            OpenMp.SetNumThreads(threads);
            using DnnlPrimitiveAttrHandle attr = OneDnnAttributes.Create(ops);
            _values = Keep(new DnnlMemory(Describe(count), allocate: false));
            _result = Keep(new DnnlMemory(Describe(count), allocate: false));
            DnnlMemory one = Keep(new DnnlMemory(Describe(1), allocate: true));
            *(float*)one.Data = 1;
            dnnl_primitive_desc_t raw;
            dnnl_binary_primitive_desc_create(&raw, OneDnnRuntime.Engine.Raw, dnnl_alg_kind_t.dnnl_binary_mul, _values.Desc.Raw, one.Desc.Raw, _result.Desc.Raw, attr.Raw).ThrowIfFailed(nameof(dnnl_binary_primitive_desc_create));
            using DnnlPrimitiveDescHandle pd = DnnlPrimitiveDescHandle.Adopt(raw, nameof(dnnl_binary_primitive_desc_create), OneDnnRuntime.Engine);
            Implementation = OneDnnRuntime.ImplementationOf(pd.Raw);
            _primitive = Keep(new DnnlPrimitive(pd, (DNNL_ARG_SRC_0, _values), (DNNL_ARG_SRC_1, one), (DNNL_ARG_DST, _result)));
            dnnl_stream_t stream;
            dnnl_stream_create(&stream, OneDnnRuntime.Engine.Raw, (uint)dnnl_stream_flags_t.dnnl_stream_in_order).ThrowIfFailed(nameof(dnnl_stream_create));
            Keep(DnnlStreamHandle.Adopt(stream, nameof(dnnl_stream_create), OneDnnRuntime.Engine));
            _stream = stream;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Implementation { get; }

    public long ScratchpadBytes => _primitive.ScratchpadBytes;

    /// <summary>Writes to <paramref name="result"/>, which holds the residual where there is one; else both may be the same.</summary>
    public void Run(float* values, float* result)
    {
        OpenMp.SetNumThreads(_threads);
        _values.Set(values);
        _result.Set(result);
        _primitive.Execute(_stream);
        if (_threads > 1) OpenMpTeam.Touch();
    }

    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
    }

    private static DnnlMemoryDescHandle Describe(long count) => OneDnnRuntime.Describe([1, count], DataType.F32, [count, 1]);

    private T Keep<T>(T resource)
        where T : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }
}
