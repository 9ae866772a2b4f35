namespace ConvNative.Bindings.Handles;

/// <summary>The middle step of create, configure, finalise.</summary>
public static class NativeHandleExtensions
{
    /// <summary>Configures a new object and returns it; if that throws, the object is destroyed and the exception goes on.</summary>
    public static T Configure<T>(this T handle, Action<T> configure) where T : NativeHandle
    {
        ArgumentNullException.ThrowIfNull(handle);
        ArgumentNullException.ThrowIfNull(configure);
        try
        {
            configure(handle);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }
}
