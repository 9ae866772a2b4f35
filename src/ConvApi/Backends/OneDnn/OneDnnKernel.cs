using System.Runtime.InteropServices;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;
using ConvNative.Plans;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn;

/// <summary>
/// One candidate made ready: the primitive, its memory objects (kept; a run only sets handles), packed weights, scratchpad,
/// and reorders where oneDNN's layout is not the caller's.
/// </summary>
internal sealed unsafe class OneDnnKernel : IDisposable
{
    private readonly ConvProblem _problem;
    private readonly List<IDisposable> _owned = [];
    private readonly dnnl_stream_t _stream;
    private readonly OneDnnTensor? _source;
    private readonly OneDnnTensor? _destination;
    private readonly OneDnnTensor? _weights;
    private readonly DnnlMemory? _bias;
    private readonly DnnlPrimitive _primitive = null!;
    private readonly bool _direct;

    private OneDnnKernel(ConvProblem p, OneDnnCandidate candidate, DnnlPrimitiveDescHandle pd)
    {
        _problem = p;
        Candidate = candidate;
        Implementation = OneDnnRuntime.ImplementationOf(pd.Raw);
        try
        {
            dnnl_stream_t raw;
            dnnl_stream_create(&raw, OneDnnRuntime.Engine.Raw, (uint)dnnl_stream_flags_t.dnnl_stream_in_order).ThrowIfFailed(nameof(dnnl_stream_create));
            _owned.Add(DnnlStreamHandle.Adopt(raw, nameof(dnnl_stream_create), OneDnnRuntime.Engine));
            _stream = raw;
            bool data = p.Direction == Direction.BackwardData, weights = p.Direction == Direction.BackwardWeights;
            _source = Keep(OneDnnTensor.Activation(p.InputShape, p.InputType, p.InputLayout, OneDnnRuntime.Query(pd.Raw, data ? dnnl_query_t.dnnl_query_diff_src_md : dnnl_query_t.dnnl_query_src_md)));
            _destination = Keep(OneDnnTensor.Activation(p.OutputShape, p.OutputType, p.OutputLayout, OneDnnRuntime.Query(pd.Raw, data || weights ? dnnl_query_t.dnnl_query_diff_dst_md : dnnl_query_t.dnnl_query_dst_md)));
            _weights = Keep(new OneDnnTensor(OneDnnDescriptor.UserWeights(p), OneDnnRuntime.Query(pd.Raw, weights ? dnnl_query_t.dnnl_query_diff_weights_md : dnnl_query_t.dnnl_query_weights_md), keepNative: !weights));
            if (p.HasBias && !data) _bias = Keep(new DnnlMemory(OneDnnRuntime.Describe(p.BiasShape, OneDnnQuantization.BiasType(p), Layout.ChannelsFirst), allocate: true));
            List<(int, DnnlMemory)> scales = OneDnnQuantization.Arguments(p);
            foreach ((_, DnnlMemory memory) in scales) Keep(memory);
            _primitive = Keep(p.Direction switch
            {
                Direction.BackwardData => new DnnlPrimitive(pd, (DNNL_ARG_DIFF_DST, _destination.Native), (DNNL_ARG_WEIGHTS, _weights.Native), (DNNL_ARG_DIFF_SRC, _source.Native)),
                Direction.BackwardWeights when _bias is not null => new DnnlPrimitive(pd, (DNNL_ARG_SRC, _source.Native), (DNNL_ARG_DIFF_DST, _destination.Native), (DNNL_ARG_DIFF_WEIGHTS, _weights.Native), (DNNL_ARG_DIFF_BIAS, _bias)),
                Direction.BackwardWeights => new DnnlPrimitive(pd, (DNNL_ARG_SRC, _source.Native), (DNNL_ARG_DIFF_DST, _destination.Native), (DNNL_ARG_DIFF_WEIGHTS, _weights.Native)),
                _ when _bias is not null => new DnnlPrimitive(pd, [(DNNL_ARG_SRC, _source.Native), (DNNL_ARG_WEIGHTS, _weights.Native), (DNNL_ARG_BIAS, _bias), (DNNL_ARG_DST, _destination.Native), .. scales]),
                _ => new DnnlPrimitive(pd, [(DNNL_ARG_SRC, _source.Native), (DNNL_ARG_WEIGHTS, _weights.Native), (DNNL_ARG_DST, _destination.Native), .. scales]),
            });
            bool residual = p.PostOps.Residual;
            _source.Prepare(toNative: !data, toUser: data);
            _destination.Prepare(toNative: data || weights || residual, toUser: !data && !weights);
            _weights.Prepare(toNative: !weights, toUser: weights);
            _direct = p.Direction == Direction.Forward && !residual && !_source.HasReorder && !_destination.HasReorder;
            Signature = $"{Implementation}|{OneDnnRuntime.Fingerprint(_source.Native.Desc)}|{OneDnnRuntime.Fingerprint(_weights.Native.Desc)}|{OneDnnRuntime.Fingerprint(_destination.Native.Desc)}|{candidate.Threads}";
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public OneDnnCandidate Candidate { get; }

    public string Implementation { get; }

    /// <summary>Equal for candidates that end in the same work.</summary>
    public string Signature { get; } = "";

    public long InputBytes => _source!.UserBytes;

    public long OutputBytes => _destination!.UserBytes;

    /// <summary>The sum is with what the destination holds, and that is the caller's result itself.</summary>
    public bool AddsInPlace => !_destination!.HasReorder;

    public long WorkspaceBytes => _primitive.ScratchpadBytes + _source!.OwnedBytes + _destination!.OwnedBytes;

    public DnnlMemoryDescHandle InputDesc => _source!.Native.Desc;

    public DnnlMemoryDescHandle OutputDesc => _destination!.Native.Desc;

    /// <summary>What happens around the primitive.</summary>
    public IEnumerable<string> Notes
    {
        get
        {
            if (_source!.HasReorder) yield return _problem.Direction == Direction.BackwardData ? "input gradient reordered from oneDNN's layout" : "input reordered to oneDNN's layout";
            if (_destination!.HasReorder) yield return _problem.Direction == Direction.Forward ? "output reordered from oneDNN's layout" : "output gradient reordered to oneDNN's layout";
            if (!_problem.PostOps.IsNone) yield return "post-ops fused";
            if (Implementation.Contains("ref", StringComparison.Ordinal)) yield return "warning: oneDNN's reference implementation, slow";
        }
    }

    /// <summary>Null where this oneDNN has no implementation for the candidate.</summary>
    public static OneDnnKernel? TryCreate(ConvProblem p, OneDnnCandidate candidate)
    {
        // oneDNN decides its blocking by the number of threads at creation.
        OpenMp.SetNumThreads(candidate.Threads);
        DnnlPrimitiveDescHandle? made = OneDnnDescriptor.TryCreate(p, candidate);
        using DnnlPrimitiveDescHandle? pd = made is null ? null : OneDnnFaults.Skip(made, p);
        return pd is null || OneDnnIntegers.IsWrong(p, OneDnnRuntime.ImplementationOf(pd.Raw)) ? null : new OneDnnKernel(p, candidate, pd);
    }

    public void SetWeights(void* weights, void* bias)
    {
        OpenMp.SetNumThreads(Candidate.Threads);
        _weights!.Set(weights);
        _weights.ToNative(_stream);
        if (bias != null && _bias is not null) OneDnnQuantization.CopyBias(_problem, bias, _bias);
    }

    public void Forward(void* input, void* residual, void* output)
    {
        OpenMp.SetNumThreads(Candidate.Threads);
        _source!.Set(input);
        if (_direct)
        {
            _destination!.Set(output);
            Execute();
            return;
        }

        _source.ToNative(_stream);
        if (residual != null)
        {
            if (_destination!.HasReorder)
            {
                _destination.Set(residual);
                _destination.ToNative(_stream);
            }
            else if (residual != output)
            {
                NativeMemory.Copy(residual, output, (nuint)_destination.UserBytes);
            }
        }

        _destination!.Set(output);
        Execute();
        _destination.ToUser(_stream);
    }

    public void BackwardData(void* outputGradient, void* inputGradient)
    {
        OpenMp.SetNumThreads(Candidate.Threads);
        _destination!.Set(outputGradient);
        _destination.ToNative(_stream);
        _source!.Set(inputGradient);
        Execute();
        _source.ToUser(_stream);
    }

    public void BackwardWeights(void* input, void* outputGradient, void* weightGradient, void* biasGradient)
    {
        OpenMp.SetNumThreads(Candidate.Threads);
        _source!.Set(input);
        _source.ToNative(_stream);
        _destination!.Set(outputGradient);
        _destination.ToNative(_stream);
        _weights!.Set(weightGradient);
        Execute();
        _weights.ToUser(_stream);
        if (biasGradient != null && _bias is not null) NativeMemory.Copy(_bias.Data, biasGradient, (nuint)_bias.Size);
    }

    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
    }

    private void Execute()
    {
        _primitive.Execute(_stream);
        if (Candidate.Threads > 1) OpenMpTeam.Touch();
    }

    private T Keep<T>(T resource)
        where T : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }
}
