using ConvNative.Backends.OneDnn.Library;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn.Rewrites;

/// <summary>Post-ops on dense f32 values by oneDNN's binary primitive (a product with 1), for steps that no primitive of oneDNN computes.</summary>
internal sealed unsafe class OneDnnEpilogue : IDisposable
{
    private readonly int _threads;
    private List<IDisposable> _owned = [];
    private DnnlMemory _values;
    private DnnlMemory _result;
    private DnnlPrimitive _primitive;
    private dnnl_stream_t _stream;

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
            Keep(OneDnnRuntime.NewStream(out _stream));
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
        if (_threads > 1) OpenMpTeam.Execute(_primitive, _stream);
        else _primitive.Execute(_stream);
    }

    /// <summary>For a run beside others: the same primitive, which must outlive it, with memory objects, scratchpad and stream of its own.</summary>
    public OneDnnEpilogue Fork()
    {
        var fork = (OneDnnEpilogue)MemberwiseClone();
        fork._owned = [];
        try
        {
            fork._values = fork.Keep(new DnnlMemory(OneDnnRuntime.Clone(_values.Desc), allocate: false));
            fork._result = fork.Keep(new DnnlMemory(OneDnnRuntime.Clone(_result.Desc), allocate: false));
            fork._primitive = fork.Keep(_primitive.Fork((_values, fork._values), (_result, fork._result)));
            fork.Keep(OneDnnRuntime.NewStream(out fork._stream));
            return fork;
        }
        catch
        {
            fork.Dispose();
            throw;
        }
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
