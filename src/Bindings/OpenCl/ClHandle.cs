using ConvNative.Bindings.Handles;
using Silk.NET.OpenCL;

namespace ConvNative.Bindings.OpenCl;

/// <summary>An object of OpenCL that we own.</summary>
public abstract class ClHandle : NativeHandle
{
    private protected ClHandle(nint raw, NativeHandle? parent) : base(raw, parent)
    {
    }

    /// <summary>What <paramref name="wrap"/> makes of an object, which is released where that fails.</summary>
    private protected static T Own<T>(nint raw, string function, Func<nint, T> wrap, Func<nint, bool> release)
        where T : ClHandle
    {
        if (raw == 0) ClStatus.ThrowNull(function);
        try
        {
            return wrap(raw);
        }
        catch
        {
            release(raw);
            throw;
        }
    }

    /// <summary>Whether <paramref name="status"/> is success.</summary>
    private protected static bool Succeeded(int status) => status == (int)ErrorCodes.Success;
}
