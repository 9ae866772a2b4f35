using ConvNative.Cli.Reports;

namespace ConvNative.Cli.Benchmarks;

/// <summary>results.json of <c>bench</c>.</summary>
public sealed record BenchReport
{
    /// <summary>Changes when a reader of an older one would misread it.</summary>
    public const int CurrentSchema = 1;

    /// <summary>See <see cref="CurrentSchema"/>.</summary>
    public int SchemaVersion { get; init; } = CurrentSchema;

    /// <summary>Always <c>bench</c>.</summary>
    public string Kind { get; init; } = "bench";

    /// <summary>When, UTC.</summary>
    public required DateTime Created { get; init; }

    /// <summary>False for a run that was stopped.</summary>
    public required bool Complete { get; init; }

    /// <summary>Where; several after a merge.</summary>
    public required IReadOnlyList<MachineInfo> Machines { get; init; }

    /// <summary>The engines that were asked for.</summary>
    public required IReadOnlyList<BackendInfo> Backends { get; init; }

    /// <summary>Most threads of a run.</summary>
    public required int Threads { get; init; }

    /// <summary>Measured FMA peak of one thread, f32 GFLOP/s.</summary>
    public required double Peak1Gflops { get; init; }

    /// <summary>Measured FMA peak of <see cref="Threads"/> threads, f32 GFLOP/s.</summary>
    public required double PeakGflops { get; init; }

    /// <summary>One a layer and engine.</summary>
    public required IReadOnlyList<BenchRow> Rows { get; init; }
}

/// <summary>One layer on one engine.</summary>
public sealed record BenchRow
{
    /// <summary>Suite.</summary>
    public string? Suite { get; init; }

    /// <summary>The layer's name, or null.</summary>
    public string? Name { get; init; }

    /// <summary>How many times the network has the layer (the *N that ends a name).</summary>
    public int Count { get; init; } = 1;

    /// <summary>The problem string, in the layout that was timed.</summary>
    public required string Problem { get; init; }

    /// <summary>Engine.</summary>
    public required string Backend { get; init; }

    /// <summary>channels_first, channels_last or any.</summary>
    public required string Layout { get; init; }

    /// <summary>Threads that the plan uses.</summary>
    public int Threads { get; init; }

    /// <summary>ok, unsupported, unavailable or error.</summary>
    public required string Status { get; init; }

    /// <summary>Reason or exception text.</summary>
    public string? Message { get; init; }

    /// <summary>The kernel that the engine chose.</summary>
    public string? Implementation { get; init; }

    /// <summary>Multiply-adds of a run.</summary>
    public long MultiplyAdds { get; init; }

    /// <summary>Steady state: median over the rounds of each round's median.</summary>
    public double Ms { get; init; }

    /// <summary>Fastest single run.</summary>
    public double MinMs { get; init; }

    /// <summary>(slowest - fastest) / fastest round.</summary>
    public double Spread { get; init; }

    /// <summary>Runs timed.</summary>
    public int Samples { get; init; }

    /// <summary>2 * multiply-adds / time.</summary>
    public double Gflops { get; init; }

    /// <summary>GFLOP/s over the peak of as many threads, measured in the same run.</summary>
    public double PeakShare { get; init; }

    /// <summary>Making the plan, tuning included, and packing the weights.</summary>
    public double CreateMs { get; init; }

    /// <summary>The first run.</summary>
    public double FirstMs { get; init; }

    /// <summary>Weighted mean of the result: equal across engines up to rounding.</summary>
    public double Checksum { get; init; }

    /// <summary>Time of the baseline over this one: above 1 is faster now. Null without a baseline.</summary>
    public double? Ratio { get; init; }
}
