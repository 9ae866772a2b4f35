using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Bindings.OneDnn;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn.Primitives;

/// <summary>
/// A primitive with its arguments in native memory and a scratchpad of its own. (oneDNN's default scratchpad belongs to the thread
/// that created the primitive; a .NET caller may run on any.)
/// </summary>
internal sealed unsafe class DnnlPrimitive : IDisposable
{
    private readonly DnnlPrimitiveHandle? _handle;
    private readonly DnnlMemory? _scratchpad;
    private readonly int _count;
    private readonly AlignedBuffer _memory;
    private readonly dnnl_exec_arg_t* _args;

    public DnnlPrimitive(DnnlPrimitiveDescHandle pd, params ReadOnlySpan<(int Arg, DnnlMemory Memory)> args)
    {
        dnnl_primitive_t raw;
        dnnl_primitive_create(&raw, pd.Raw).ThrowIfFailed(nameof(dnnl_primitive_create));
        _handle = DnnlPrimitiveHandle.Adopt(raw, nameof(dnnl_primitive_create), OneDnnRuntime.Engine);
        Raw = raw;
        try
        {
            DnnlMemoryDescHandle scratch = OneDnnRuntime.Query(pd.Raw, dnnl_query_t.dnnl_query_scratchpad_md);
            if (OneDnnRuntime.SizeOf(scratch) > 0) _scratchpad = new DnnlMemory(scratch, allocate: true);
            else scratch.Dispose();
            _count = args.Length + (_scratchpad is null ? 0 : 1);
            _memory = new AlignedBuffer(_count * sizeof(dnnl_exec_arg_t));
            _args = (dnnl_exec_arg_t*)_memory.Pointer;
            for (int i = 0; i < args.Length; i++) _args[i] = new dnnl_exec_arg_t { arg = args[i].Arg, memory = args[i].Memory.Raw };
            if (_scratchpad is not null) _args[args.Length] = new dnnl_exec_arg_t { arg = DNNL_ARG_SCRATCHPAD, memory = _scratchpad.Raw };
        }
        catch
        {
            _scratchpad?.Dispose();
            _handle.Dispose();
            throw;
        }
    }

    private DnnlPrimitive(DnnlPrimitive like, ReadOnlySpan<(DnnlMemory From, DnnlMemory To)> moved)
    {
        Raw = like.Raw;
        if (like._scratchpad is { } scratch) _scratchpad = new DnnlMemory(OneDnnRuntime.Clone(scratch.Desc), allocate: true);
        _count = like._count;
        _memory = new AlignedBuffer(_count * sizeof(dnnl_exec_arg_t));
        _args = (dnnl_exec_arg_t*)_memory.Pointer;
        for (int i = 0; i < _count; i++)
        {
            _args[i] = like._args[i];
            if (_args[i].arg == DNNL_ARG_SCRATCHPAD) _args[i].memory = _scratchpad!.Raw;
            foreach ((DnnlMemory from, DnnlMemory to) in moved)
                if (like._args[i].memory == from.Raw) _args[i].memory = to.Raw;
        }
    }

    public dnnl_primitive_t Raw { get; }

    public long ScratchpadBytes => _scratchpad?.Size ?? 0;

    public void Execute(dnnl_stream_t stream)
    {
        dnnl_status_t status = dnnl_primitive_execute(Raw, stream, _count, _args);
        if (status != dnnl_status_t.dnnl_success) status.ThrowIfFailed(nameof(dnnl_primitive_execute));
    }

    /// <summary>
    /// For a run beside others: the same primitive, which must outlive this one, with a scratchpad of its own and other memory objects in place of
    /// those that are <paramref name="moved"/>.
    /// </summary>
    public DnnlPrimitive Fork(params ReadOnlySpan<(DnnlMemory From, DnnlMemory To)> moved) => new(this, moved);

    /// <summary>A reorder of <paramref name="from"/> into <paramref name="to"/>.</summary>
    public static DnnlPrimitive Reorder(DnnlMemory from, DnnlMemory to)
    {
        dnnl_engine_t engine = OneDnnRuntime.Engine.Raw;
        using DnnlPrimitiveAttrHandle attr = NewAttributes();
        dnnl_primitive_desc_t raw;
        dnnl_reorder_primitive_desc_create(&raw, from.Desc.Raw, engine, to.Desc.Raw, engine, attr.Raw).ThrowIfFailed(nameof(dnnl_reorder_primitive_desc_create));
        using DnnlPrimitiveDescHandle pd = DnnlPrimitiveDescHandle.Adopt(raw, nameof(dnnl_reorder_primitive_desc_create), OneDnnRuntime.Engine);
        return new DnnlPrimitive(pd, (DNNL_ARG_FROM, from), (DNNL_ARG_TO, to));
    }

    public static DnnlPrimitiveAttrHandle NewAttributes()
    {
        dnnl_primitive_attr_t raw;
        dnnl_primitive_attr_create(&raw).ThrowIfFailed(nameof(dnnl_primitive_attr_create));
        DnnlPrimitiveAttrHandle attr = DnnlPrimitiveAttrHandle.Adopt(raw, nameof(dnnl_primitive_attr_create));
        try
        {
            dnnl_primitive_attr_set_scratchpad_mode(raw, dnnl_scratchpad_mode_t.dnnl_scratchpad_mode_user).ThrowIfFailed(nameof(dnnl_primitive_attr_set_scratchpad_mode));
            return attr;
        }
        catch
        {
            attr.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _handle?.Dispose();
        _scratchpad?.Dispose();
        _memory.Dispose();
    }
}
