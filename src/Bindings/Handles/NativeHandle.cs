using System.Runtime.InteropServices;

namespace ConvNative.Bindings.Handles;

/// <summary>
/// An owned native object. It keeps its parent alive until it has been destroyed itself, whatever the order of disposal.
/// Not usable after <see cref="SafeHandle.Dispose()"/>; disposing twice is harmless.
/// </summary>
public abstract class NativeHandle : SafeHandle
{
    private readonly NativeHandle? _parent;

    /// <summary>Takes ownership of <paramref name="value"/>.</summary>
    /// <exception cref="ObjectDisposedException">The parent has been disposed.</exception>
    protected NativeHandle(nint value, NativeHandle? parent) : base(0, ownsHandle: true)
    {
        if (parent is not null)
        {
            var added = false;
            parent.DangerousAddRef(ref added);
            _parent = parent;
        }
        SetHandle(value);
        HandleLedger.Created(this);
    }

    /// <inheritdoc/>
    public sealed override bool IsInvalid => handle == 0;

    /// <summary>The native pointer. The caller keeps this object alive while the pointer is in use.</summary>
    /// <exception cref="ObjectDisposedException">This object has been disposed.</exception>
    protected nint RawValue
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return handle;
        }
    }

    /// <summary>Calls the library's destroy function; false if it failed.</summary>
    protected abstract bool Destroy(nint value);

    /// <inheritdoc/>
    protected sealed override void Dispose(bool disposing)
    {
        // The constructor may have thrown before there was anything to own.
        if (!disposing && handle != 0 && !IsClosed) HandleLedger.LeftToFinalizer(this);
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    protected sealed override bool ReleaseHandle()
    {
        var destroyed = Destroy(handle);
        HandleLedger.Released(this);
        _parent?.DangerousRelease();
        return destroyed;
    }
}
