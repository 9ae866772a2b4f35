using ConvNative.Backends.OneDnn.Library;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn.Primitives;

/// <summary>
/// oneDNN's f32 matrix product <c>[M,K] x [K,N]</c> on one thread, made ready for several of our threads: each has memory objects,
/// a scratchpad and a stream of its own.
/// </summary>
internal sealed unsafe class OneDnnMatmul : IDisposable
{
    private List<IDisposable> _owned = [];
    private Lane[] _lanes;

    /// <summary>Prepares the product; without <paramref name="weights"/> (K by N) oneDNN chooses how they lie.</summary>
    public OneDnnMatmul(Matrix source, DnnlMemoryDescHandle? weights, long n, Matrix destination, bool bias, PostOps ops, int lanes)
    {
        try
        {
            // oneDNN decides its blocking by the number of threads at creation.
            OpenMp.SetNumThreads(1);
            using DnnlMemoryDescHandle src = source.Describe(), dst = destination.Describe();
            using DnnlMemoryDescHandle wei = weights is null ? OneDnnRuntime.DescribeAny([source.Columns, n], DataType.F32) : OneDnnRuntime.Clone(weights);
            using DnnlMemoryDescHandle? b = bias ? OneDnnRuntime.Describe([1, n], DataType.F32, [n, 1]) : null;
            using DnnlPrimitiveAttrHandle attr = OneDnnAttributes.Create(ops);
            using DnnlPrimitiveDescHandle pd = PastGemm(Create()) ?? Create();
            Implementation = OneDnnRuntime.ImplementationOf(pd.Raw);
            Weights = OneDnnRuntime.Query(pd.Raw, dnnl_query_t.dnnl_query_weights_md);
            _owned.Add(Weights);
            _lanes = new Lane[lanes];
            for (int i = 0; i < lanes; i++)
            {
                _lanes[i] = new Lane(pd, b);
                _owned.Add(_lanes[i]);
            }

            DnnlPrimitiveDescHandle Create()
            {
                dnnl_primitive_desc_t raw;
                dnnl_matmul_primitive_desc_create(&raw, OneDnnRuntime.Engine.Raw, src.Raw, wei.Raw, b?.Raw ?? default, dst.Raw, attr.Raw).ThrowIfFailed(nameof(dnnl_matmul_primitive_desc_create));
                return DnnlPrimitiveDescHandle.Adopt(raw, nameof(dnnl_matmul_primitive_desc_create), OneDnnRuntime.Engine);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Implementation { get; }

    /// <summary>How the weights lie.</summary>
    public DnnlMemoryDescHandle Weights { get; }

    public long ScratchpadBytes => _lanes.Sum(l => l.ScratchpadBytes);

    /// <summary>Computes on the calling thread, which is the only one that uses lane <paramref name="lane"/> now.</summary>
    public void Run(int lane, void* source, void* weights, void* bias, void* destination)
    {
        OpenMp.SetNumThreads(1);
        _lanes[lane].Run(source, weights, bias, destination);
    }

    // AVX2's list begins with a product by gemm, in our build of oneDNN a plain loop; brgemm stands behind it.
    private static DnnlPrimitiveDescHandle? PastGemm(DnnlPrimitiveDescHandle pd)
    {
        DnnlPrimitiveDescHandle? other = OneDnnRuntime.SkipWhile(pd, d => OneDnnRuntime.ImplementationOf(d.Raw).StartsWith("gemm:", StringComparison.Ordinal));
        if (other is null || !OneDnnRuntime.ImplementationOf(other.Raw).StartsWith("ref", StringComparison.Ordinal)) return other;
        other.Dispose();
        return null;
    }

    /// <summary>For a run beside others: the same product, which must outlive it, with lanes of its own.</summary>
    public OneDnnMatmul Fork()
    {
        var fork = (OneDnnMatmul)MemberwiseClone();
        fork._owned = [];
        fork._lanes = new Lane[_lanes.Length];
        try
        {
            for (int i = 0; i < _lanes.Length; i++)
            {
                fork._lanes[i] = new Lane(_lanes[i]);
                fork._owned.Add(fork._lanes[i]);
            }

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

    private sealed class Lane : IDisposable
    {
        private readonly DnnlStreamHandle _handle;
        private readonly dnnl_stream_t _stream;
        private readonly DnnlMemory _source;
        private readonly DnnlMemory _weights;
        private readonly DnnlMemory _destination;
        private readonly DnnlMemory? _bias;
        private readonly DnnlPrimitive _primitive;

        public Lane(DnnlPrimitiveDescHandle pd, DnnlMemoryDescHandle? bias)
        {
            _handle = OneDnnRuntime.NewStream(out _stream);
            _source = Memory(pd, dnnl_query_t.dnnl_query_src_md);
            _weights = Memory(pd, dnnl_query_t.dnnl_query_weights_md);
            _destination = Memory(pd, dnnl_query_t.dnnl_query_dst_md);
            if (bias is not null) _bias = new DnnlMemory(OneDnnRuntime.Clone(bias), allocate: false);
            _primitive = _bias is null
                ? new DnnlPrimitive(pd, (DNNL_ARG_SRC, _source), (DNNL_ARG_WEIGHTS, _weights), (DNNL_ARG_DST, _destination))
                : new DnnlPrimitive(pd, (DNNL_ARG_SRC, _source), (DNNL_ARG_WEIGHTS, _weights), (DNNL_ARG_BIAS, _bias), (DNNL_ARG_DST, _destination));
        }

        public Lane(Lane like)
        {
            _handle = OneDnnRuntime.NewStream(out _stream);
            (_source, _weights, _destination, _bias) = (Like(like._source), Like(like._weights), Like(like._destination), like._bias is null ? null : Like(like._bias));
            _primitive = _bias is null
                ? like._primitive.Fork((like._source, _source), (like._weights, _weights), (like._destination, _destination))
                : like._primitive.Fork((like._source, _source), (like._weights, _weights), (like._destination, _destination), (like._bias!, _bias));
        }

        public long ScratchpadBytes => _primitive.ScratchpadBytes;

        public void Run(void* source, void* weights, void* bias, void* destination)
        {
            _source.Set(source);
            _weights.Set(weights);
            _bias?.Set(bias);
            _destination.Set(destination);
            _primitive.Execute(_stream);
        }

        public void Dispose()
        {
            _primitive.Dispose();
            _bias?.Dispose();
            _destination.Dispose();
            _weights.Dispose();
            _source.Dispose();
            _handle.Dispose();
        }

        private static DnnlMemory Like(DnnlMemory memory) => new(OneDnnRuntime.Clone(memory.Desc), allocate: false);

        private static DnnlMemory Memory(DnnlPrimitiveDescHandle pd, dnnl_query_t what) => new(OneDnnRuntime.Query(pd.Raw, what), allocate: false);
    }
}

/// <summary>A strided matrix: an operand of <see cref="OneDnnMatmul"/>.</summary>
internal readonly record struct Matrix(long Rows, long Columns, long RowStep, long ColumnStep = 1)
{
    public DnnlMemoryDescHandle Describe() => OneDnnRuntime.Describe([Rows, Columns], DataType.F32, [RowStep, ColumnStep]);
}
