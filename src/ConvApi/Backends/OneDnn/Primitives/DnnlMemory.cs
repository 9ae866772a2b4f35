using ConvNative.Backends.Common.Memory;
using ConvNative.Backends.OneDnn.Library;
using ConvNative.Bindings.OneDnn;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Backends.OneDnn.Primitives;

/// <summary>A memory object that is kept; it owns its bytes, or has its handle set before each run.</summary>
internal sealed unsafe class DnnlMemory : IDisposable
{
    private readonly DnnlMemoryHandle _handle;
    private readonly AlignedBuffer? _owned;

    public DnnlMemory(DnnlMemoryDescHandle desc, bool allocate)
    {
        Desc = desc;
        Size = OneDnnRuntime.SizeOf(desc);
        dnnl_memory_t raw;
        dnnl_memory_create(&raw, desc.Raw, OneDnnRuntime.Engine.Raw, (void*)0).ThrowIfFailed(nameof(dnnl_memory_create));
        _handle = DnnlMemoryHandle.Adopt(raw, nameof(dnnl_memory_create), OneDnnRuntime.Engine);
        Raw = raw;
        if (!allocate) return;
        _owned = new AlignedBuffer(Size);
        Set(_owned.Pointer);
    }

    public DnnlMemoryDescHandle Desc { get; }

    public long Size { get; }

    public dnnl_memory_t Raw { get; }

    /// <summary>The owned bytes, or null.</summary>
    public void* Data => _owned is null ? null : _owned.Pointer;

    public void Set(void* data)
    {
        dnnl_status_t status = dnnl_memory_set_data_handle(Raw, data);
        if (status != dnnl_status_t.dnnl_success) status.ThrowIfFailed(nameof(dnnl_memory_set_data_handle));
    }

    public void Dispose()
    {
        _handle.Dispose();
        Desc.Dispose();
        _owned?.Dispose();
    }
}
