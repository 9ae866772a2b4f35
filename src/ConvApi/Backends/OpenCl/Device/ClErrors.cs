using System.Buffers;
using ConvNative.Bindings;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>Failed native calls for callers that know no native exceptions.</summary>
internal static class ClErrors
{
    public static ConvNativeException Translated(NativeCallException e) => new(OpenClBackend.EngineName, e.Message, e.Function, e.StatusName, inner: e);

    public static async ValueTask Translated(ValueTask task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (NativeCallException e)
        {
            throw Translated(e);
        }
    }

    /// <summary>As the other overload; then <paramref name="pin"/> ends, and <paramref name="buffer"/> lived until then.</summary>
    public static async ValueTask Translated(ValueTask task, MemoryHandle pin, DeviceBuffer buffer)
    {
        try
        {
            await Translated(task).ConfigureAwait(false);
        }
        finally
        {
            pin.Dispose();
            GC.KeepAlive(buffer);
        }
    }
}
