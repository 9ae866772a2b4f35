using ConvNative.Backends;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Rules;

namespace ConvNative.Graphs;

/// <summary>How a graph is to be computed.</summary>
public sealed record GraphOptions
{
    /// <summary>Any engine, channels-first inputs and outputs, memory reused.</summary>
    public static GraphOptions Default { get; } = new();

    /// <summary>Engine of the convolutions by name in any case, or <c>auto</c>.</summary>
    public string Backend { get; init; } = ConvPlan.Auto;

    /// <summary>Threads, rounding, tuning.</summary>
    public PlanOptions Plan { get; init; } = PlanOptions.Default;

    /// <summary>Physical order of the tensors that the caller gives and gets; <see cref="Layout.Any"/> is not allowed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layout.</exception>
    public Layout Layout
    {
        get;
        init => field = DefinedValue.Of(nameof(Layout), value);
    }

    /// <summary>Keeps every intermediate tensor until the next run, so that <see cref="GraphPlan.Tensor"/> can show it: for checks. Takes more memory.</summary>
    public bool KeepAll { get; init; }

    /// <summary>Times each step of a run, for <see cref="GraphPlan.StepMilliseconds"/>.</summary>
    public bool TimeSteps { get; init; }

    /// <summary>Every node has a tensor of its own in the arena, channels-last, inputs and outputs too: what gradients are computed from.</summary>
    internal bool Separate { get; init; }

    /// <summary>The engines that <see cref="Backend"/> chooses among.</summary>
    internal IReadOnlyList<ConvBackend> Engines { get; init; } = Backends.Engines.All;
}
