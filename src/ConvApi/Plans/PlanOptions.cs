using ConvNative.Problems;

namespace ConvNative.Plans;

/// <summary>What rounding a plan may trade for speed.</summary>
public enum MathMode
{
    /// <summary>f32 means f32 products and f32 sums.</summary>
    Strict,

    /// <summary>Also Winograd, TF32 and bf16 products, where they are faster; the plan says what it uses.</summary>
    Fast,
}

/// <summary>How an engine chooses among its candidates.</summary>
public enum Tuning
{
    /// <summary>By a static ranking: no time spent.</summary>
    Rank,

    /// <summary>By timing every candidate once per problem, options and machine; the result is remembered.</summary>
    Measure,
}

/// <summary>How the sums of a plan are formed; decides the error bound.</summary>
public enum AlgorithmClass
{
    /// <summary>Sums of products in some order.</summary>
    Direct,

    /// <summary>Winograd's minimal filtering.</summary>
    Winograd,

    /// <summary>By fast Fourier transform.</summary>
    Fft,
}

/// <summary>How a problem is to be computed; value-equal, part of the plan cache's key.</summary>
public sealed record PlanOptions
{
    /// <summary>The defaults: strict, all processors, static ranking.</summary>
    public static PlanOptions Default { get; } = new();

    /// <summary>Permitted rounding.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such mode.</exception>
    public MathMode Math
    {
        get;
        init => field = DefinedValue.Of(nameof(Math), value);
    }

    /// <summary>Most threads a run may use; 0 means all processors of the process. <see cref="ConvThreads.Max"/> bounds it for all plans.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int MaxThreads
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(MaxThreads));
            field = value;
        }
    }

    /// <summary>
    /// The device of an engine that has several, as <see cref="Backends.ConvBackend.FindDevice"/> takes it; null means its first usable one. The
    /// engine name <c>opencl:1</c> sets it.
    /// </summary>
    public string? Device { get; init; }

    /// <summary>Only kernels whose results are the same bits on every run.</summary>
    public bool Deterministic { get; init; }

    /// <summary>Choice among candidates.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such choice.</exception>
    public Tuning Tuning
    {
        get;
        init => field = DefinedValue.Of(nameof(Tuning), value);
    }

    /// <summary>Most bytes of workspace, beyond packed weights.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public long MaxWorkspaceBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(MaxWorkspaceBytes));
            field = value;
        }
    }
    = long.MaxValue;
}

/// <summary>The answer of an engine that was asked for a plan: exactly one of the two is set.</summary>
public readonly record struct PlanResult
{
    private PlanResult(ConvPlan? plan, string? reason) => (Plan, Reason) = (plan, reason);

    /// <summary>The plan (owned by the caller), or null.</summary>
    public ConvPlan? Plan { get; }

    /// <summary>Why there is none: names the type, layout, shape or hardware that is missing. Null with a plan.</summary>
    public string? Reason { get; }

    /// <summary>The problem is supported.</summary>
    public static PlanResult Supported(ConvPlan plan) => new(plan, null);

    /// <summary>The problem is not supported by this engine.</summary>
    public static PlanResult Unsupported(string reason) => new(null, reason);
}
