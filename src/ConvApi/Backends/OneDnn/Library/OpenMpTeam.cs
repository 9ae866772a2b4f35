using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Threads;
using ConvNative.Backends.OneDnn.Primitives;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;

namespace ConvNative.Backends.OneDnn.Library;

/// <summary>
/// oneDNN's own threads for our own work beside it. GCC's OpenMP runtime lets them spin 300,000 times after a parallel region before they sleep
/// (<c>GOMP_SPINCOUNT</c>): milliseconds, in which a second pool of threads gets no processor for itself.
/// </summary>
internal sealed unsafe class OpenMpTeam : IThreadTeam
{
    private static readonly long s_spin = Stopwatch.Frequency * 3 / 1000;

    [ThreadStatic]
    private static long t_awakeUntil;

    [ThreadStatic]
    private static Job? t_job;

    /// <summary>The one team of every calling thread, or null where oneDNN's runtime has no such call.</summary>
    public static OpenMpTeam? Instance { get; } = OpenMp.HasParallel ? new OpenMpTeam() : null;

    public bool IsAwake => Stopwatch.GetTimestamp() < t_awakeUntil;

    /// <summary>The calling thread has ended a parallel region of several threads just now.</summary>
    public static void Touch() => t_awakeUntil = Stopwatch.GetTimestamp() + s_spin;

    /// <summary>Executes a primitive of several threads, within <see cref="TeamGate"/>; our own threads are lent to it meanwhile.</summary>
    public static void Execute(DnnlPrimitive primitive, dnnl_stream_t stream)
    {
        WorkerPool pool = WorkerPool.Shared;
        pool.Lend();
        try
        {
            primitive.Execute(stream);
        }
        finally
        {
            pool.TakeBack();
            Touch();
        }
    }

    public bool TryRun(IParallelWork work, long parts, int threads)
    {
        Job job = t_job ??= new Job();
        if (job.IsBusy) return false;
        if (TeamGate.IsInside)
        {
            Run(job, work, parts, threads);
            return true;
        }

        if (!TeamGate.TryEnter()) return false;
        try
        {
            Run(job, work, parts, threads);
            return true;
        }
        finally
        {
            TeamGate.Exit();
        }
    }

    private static void Run(Job job, IParallelWork work, long parts, int threads)
    {
        job.Begin(work, parts, threads);

        // The other threads find the job through this variable, which stays where it is until all of them are done.
        OpenMp.Parallel(&Body, (nint)Unsafe.AsPointer(ref job), threads);
        Touch();
        job.End();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Body(nint job) => Unsafe.AsRef<Job>((void*)job).Claim();

    private sealed class Job
    {
        private IParallelWork? _work;
        private long _parts;
        private long _grain;
        private long _next;
        private int _seats;
        private Exception? _failure;

        public bool IsBusy => _work is not null;

        public void Begin(IParallelWork work, long parts, int threads)
        {
            (_parts, _grain, _failure) = (parts, Math.Max(1, parts / (threads * 8L)), null);
            (_next, _seats) = (0, 0);
            _work = work;
        }

        public void End()
        {
            _work = null;
            if (_failure is { } e) ExceptionDispatchInfo.Throw(e);
        }

        public void Claim()
        {
            int seat = Interlocked.Increment(ref _seats) - 1;
            try
            {
                while (true)
                {
                    long from = Interlocked.Add(ref _next, _grain) - _grain;
                    if (from >= _parts) return;
                    _work!.DoParts(from, Math.Min(from + _grain, _parts), seat);
                }
            }
#pragma warning disable CA1031 // Native frames lie between here and the caller, who is told by End.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref _failure, e, null);
                Volatile.Write(ref _next, _parts);
            }
        }
    }
}
