using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using ConvNative.Bindings.Loading;

namespace ConvNative.Backends.Common;

/// <summary>
/// Our work on the threads of the OpenMP runtime that oneDNN uses. Between two of oneDNN's parallel regions they wait awake, for milliseconds:
/// threads of our own beside them would get half of each processor. One run at a time.
/// </summary>
internal sealed unsafe class OpenMpPool : WorkerPool, IDisposable
{
    private GCHandle _self;
    private IParallelWork? _work;
    private long _parts;
    private long _grain;
    private long _next;
    private int _seats;
    private Exception? _failure;

    public OpenMpPool()
        : base(Environment.ProcessorCount) => _self = GCHandle.Alloc(this);

    public override void Run(IParallelWork work, long parts, int threads)
    {
        if (parts <= 0) return;
        threads = (int)Math.Min(Math.Min(threads, MaxThreads), parts);
        if (threads <= 1 || _work is not null)
        {
            work.DoParts(0, parts, 0);
            return;
        }

        (_work, _parts, _grain, _next, _seats, _failure) = (work, parts, Math.Max(1, parts / (threads * 8L)), 0, 0, null);
        OpenMp.Parallel(&Body, GCHandle.ToIntPtr(_self), threads);
        _work = null;
        if (_failure is { } e) ExceptionDispatchInfo.Throw(e);
    }

    public void Dispose()
    {
        if (_self.IsAllocated) _self.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Body(nint pool) => ((OpenMpPool)GCHandle.FromIntPtr(pool).Target!).Claim();

    private void Claim()
    {
        int worker = Interlocked.Increment(ref _seats) - 1;
        try
        {
            for (long from; (from = Interlocked.Add(ref _next, _grain) - _grain) < _parts;) _work!.DoParts(from, Math.Min(from + _grain, _parts), worker);
        }
#pragma warning disable CA1031 // Native frames lie between here and the caller, who is told by Run.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref _failure, e, null);
            Volatile.Write(ref _next, _parts);
        }
    }
}
