using ConvNative.Problems;

namespace ConvNative.Backends.Common.Memory;

/// <summary>
/// Most bytes that a plan may hold while it is made on this thread: its operands and <see cref="Beyond"/> more. Every <see cref="AlignedBuffer"/>
/// counts, and what <see cref="Take"/> is told of before it is allocated; the innermost budget that is open counts it. What would go beyond throws
/// <see cref="MemoryBudgetException"/>, and <see cref="GiveBack"/> frees what was allocated until then.
/// </summary>
internal sealed class MemoryBudget : IDisposable
{
    /// <summary>Bytes beyond the operands.</summary>
    public const long Beyond = 64L << 20;

    [ThreadStatic]
    private static MemoryBudget? t_current;

    private readonly MemoryBudget? _outer;
    private readonly long _most;
    private readonly List<AlignedBuffer> _buffers = [];
    private long _taken;

    /// <summary>Opens a budget for this thread until it is disposed.</summary>
    public MemoryBudget(long most)
    {
        _most = most;
        _outer = t_current;
        t_current = this;
    }

    /// <summary>The last way that was refused within this budget, or null.</summary>
    public string? Refusal { get; private set; }

    /// <summary>As large a budget as the one that is open here, for one of several things of which one will be kept; null where none is open.</summary>
    public static MemoryBudget? Another() => t_current is { } budget ? new MemoryBudget(budget._most) : null;

    /// <summary>Tells the budget that is open why something was not made.</summary>
    public static void Refuse(string reason)
    {
        if (t_current is { } budget) budget.Refusal = reason;
    }

    /// <summary>What a plan for <paramref name="p"/> may hold.</summary>
    public static long Of(ConvProblem p) => (long)Int128.Min(long.MaxValue, Operands(p) + Beyond);

    /// <summary>
    /// Bytes of the operands as they are computed with: 16 bits are widened to f32, integers perhaps to f64.
    /// </summary>
    public static Int128 Operands(ConvProblem p)
    {
        int size = p.InputType == DataType.F64 || p.InputType.IsInteger() ? sizeof(double) : sizeof(float);
        Int128 elements = Count(p.InputShape) + (Count(p.OutputShape) * (p.PostOps.Residual ? 2 : 1)) + p.WeightCount + (p.HasBias ? p.OutputChannels : 0);
        if (p.OffsetShape.Count > 0) elements += Count(p.OffsetShape);
        if (p.MaskShape.Count > 0) elements += Count(p.MaskShape);
        return elements * size;

        static Int128 Count(Dims shape)
        {
            Int128 count = 1;
            foreach (long v in shape) count *= v;
            return count;
        }
    }

    /// <summary>Counts bytes that are about to be allocated.</summary>
    /// <exception cref="MemoryBudgetException">They are too many.</exception>
    public static void Take(Int128 bytes)
    {
        if (t_current is not { } budget) return;
        if (budget._taken + bytes > budget._most) throw new MemoryBudgetException(budget._taken + bytes, budget._most);
        budget._taken += (long)bytes;
    }

    /// <summary>Remembers a buffer for <see cref="GiveBack"/>; <see cref="Take"/> has counted it.</summary>
    public static void Remember(AlignedBuffer buffer) => t_current?._buffers.Add(buffer);

    /// <summary>Frees every buffer that was allocated since this budget was opened.</summary>
    public void GiveBack()
    {
        foreach (AlignedBuffer buffer in _buffers) buffer.Dispose();
    }

    public void Dispose()
    {
        t_current = _outer;
        _buffers.Clear();
    }
}
