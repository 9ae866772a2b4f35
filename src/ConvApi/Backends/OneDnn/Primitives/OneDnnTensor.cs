using ConvNative.Backends.OneDnn.Library;
using ConvNative.Bindings.OneDnn;
using ConvNative.Problems;

namespace ConvNative.Backends.OneDnn.Primitives;

/// <summary>One operand: the caller's view, oneDNN's view, and the reorders between them where the two differ.</summary>
internal sealed unsafe class OneDnnTensor : IDisposable
{
    private readonly DnnlMemory _user;
    private readonly DnnlMemory _native;
    private DnnlPrimitive? _toNative;
    private DnnlPrimitive? _toUser;

    /// <summary>Takes over both descriptors; equal ones share one memory object.</summary>
    public OneDnnTensor(DnnlMemoryDescHandle user, DnnlMemoryDescHandle native, bool keepNative = false)
    {
        if (!keepNative && OneDnnRuntime.Same(user, native))
        {
            user.Dispose();
            _native = _user = new DnnlMemory(native, allocate: false);
            return;
        }

        _native = new DnnlMemory(native, allocate: true);
        _user = new DnnlMemory(user, allocate: false);
    }

    private OneDnnTensor(OneDnnTensor like)
    {
        _user = new DnnlMemory(OneDnnRuntime.Clone(like._user.Desc), allocate: false);
        _native = like.HasReorder ? new DnnlMemory(OneDnnRuntime.Clone(like._native.Desc), allocate: true) : _user;
        _toNative = like._toNative?.Fork((like._user, _user), (like._native, _native));
        _toUser = like._toUser?.Fork((like._user, _user), (like._native, _native));
    }

    /// <summary>An activation in the caller's layout; <see cref="Layout.Any"/> means oneDNN's own.</summary>
    public static OneDnnTensor Activation(Dims shape, DataType type, Layout layout, DnnlMemoryDescHandle native)
    {
        if (layout == Layout.Any) return new OneDnnTensor(OneDnnRuntime.Clone(native), native);

        // With one channel or one pixel both layouts are the same bytes: take the name that spares a reorder.
        bool interchangeable = shape[1] == 1 || shape.Slice(2).Product == 1;
        if (interchangeable)
        {
            DnnlMemoryDescHandle other = OneDnnRuntime.Describe(shape, type, layout == Layout.ChannelsFirst ? Layout.ChannelsLast : Layout.ChannelsFirst);
            if (OneDnnRuntime.Same(other, native)) return new OneDnnTensor(other, native);
            other.Dispose();
        }

        return new OneDnnTensor(OneDnnRuntime.Describe(shape, type, layout), native);
    }

    public DnnlMemory Native => _native;

    public bool HasReorder => !ReferenceEquals(_user, _native);

    public long UserBytes => _user.Size;

    public void Set(void* user) => _user.Set(user);

    public void ToNative(dnnl_stream_t stream)
    {
        if (HasReorder) (_toNative ??= DnnlPrimitive.Reorder(_user, _native)).Execute(stream);
    }

    public void ToUser(dnnl_stream_t stream)
    {
        if (HasReorder) (_toUser ??= DnnlPrimitive.Reorder(_native, _user)).Execute(stream);
    }

    /// <summary>Makes the reorders now, so that a run does not.</summary>
    public void Prepare(bool toNative, bool toUser)
    {
        if (!HasReorder) return;
        if (toNative) _toNative ??= DnnlPrimitive.Reorder(_user, _native);
        if (toUser) _toUser ??= DnnlPrimitive.Reorder(_native, _user);
    }

    public long OwnedBytes => (HasReorder ? _native.Size : 0) + (_toNative?.ScratchpadBytes ?? 0) + (_toUser?.ScratchpadBytes ?? 0);

    /// <summary>For a run beside others: memory objects and bytes of its own, the same reorders, which must outlive it.</summary>
    public OneDnnTensor Fork() => new(this);

    public void Dispose()
    {
        _toNative?.Dispose();
        _toUser?.Dispose();
        _user.Dispose();
        if (HasReorder) _native.Dispose();
    }
}
