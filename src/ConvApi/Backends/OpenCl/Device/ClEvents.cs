using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Bindings;
using ConvNative.Bindings.OpenCl;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>Events as tasks.</summary>
internal static unsafe class ClEvents
{
    /// <summary>Ends when <paramref name="done"/> (which is consumed) is complete, or with the error that its work ended with. Sends the queue off.</summary>
    public static ValueTask WhenDone(ClDevice device, cl_event done)
    {
        using ClEventHandle owned = ClEventHandle.Adopt(done, "clEnqueue", device.Context);
        // Continuations must not run in the driver's thread.
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        GCHandle handle = GCHandle.Alloc(source);
        int status = Cl.clSetEventCallback(done, Cl.CL_COMPLETE, &OnComplete, (void*)GCHandle.ToIntPtr(handle));
        if (status != Cl.CL_SUCCESS)
        {
            handle.Free();
            ClStatus.ThrowIfFailed(status, nameof(Cl.clSetEventCallback));
        }

        ClStatus.ThrowIfFailed(Cl.clFlush(device.Queue.Raw), nameof(Cl.clFlush));
        return new ValueTask(source.Task);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnComplete(cl_event e, int status, void* data)
    {
        GCHandle handle = GCHandle.FromIntPtr((nint)data);
        var source = (TaskCompletionSource)handle.Target!;
        handle.Free();
        if (status >= 0) source.TrySetResult();
        else source.TrySetException(new NativeCallException("OpenCL", "command", ClStatus.Name(status), status));
    }
}
