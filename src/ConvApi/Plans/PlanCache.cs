using ConvNative.Problems;

namespace ConvNative.Plans;

/// <summary>
/// Idle plans of the one-call functions, least recently used first to go. A plan runs for one caller at a time, so a call takes
/// its plan out and puts it back; concurrent calls of one problem get a plan each. Thread-safe.
/// </summary>
public sealed class PlanCache : IDisposable
{
    private readonly Lock _lock = new();
    private readonly LinkedList<(PlanKey Key, ConvPlan Plan)> _idle = new();
    private int _capacity;

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
            Trim(value);
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

    /// <summary>Disposes the oldest idle plans until at most <paramref name="keep"/> remain.</summary>
    public void Trim(int keep = 0)
    {
        var gone = new List<ConvPlan>();
        lock (_lock)
            while (_idle.Count > keep)
            {
                gone.Add(_idle.First!.Value.Plan);
                _idle.RemoveFirst();
            }

        foreach (ConvPlan p in gone) p.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => Trim();

    internal ConvPlan Take(PlanKey key)
    {
        lock (_lock)
            for (LinkedListNode<(PlanKey Key, ConvPlan Plan)>? n = _idle.Last; n is not null; n = n.Previous)
                if (n.Value.Key == key)
                {
                    _idle.Remove(n);
                    return n.Value.Plan;
                }

        return ConvPlan.Create(key.Problem, key.Options, key.Backend);
    }

    internal void Put(PlanKey key, ConvPlan plan)
    {
        lock (_lock) _idle.AddLast((key, plan));
        Trim(_capacity);
    }

    internal readonly record struct PlanKey(ConvProblem Problem, PlanOptions Options, string Backend);
}
