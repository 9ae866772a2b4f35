using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.OneDnn.Choice;
using ConvNative.Backends.OneDnn.Integers;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn.Primitives;

/// <summary>
/// One candidate made ready: the primitive, its memory objects (kept; a run only sets handles), packed weights, scratchpad,
/// and reorders where oneDNN's layout is not the caller's.
/// </summary>
internal sealed unsafe class OneDnnKernel : IDisposable
{
    private readonly ConvProblem _problem;
    private List<IDisposable> _owned = [];
    private dnnl_stream_t _stream;
    private OneDnnTensor? _source;
    private OneDnnTensor? _destination;
    private OneDnnTensor? _weights;
    private DnnlMemory? _bias;
    private DnnlPrimitive _primitive = null!;
    private readonly bool _direct;

    private OneDnnKernel(ConvProblem p, OneDnnCandidate candidate, DnnlPrimitiveDescHandle pd)
    {
        _problem = p;
        Candidate = candidate;
        Implementation = OneDnnRuntime.ImplementationOf(pd.Raw);
        try
        {
            Keep(OneDnnRuntime.NewStream(out _stream));
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

    /// <summary>What the primitive computes.</summary>
    public ConvProblem Problem => _problem;

    public string Implementation { get; }

    /// <summary>Equal for candidates that end in the same work.</summary>
    public string Signature { get; } = "";

    public long InputBytes => _source!.UserBytes;

    public long OutputBytes => _destination!.UserBytes;

    /// <summary>Bytes of the input as the primitive reads or writes it.</summary>
    public long NativeInputBytes => _source!.Native.Size;

    /// <summary>Bytes of the output as the primitive reads or writes it.</summary>
    public long NativeOutputBytes => _destination!.Native.Size;

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
        using DnnlPrimitiveDescHandle? pd = OneDnnDescriptor.TryCreate(p, candidate);
        return pd is null || OneDnnIntegers.IsWrong(p, OneDnnRuntime.ImplementationOf(pd.Raw)) ? null : WithinBudget(p, candidate, pd);
    }

    private static OneDnnKernel? WithinBudget(ConvProblem p, OneDnnCandidate candidate, DnnlPrimitiveDescHandle pd)
    {
        try
        {
            // Of several kernels that are there at a time one is kept.
            using MemoryBudget? budget = MemoryBudget.Another();
            return new OneDnnKernel(p, candidate, pd);
        }
        catch (MemoryBudgetException e)
        {
            MemoryBudget.Refuse($"{OneDnnRuntime.ImplementationOf(pd.Raw)} {e.Message}");
            return null;
        }
    }

    /// <summary>For a run beside others: the same primitives and packed weights, which must outlive it; memory objects, scratchpads and stream of its own.</summary>
    public OneDnnKernel Fork()
    {
        var lane = (OneDnnKernel)MemberwiseClone();
        lane._owned = [];
        try
        {
            lane.Renew();
            return lane;
        }
        catch
        {
            lane.Dispose();
            throw;
        }
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

    private void Renew()
    {
        (OneDnnTensor source, OneDnnTensor destination, OneDnnTensor weights, DnnlMemory? bias) = (_source!, _destination!, _weights!, _bias);
        Keep(OneDnnRuntime.NewStream(out _stream));
        _source = Keep(source.Fork());
        _destination = Keep(destination.Fork());
        var moved = new List<(DnnlMemory, DnnlMemory)> { (source.Native, _source.Native), (destination.Native, _destination.Native) };
        if (_problem.Direction == Direction.BackwardWeights)
        {
            // They are results.
            _weights = Keep(weights.Fork());
            moved.Add((weights.Native, _weights.Native));
            if (bias is not null)
            {
                _bias = Keep(new DnnlMemory(OneDnnRuntime.Clone(bias.Desc), allocate: true));
                moved.Add((bias, _bias));
            }
        }

        _primitive = Keep(_primitive.Fork([.. moved]));
    }

    private void Execute()
    {
        if (Candidate.Threads > 1) OpenMpTeam.Execute(_primitive, _stream);
        else _primitive.Execute(_stream);
    }

    private T Keep<T>(T resource)
        where T : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }
}
