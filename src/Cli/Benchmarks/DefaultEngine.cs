using ConvNative.Backends;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Benchmarks;

/// <summary>What a program gets that asks for nothing: <see cref="ConvPlan.Create"/> with its default choice, as a contestant beside the engines.</summary>
public sealed class DefaultEngine : ConvBackend
{
    /// <summary>The contestant's name.</summary>
    public const string EngineName = "default";

    /// <inheritdoc/>
    public override string Name => EngineName;

    /// <inheritdoc/>
    public override BackendStatus Status { get; } = new(true, "what auto chooses without being asked to measure", [], null);

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceInfo> Devices => [];

    /// <summary>The options that count here: how many threads, and what rounding.</summary>
    public static PlanOptions Reduce(PlanOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new PlanOptions { MaxThreads = options.MaxThreads, Math = options.Math };
    }

    /// <inheritdoc/>
    public override PlanResult CreatePlan(ConvProblem problem, PlanOptions options) => ConvPlan.TryCreate(problem, Reduce(options));
}
