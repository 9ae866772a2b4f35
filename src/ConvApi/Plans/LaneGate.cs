using System.Numerics;

namespace ConvNative.Plans;

/// <summary>
/// Lets runs of a plan in, each on a lane of its own: an object that shares weights and kernels with the plan and has memory of its own for one run.
/// The plan itself is lane 0; others are made when they are needed and stay. A run that finds no lane waits for one, in the order of arrival. Who
/// changes what lanes share takes all of them; who disposes lets nobody in, and the last run out frees. Taking and giving back are one interlocked
/// operation each and allocate nothing.
/// </summary>
internal sealed class LaneGate<TLane>
    where TLane : class
{
    private const int Bits = 48;
    private const long Lanes = (1L << Bits) - 1;
    private const long Closed = 1L << Bits;
    private const long Gone = 1L << (Bits + 1);
    private const long Queued = 1L << (Bits + 2);

    // Short enough not to take a processor from those who are waited for, long enough for runs of a few microseconds.
    private const int SpinsBeforeSleep = 10;

    [ThreadStatic]
    private static Waiter? t_waiter;

    private readonly Lock _lock = new();
    private readonly object _all = new();
    private readonly string _name;
    private readonly Func<TLane?> _fork;
    private readonly Action<TLane> _free;
    private readonly TLane?[] _lanes;

    // Lanes that are free, and what keeps newcomers from taking one.
    private long _state = 1;
    private int _made = 1;
    private int _most;
    private bool _freed;
    private Waiter? _first;
    private Waiter? _last;

    /// <param name="plan">Lane 0.</param>
    /// <param name="name">What a disposed plan is called.</param>
    /// <param name="fork">Makes a lane; null where there can be no other.</param>
    /// <param name="free">Frees what a lane alone holds; of <paramref name="plan"/> everything, last.</param>
    public LaneGate(TLane plan, string name, Func<TLane?> fork, Action<TLane> free)
    {
        (_name, _fork, _free) = (name, fork, free);
        _most = Math.Clamp(ConvThreads.Max, 1, Bits);
        _lanes = new TLane?[_most];
        _lanes[0] = plan;
    }

    public TLane this[int lane] => _lanes[lane]!;

    /// <summary>Disposed, though runs may still be in progress.</summary>
    public bool IsGone => (Volatile.Read(ref _state) & Gone) != 0;

    /// <summary>At most so many lanes; more than there are processors are never made.</summary>
    public int Most
    {
        get => _most;
        set => _most = Math.Clamp(value, 1, _lanes.Length);
    }

    /// <summary>A lane, which the caller gives back.</summary>
    /// <exception cref="ObjectDisposedException">The plan is disposed.</exception>
    public int Take()
    {
        long s = Volatile.Read(ref _state), bit = s & -s;
        return s is > 0 and <= Lanes && Interlocked.CompareExchange(ref _state, s ^ bit, s) == s ? BitOperations.TrailingZeroCount(bit) : TakeSlowly();
    }

    public void Return(int lane)
    {
        if (Interlocked.Add(ref _state, 1L << lane) > Lanes) Pass();
    }

    /// <summary>
    /// Takes all lanes, after the runs in progress; runs and others that close wait until <see cref="Open"/>. Lanes but the plan itself are freed,
    /// unless <paramref name="keepsLanes"/>.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The plan is disposed.</exception>
    public void Close(bool keepsLanes = false)
    {
        lock (_all)
        {
            while (true)
            {
                long s = Volatile.Read(ref _state);
                if ((s & Gone) != 0) throw new ObjectDisposedException(_name);
                if ((s & Closed) == 0) break;
                Monitor.Wait(_all);
            }

            Interlocked.Or(ref _state, Closed);
            while (!AllFree()) Monitor.Wait(_all);
        }

        if (keepsLanes) return;

        // Nobody else looks at lanes now.
        for (int i = 1; i < _lanes.Length; i++)
            if (_lanes[i] is { } lane)
            {
                _lanes[i] = null;
                _free(lane);
            }

        lock (_lock)
        {
            _made = 1;
            Interlocked.And(ref _state, ~(Lanes ^ 1));
        }
    }

    public void Open()
    {
        lock (_all)
        {
            Interlocked.And(ref _state, ~Closed);
            Monitor.PulseAll(_all);
        }

        Pass();
    }

    /// <summary>Refuses runs from now on; frees everything at once, or when the last run is done. Further calls do nothing.</summary>
    public void Dispose()
    {
        Interlocked.Or(ref _state, Gone);
        Pass();
    }

    private int TakeSlowly()
    {
        for (int i = 0; i < SpinsBeforeSleep; i++)
        {
            long s = Volatile.Read(ref _state), bit = s & -s;
            if (s is > 0 and <= Lanes && Interlocked.CompareExchange(ref _state, s ^ bit, s) == s) return BitOperations.TrailingZeroCount(bit);

            // A lane can be made at once where there are fewer than there may be.
            if (Volatile.Read(ref _made) < _most) break;
            Thread.SpinWait(20);
        }

        Waiter waiter = t_waiter ??= new Waiter();
        waiter.Answer = Waiter.None;
        lock (_lock)
        {
            if (_first is null) _first = waiter;
            else _last!.Next = waiter;
            _last = waiter;

            // From here on whoever gives a lane back looks at the queue.
            Interlocked.Or(ref _state, Queued);
            Serve();
        }

        int answer = waiter.Wait();
        if (answer == Waiter.Refused) throw new ObjectDisposedException(_name);
        return answer == Waiter.Make ? Make() : answer;
    }

    private int Make()
    {
        TLane? lane = null;
        try
        {
            lane = _fork();
        }
        catch (OutOfMemoryException)
        {
            // Those that there are will do.
        }
        finally
        {
            if (lane is null)
            {
                lock (_lock)
                {
                    _made--;
                    _most = Math.Max(1, _made);
                }

                // Who waits for all lanes, or to free them, counted this one.
                Pass();
            }
        }

        if (lane is null) return Take();
        lock (_lock)
        {
            int at = Array.IndexOf(_lanes, null);
            _lanes[at] = lane;
            return at;
        }
    }

    /// <summary>After a lane came back, or what kept newcomers out has changed.</summary>
    private void Pass()
    {
        lock (_lock) Serve();
        long s = Volatile.Read(ref _state);
        if ((s & (Closed | Gone)) == 0) return;
        lock (_all)
        {
            Monitor.PulseAll(_all);
            if ((Volatile.Read(ref _state) & Gone) == 0 || (Volatile.Read(ref _state) & Closed) != 0 || _freed || !AllFree()) return;
            _freed = true;
        }

        for (int i = _lanes.Length - 1; i >= 0; i--)
            if (_lanes[i] is { } lane) _free(lane);
    }

    private bool AllFree()
    {
        lock (_lock) return BitOperations.PopCount((ulong)(Volatile.Read(ref _state) & Lanes)) == _made;
    }

    /// <summary>Hands lanes to those who wait, first come first served.</summary>
    private void Serve()
    {
        while (_first is { } waiter)
        {
            long s = Volatile.Read(ref _state), bit = s & Lanes & -(s & Lanes);
            int answer;
            if ((s & Gone) != 0) answer = Waiter.Refused;
            else if ((s & Closed) != 0) return;
            else if (bit != 0)
            {
                if (Interlocked.CompareExchange(ref _state, s ^ bit, s) != s) continue;
                answer = BitOperations.TrailingZeroCount(bit);
            }
            else if (_made < _most)
            {
                // Counted from now on: who closes waits for it.
                _made++;
                answer = Waiter.Make;
            }
            else return;

            _first = waiter.Next;
            waiter.Next = null;
            if (_first is null)
            {
                _last = null;
                Interlocked.And(ref _state, ~Queued);
            }

            waiter.Reply(answer);
        }
    }

    /// <summary>A thread that waits; a thread waits for one lane at a time.</summary>
    private sealed class Waiter
    {
        public const int None = -1;
        public const int Make = -2;
        public const int Refused = -3;

        public Waiter? Next { get; set; }

        public int Answer { get; set; }

        public void Reply(int answer)
        {
            lock (this)
            {
                Answer = answer;
                Monitor.Pulse(this);
            }
        }

        public int Wait()
        {
            lock (this)
            {
                while (Answer == None) Monitor.Wait(this);
                return Answer;
            }
        }
    }
}
