using ConvNative.Backends.Choices;
using ConvNative.Backends.Common;
using ConvNative.Problems;

namespace ConvNative.Plans;

/// <summary>
/// Idle plans of the one-call functions, least recently used first to go. Each call brings weights of its own, so it takes its plan out and puts it
/// back; concurrent calls of one problem get a plan each. Bounded in number and in bytes. Thread-safe.
/// </summary>
public sealed class PlanCache : IDisposable
{
    private readonly Lock _lock = new();
    private readonly LinkedList<(PlanKey Key, ConvPlan Plan)> _idle = new();
    private int _capacity;
    private long _byteCapacity = 1L << 30;
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
            Trim(value);
        }
    }

    /// <summary>Most bytes (packed weights and workspace) of idle plans, 1 GiB by default; lowering it disposes the oldest.</summary>
    public long ByteCapacity
    {
        get => _byteCapacity;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _byteCapacity = value;
            Trim(_capacity);
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

    /// <summary>Disposes the oldest idle plans until at most <paramref name="keep"/> remain within <see cref="ByteCapacity"/>.</summary>
    public void Trim(int keep = 0)
    {
        var gone = new List<ConvPlan>();
        lock (_lock)
            while (_idle.Count > keep || _bytes > _byteCapacity)
            {
                gone.Add(_idle.First!.Value.Plan);
                _bytes -= Size(_idle.First.Value.Plan);
                _idle.RemoveFirst();
            }

        foreach (ConvPlan p in gone) p.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => Trim();

    internal ConvPlan Take(PlanKey key)
    {
        ConvPlan? gone = null;
        lock (_lock)
            for (LinkedListNode<(PlanKey Key, ConvPlan Plan)>? n = _idle.Last; n is not null; n = n.Previous)
                if (n.Value.Key == key)
                {
                    _idle.Remove(n);
                    _bytes -= Size(n.Value.Plan);
                    if (IsCurrent(n.Value.Plan, key)) return n.Value.Plan;
                    gone = n.Value.Plan;
                    break;
                }

        gone?.Dispose();

        return ConvPlan.Create(key.Problem, key.Options, key.Backend);
    }

    internal void Put(PlanKey key, ConvPlan plan)
    {
        lock (_lock)
        {
            _idle.AddLast((key, plan));
            _bytes += Size(plan);
        }

        Trim(_capacity);
    }

    // What was chosen before a measurement gives way to it.
    private static bool IsCurrent(ConvPlan plan, PlanKey key)
    {
        int now = TuningStore.Auto.Generation;
        if (plan.ChoiceGeneration == now) return true;
        if (key.Backend == ConvPlan.Auto && EngineSelector.IsOvertaken(plan, key.Options)) return false;
        plan.ChoiceGeneration = now;
        return true;
    }

    private static long Size(ConvPlan plan) => plan.WorkspaceBytes + plan.WeightBytes;

    internal readonly record struct PlanKey(ConvProblem Problem, PlanOptions Options, string Backend);
}
