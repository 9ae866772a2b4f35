using System.Collections.Concurrent;
using ConvNative.Bindings;
using ConvNative.Bindings.Cuda;

namespace ConvNative.Backends.CuDnn.Device;

/// <summary>
/// Turns the device's events into tasks. One background thread waits for them in the stream's order, so that no caller's thread is held
/// and nothing polls; it starts with the first task.
/// </summary>
internal sealed class CudaCompletions(CudaDevice device) : IDisposable
{
    private readonly BlockingCollection<(CudaEventHandle Event, TaskCompletionSource Task, Action? Finish)> _queue = [];
    private readonly ConcurrentBag<CudaEventHandle> _spare = [];
    private Thread? _waiter;

    /// <summary>A task that ends when all work asked for so far is done; <paramref name="finish"/> runs just before. The caller holds the device.</summary>
    public ValueTask AfterAll(Action? finish = null)
    {
        CudaEventHandle mark = _spare.TryTake(out CudaEventHandle? used) ? used : CudaStaging.NewEvent();
        try
        {
            CudaRt.cudaEventRecord(mark.Raw, device.Stream.Raw).Check(nameof(CudaRt.cudaEventRecord));
        }
        catch
        {
            mark.Dispose();
            throw;
        }

        var task = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _queue.Add((mark, task, finish));
        if (_waiter is null)
        {
            _waiter = new Thread(WaitForAll) { IsBackground = true, Name = $"{device.Id} completions" };
            _waiter.Start();
        }

        return new ValueTask(task.Task);
    }

    /// <summary>Keeps <paramref name="resource"/> until the work is done.</summary>
    public static async ValueTask ThenDispose(ValueTask work, IDisposable resource)
    {
        using (resource) await work.ConfigureAwait(false);
    }

    public void Dispose()
    {
        _queue.CompleteAdding();
        _waiter?.Join();
        _queue.Dispose();
        foreach (CudaEventHandle mark in _spare) mark.Dispose();
        _spare.Clear();
    }

    private void WaitForAll()
    {
        foreach ((CudaEventHandle mark, TaskCompletionSource task, Action? finish) in _queue.GetConsumingEnumerable())
        {
            try
            {
                device.Enter();
                CudaRt.cudaEventSynchronize(mark.Raw).Check(nameof(CudaRt.cudaEventSynchronize));
                finish?.Invoke();
                task.SetResult();
            }
#pragma warning disable CA1031 // Whatever it is, it belongs to the task: on this thread it would end the process, or leave later tasks waiting.
            catch (Exception e)
#pragma warning restore CA1031
            {
                task.TrySetException(e is NativeCallException native ? CudaDevice.Translate(native) : e);
            }
            finally
            {
                _spare.Add(mark);
            }
        }
    }
}
