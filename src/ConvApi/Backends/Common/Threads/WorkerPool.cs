using System.Runtime.ExceptionServices;

namespace ConvNative.Backends.Common.Threads;

/// <summary>Work that splits into independent parts; which thread does a part never changes its result.</summary>
internal interface IParallelWork
{
    /// <summary>Does parts <paramref name="from"/> to <paramref name="to"/> (exclusive); workers are numbered from 0 and run one call at a time each.</summary>
    void DoParts(long from, long to, int worker);
}

/// <summary>
/// The process's threads for convolutions: as many as there are processors, the caller counted. One run owns them at a time;
/// a run that finds them busy works alone, as does one within a part of another, and one that begins beside such runs leaves their processors to them,
/// so parallel callers do not oversubscribe the machine.
/// </summary>
internal class WorkerPool
{
    // Long enough to bridge the gap between two layers of a network, short enough not to burn a core that others want.
    private const int SpinsBeforeSleep = 300;

    private readonly Lock _owner = new();
    private readonly object _sleep = new();
    private readonly int _helpers;
    private int _started;
    private IParallelWork? _work;
    private long _parts;
    private long _grain;
    private long _next;
    private int _seats;
    private int _left;
    private int _alone;
    private volatile int _generation;
    private int _sleeping;
    private Exception? _failure;

    internal WorkerPool(int processors) => _helpers = Math.Max(0, processors - 1);

    /// <summary>The pool of all plans; another one takes effect for plans made and runs begun from then on.</summary>
    public static WorkerPool Shared { get; internal set; } = new(Environment.ProcessorCount);

    /// <summary>Threads of another runtime that take runs while they hold the processors; null where there are none.</summary>
    public IThreadTeam? Other { get; set; }

    /// <summary>Most threads that a run can use.</summary>
    public int MaxThreads => Math.Min(_helpers + 1, ConvThreads.Limit);

    /// <summary>Until <see cref="TakeBack"/> another runtime's threads have the processors: runs that begin work alone.</summary>
    public void Lend() => Interlocked.Add(ref _alone, _helpers);

    /// <summary>See <see cref="Lend"/>.</summary>
    public void TakeBack() => Interlocked.Add(ref _alone, -_helpers);

    /// <summary>Runs all parts on at most <paramref name="threads"/> threads and returns when all are done; workers are numbered below that.</summary>
    public virtual void Run(IParallelWork work, long parts, int threads)
    {
        if (parts <= 0) return;
        if (threads <= 1 || parts == 1)
        {
            work.DoParts(0, parts, 0);
            return;
        }

        if (Other is { IsAwake: true } team && team.TryRun(work, parts, Math.Min(threads, MaxThreads))) return;
        threads = (int)Math.Min(Math.Min(threads, MaxThreads - Volatile.Read(ref _alone)), parts);
        if (threads <= 1 || _owner.IsHeldByCurrentThread || !_owner.TryEnter())
        {
            RunAlone(work, parts);
            return;
        }

        try
        {
            while (_started < threads - 1) Start();
            RunShared(work, parts, threads);
        }
        finally
        {
            _owner.Exit();
        }
    }

    private void RunAlone(IParallelWork work, long parts)
    {
        Interlocked.Increment(ref _alone);
        try
        {
            work.DoParts(0, parts, 0);
        }
        finally
        {
            Interlocked.Decrement(ref _alone);
        }
    }

    private void RunShared(IParallelWork work, long parts, int threads)
    {
        _work = work;
        _parts = parts;
        // Several claims a thread even out what other processes take; not more, a claim is an interlocked operation.
        _grain = Math.Max(1, parts / (threads * 8L));
        Volatile.Write(ref _next, 0);
        _failure = null;
        _left = 0;
        Interlocked.Exchange(ref _seats, threads - 1);
        _generation++;
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _sleeping) > 0)
            lock (_sleep) Monitor.PulseAll(_sleep);

        Claim(work, 0);

        // Who has not come by now is not waited for: on a busy machine a sleeping thread may take milliseconds.
        int joined = threads - 1 - Interlocked.Exchange(ref _seats, 0);
        var spin = new SpinWait();
        while (Volatile.Read(ref _left) != joined) spin.SpinOnce(-1);
        _work = null;
        if (_failure is { } e) ExceptionDispatchInfo.Throw(e);
    }

    private void Claim(IParallelWork work, int worker)
    {
        try
        {
            while (true)
            {
                long from = Interlocked.Add(ref _next, _grain) - _grain;
                if (from >= _parts) return;
                work.DoParts(from, Math.Min(from + _grain, _parts), worker);
            }
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
            Volatile.Write(ref _next, _parts);
        }
    }

    private void Start()
    {
        _started++;
        new Thread(Loop, 256 * 1024) { IsBackground = true, Name = $"ConvNative worker {_started}" }.Start();
    }

    private void Loop()
    {
        int seen = 0;
        while (true)
        {
            for (int i = 0; _generation == seen && i < SpinsBeforeSleep; i++) Thread.SpinWait(20);
            if (_generation == seen)
            {
                lock (_sleep)
                {
                    Interlocked.Increment(ref _sleeping);
                    while (_generation == seen) Monitor.Wait(_sleep);
                    Interlocked.Decrement(ref _sleeping);
                }
            }

            seen = _generation;

            // A helper's number is the seat it takes: one that meant to join an earlier run takes a seat of this one, or none.
            int seat = Volatile.Read(ref _seats);
            while (seat > 0)
            {
                int was = Interlocked.CompareExchange(ref _seats, seat - 1, seat);
                if (was == seat)
                {
                    Claim(_work!, seat);
                    Interlocked.Increment(ref _left);
                    break;
                }

                seat = was;
            }
        }
    }
}
