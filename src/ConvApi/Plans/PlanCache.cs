using ConvNative.Backends;
using ConvNative.Backends.Choices;
using ConvNative.Backends.Common.Stores;
using ConvNative.Problems;

namespace ConvNative.Plans;

/// <summary>
/// Idle plans of the one-call functions, least recently used first to go. Each call brings weights of its own, so it takes its plan out and puts it
/// back; concurrent calls of one problem get a plan each. Bounded in number and in bytes, which <see cref="Bytes"/> states.
/// Thread-safe.
/// </summary>
public sealed class PlanCache : IDisposable
{
    private readonly Lock _lock = new();
    private readonly LinkedList<(PlanKey Key, ConvPlan Plan, long Bytes)> _idle = new();
    private int _capacity;
    private long _byteCapacity = 128L << 20;
    private long _bytes;

    /// <summary>Keeps at most <paramref name="capacity"/> idle plans.</summary>
    public PlanCache(int capacity = 64)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        _capacity = capacity;
    }

    /// <summary>The cache behind <see cref="Conv"/>.</summary>
    public static PlanCache Shared { get; } = new();

    /// <summary>Most idle plans; lowering it disposes the oldest.</summary>
    public int Capacity
    {
        get => _capacity;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _capacity = value;
            Evict(value);
        }
    }

    /// <summary>
    /// Most bytes of idle plans (see <see cref="Bytes"/>), 128 MiB by default; lowering it disposes the oldest. A plan that alone holds more is
    /// not kept: its next call makes it again.
    /// </summary>
    public long ByteCapacity
    {
        get => _byteCapacity;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _byteCapacity = value;
            Evict(_capacity);
        }
    }

    /// <summary>Idle plans now.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _idle.Count;
        }
    }

    /// <summary>Bytes that the idle plans hold now: <see cref="ConvPlan.HeldBytes"/> of each.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock) return _bytes;
        }
    }

    /// <summary>
    /// Disposes the oldest idle plans until at most <paramref name="keep"/> remain within <see cref="ByteCapacity"/>. With 0 the engines also let
    /// go of what they keep between plans: oneDNN its cache of primitives.
    /// </summary>
    public void Trim(int keep = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(keep);
        Evict(keep);
        if (keep > 0) return;
        foreach (ConvBackend engine in Engines.All) engine.Forget();
    }

    /// <inheritdoc/>
    public void Dispose() => Evict(0);

    internal ConvPlan Take(PlanKey key)
    {
        ConvPlan? gone = null;
        lock (_lock)
            for (LinkedListNode<(PlanKey Key, ConvPlan Plan, long Bytes)>? n = _idle.Last; n is not null; n = n.Previous)
                if (n.Value.Key == key)
                {
                    _idle.Remove(n);
                    _bytes -= n.Value.Bytes;
                    if (IsCurrent(n.Value.Plan, key)) return n.Value.Plan;
                    gone = n.Value.Plan;
                    break;
                }

        gone?.Dispose();

        return ConvPlan.Create(key.Problem, key.Options, key.Backend);
    }

    internal void Put(PlanKey key, ConvPlan plan)
    {
        // Once: what a plan holds may change while it is out.
        long bytes = plan.HeldBytes;
        lock (_lock)
        {
            _idle.AddLast((key, plan, bytes));
            _bytes += bytes;
        }

        Evict(_capacity);
    }

    // What was chosen before a measurement gives way to it.
    private static bool IsCurrent(ConvPlan plan, PlanKey key)
    {
        int now = TuningStore.Auto.Generation;
        if (plan.ChoiceGeneration == now) return true;
        if (EngineSelector.IsOvertaken(plan, key.Options)) return false;
        plan.ChoiceGeneration = now;
        return true;
    }

    private void Evict(int keep)
    {
        var gone = new List<ConvPlan>();
        lock (_lock)
            while (_idle.Count > keep || _bytes > _byteCapacity)
            {
                gone.Add(_idle.First!.Value.Plan);
                _bytes -= _idle.First.Value.Bytes;
                _idle.RemoveFirst();
            }

        foreach (ConvPlan p in gone) p.Dispose();
    }

    internal readonly record struct PlanKey(ConvProblem Problem, PlanOptions Options, string Backend);
}
