using System.Globalization;
using ConvNative.Problems.Rules;

namespace ConvNative.Plans;

/// <summary>What rounding a plan may trade for speed.</summary>
public enum MathMode
{
    /// <summary>f32 means f32 products and f32 sums.</summary>
    Strict,

    /// <summary>Also Winograd, TF32 and bf16 products, where they are faster; the plan says what it uses.</summary>
    Fast,
}

/// <summary>How engines, and kernels of an engine, are chosen.</summary>
public enum Tuning
{
    /// <summary>By what was measured before, on this machine or for the library on machines like it: no time is spent, and nothing is measured.</summary>
    Rank,

    /// <summary>
    /// As <see cref="Rank"/>; where that says too little of a problem and the engine is <c>auto</c>'s choice, the two or three best candidates run a few
    /// times each on random data, once per problem, options and machine. Takes milliseconds, and about as much memory as the operands.
    /// </summary>
    Look,

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
    /// <summary>The defaults: strict, all processors, a short look where past measurements say too little.</summary>
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

    /// <summary>Choice among candidates. With <see cref="Deterministic"/> nothing that is timed now or was timed on this machine decides.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such choice.</exception>
    public Tuning Tuning
    {
        get;
        init => field = DefinedValue.Of(nameof(Tuning), value);
    }
    = Tuning.Look;

    /// <summary>One of the engine's <see cref="Backends.ConvBackend.Candidates"/>, and no other; null leaves the choice to the engine.</summary>
    public string? Candidate { get; init; }

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

    /// <summary>The reason where an engine has no candidate of the name that was asked for.</summary>
    internal static string NoSuch(string candidate, string engine) => $"candidate = {candidate}: must be one of those that {engine} names for the problem (ConvBackend.Candidates)";

    /// <summary>Every option that changes what engines may choose from, for keys of remembered choices.</summary>
    internal string ChoiceKey =>
        string.Create(CultureInfo.InvariantCulture, $"threads={MaxThreads} math={Math}")
        + (Deterministic ? " deterministic" : "")
        + (MaxWorkspaceBytes != long.MaxValue ? string.Create(CultureInfo.InvariantCulture, $" workspace={MaxWorkspaceBytes}") : "")
        + (Device is null ? "" : $" device={Device}")
        + (Candidate is null ? "" : $" candidate={Candidate}");
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
