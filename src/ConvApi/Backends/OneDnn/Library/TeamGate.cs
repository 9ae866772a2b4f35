using System.Runtime.ExceptionServices;
using ConvNative.Backends.Common.Threads;

namespace ConvNative.Backends.OneDnn.Library;

/// <summary>
/// Runs of several OpenMP threads, one at a time in the process. OpenMP makes a team of threads for every thread that begins a parallel region, and keeps
/// it as long as that thread lives: a server's many threads would have one each. So only two threads begin them: the first that asks (its home, while it
/// lives), and one of ours, to which all others hand their work. Handing over allocates nothing once warm.
/// </summary>
internal static class TeamGate
{
    // Some microseconds, in which the next of several callers comes.
    private const int SpinsBeforeSleep = 100;

    private static readonly object s_running = new();
    private static readonly object s_queue = new();
    private static volatile Thread? s_home;
    private static Ticket? s_first;
    private static Ticket? s_last;
    private static bool s_started;
    private static volatile bool s_waits;

    [ThreadStatic]
    private static Ticket? t_ticket;

    [ThreadStatic]
    private static bool t_inside;

    /// <summary>The calling thread is within <see cref="Run"/>.</summary>
    public static bool IsInside => t_inside;

    /// <summary>Does the work where several OpenMP threads may be used, when its turn has come, and returns when it is done.</summary>
    public static void Run(IHosted work)
    {
        if (t_inside)
        {
            work.Invoke();
            return;
        }

        if (TryEnter())
        {
            try
            {
                work.Invoke();
            }
            finally
            {
                Exit();
            }

            return;
        }

        Ticket ticket = t_ticket ??= new Ticket();
        ticket.Begin(work);
        lock (s_queue)
        {
            if (s_first is null) s_first = ticket;
            else s_last!.Next = ticket;
            s_last = ticket;
            if (!s_started) Start();
            Monitor.Pulse(s_queue);
        }

        ticket.Wait();
    }

    /// <summary>True where the calling thread may use several OpenMP threads at once, which it does until <see cref="Exit"/>; others wait.</summary>
    public static bool TryEnter()
    {
        if (s_home != Thread.CurrentThread && !TryMoveIn()) return false;
        // Who comes back at once must not keep out those who wait.
        if (s_waits || Volatile.Read(ref s_first) is not null || !Monitor.TryEnter(s_running)) return false;
        t_inside = true;
        return true;
    }

    public static void Exit()
    {
        t_inside = false;
        Monitor.Exit(s_running);
    }

    // The threads of a team whose master has ended are gone, too.
    private static bool TryMoveIn()
    {
        if (s_home is { IsAlive: true }) return false;
        lock (s_queue)
        {
            if (s_home is { IsAlive: true }) return false;
            s_home = Thread.CurrentThread;
            return true;
        }
    }

    private static void Start()
    {
        new Thread(Conduct) { IsBackground = true, Name = "ConvNative oneDNN" }.Start();
        s_started = true;
    }

    private static void Conduct()
    {
        while (true)
        {
            for (int i = 0; Volatile.Read(ref s_first) is null && i < SpinsBeforeSleep; i++) Thread.SpinWait(20);
            Ticket ticket;
            lock (s_queue)
            {
                while (s_first is null) Monitor.Wait(s_queue);
                ticket = s_first;
                s_first = ticket.Next;
                ticket.Next = null;
                s_waits = true;
            }

            lock (s_running)
            {
                s_waits = false;
                t_inside = true;
                ticket.Invoke();
                t_inside = false;
            }

            ticket.End();
        }
    }

    /// <summary>A thread that waits for its work.</summary>
    private sealed class Ticket
    {
        private readonly object _done = new();
        private IHosted? _work;
        private Exception? _failure;

        public Ticket? Next { get; set; }

        public void Begin(IHosted work) => (_work, _failure) = (work, null);

        public void Invoke()
        {
            try
            {
                _work!.Invoke();
            }
#pragma warning disable CA1031 // Whatever it is, it belongs to the caller.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _failure = e;
            }
        }

        public void End()
        {
            lock (_done)
            {
                _work = null;
                Monitor.Pulse(_done);
            }
        }

        public void Wait()
        {
            lock (_done)
                while (_work is not null) Monitor.Wait(_done);
            if (_failure is { } e) ExceptionDispatchInfo.Throw(e);
        }
    }
}
