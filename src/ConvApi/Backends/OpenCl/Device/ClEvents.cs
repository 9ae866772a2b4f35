using System.Runtime.InteropServices;
using ConvNative.Bindings;
using ConvNative.Bindings.OpenCl;
using Silk.NET.OpenCL;

namespace ConvNative.Backends.OpenCl.Device;

/// <summary>Events as tasks.</summary>
internal static unsafe class ClEvents
{
    // Held here: the driver calls it when nobody else has it any more.
    private static readonly EventNotifyCallback s_onComplete = OnComplete;

    /// <summary>Ends when <paramref name="done"/> (which is consumed) is complete, or with the error that its work ended with. Sends the queue off.</summary>
    public static ValueTask WhenDone(ClDevice device, nint done)
    {
        using ClEventHandle owned = ClEventHandle.Adopt(done, "Enqueue", device.Context);
        // Continuations must not run in the driver's thread.
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        GCHandle handle = GCHandle.Alloc(source);
        int status = OpenClLibrary.Api.SetEventCallback(done, (int)CommandExecutionStatus.Complete, s_onComplete, (void*)GCHandle.ToIntPtr(handle));
        if (status != (int)ErrorCodes.Success)
        {
            handle.Free();
            ClStatus.ThrowIfFailed(status, nameof(CL.SetEventCallback));
        }

        ClStatus.ThrowIfFailed(OpenClLibrary.Api.Flush(device.Queue.Raw), nameof(CL.Flush));
        return new ValueTask(source.Task);
    }

    private static void OnComplete(nint e, int status, void* data)
    {
        GCHandle handle = GCHandle.FromIntPtr((nint)data);
        var source = (TaskCompletionSource)handle.Target!;
        handle.Free();
        if (status >= 0) source.TrySetResult();
        else source.TrySetException(new NativeCallException("OpenCL", "command", ClStatus.Name(status), status));
    }
}
