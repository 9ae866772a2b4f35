namespace ConvNative.Oracle.Verdicts;

/// <summary>The result of comparing an engine with the oracle.</summary>
public sealed record Comparison
{
    /// <summary>The verdict.</summary>
    public required Outcome Outcome { get; init; }

    /// <summary>
    /// The largest error in units of its bound: at most 1 for a pass, infinite where the answer had to be equal and was not.
    /// </summary>
    public required double WorstInBounds { get; init; }

    /// <summary>Flat logical index of that element, -1 when nothing was compared.</summary>
    public required long WorstIndex { get; init; }

    /// <summary>Its coordinates in the logical shape; empty when nothing was compared.</summary>
    public required long[] WorstCoordinates { get; init; }

    /// <summary>The oracle's value there.</summary>
    public required double Expected { get; init; }

    /// <summary>The engine's value there.</summary>
    public required double Actual { get; init; }

    /// <summary>The bound there.</summary>
    public required double Bound { get; init; }

    /// <summary>Elements compared.</summary>
    public required long Checked { get; init; }

    /// <summary>Elements of the whole result.</summary>
    public required long Total { get; init; }

    /// <summary>Of the elements with terms, the share whose value (before the activation) exceeds its bound, so that a zero would be noticed.</summary>
    public required double NonZeroFraction { get; init; }

    /// <summary>Elements outside their bounds.</summary>
    public required long FailCount { get; init; }

    /// <summary>One line for a report.</summary>
    public required string Summary { get; init; }
}
