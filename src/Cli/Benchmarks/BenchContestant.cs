using ConvNative.Backends;

namespace ConvNative.Cli.Benchmarks;

/// <summary>One engine on what is being timed.</summary>
internal abstract class BenchContestant : IDisposable
{
    /// <summary>Prepares; whatever comes of it is in the row.</summary>
    protected BenchContestant(BenchRow row) => Row = row;

    /// <summary>One timed run; null where there is none to time.</summary>
    public Action? Call { get; protected set; }

    /// <summary>A timing a turn.</summary>
    public List<Timing> Rounds { get; } = [];

    /// <summary>The fastest run so far, in milliseconds; infinite before the first.</summary>
    public double Least => Rounds.Count == 0 ? double.PositiveInfinity : Rounds.Min(r => r.Min);

    /// <summary>The kernel, where there is a plan.</summary>
    public string Implementation => Row.Implementation ?? "";

    /// <summary>The row so far.</summary>
    protected BenchRow Row { get; set; }

    /// <summary>Leaves the contestant out from now on.</summary>
    public void GiveUp() => Call = null;

    /// <summary>Does a step; what it throws ends the contestant.</summary>
    public void Attempt(Action step)
    {
        if (Call is null) return;
        try
        {
            step();
        }
        catch (Exception e) when (e is ConvNativeException or InvalidOperationException)
        {
            Row = Row with { Status = "error", Message = e.Message };
            Call = null;
        }
    }

    /// <summary>The row with the medians.</summary>
    public BenchRow Finish(BenchSettings settings)
    {
        if (Call is null || Rounds.Count == 0) return Row;
        double[] medians = [.. Rounds.Select(r => r.Median).Order()];
        double ms = medians[medians.Length / 2], gflops = 2e-6 * Row.MultiplyAdds / ms;
        return Row with
        {
            Ms = ms,
            MinMs = Rounds.Min(r => r.Min),
            Spread = (medians[^1] - medians[0]) / medians[0],
            Samples = Rounds.Sum(r => r.Samples),
            Gflops = gflops,
            PeakShare = gflops / settings.Peak(Row.Threads),
        };
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Runs <paramref name="prepare"/> where the engine is there; what goes wrong is in the row.</summary>
    protected void Prepare(ConvBackend backend, Action prepare)
    {
        BackendStatus status = backend.Status;
        if (!status.Available)
        {
            Row = Row with { Status = "unavailable", Message = status.Summary };
            return;
        }

        try
        {
            prepare();
        }
        catch (NotSupportedException e)
        {
            Row = Row with { Status = "unsupported", Message = e.Message };
        }
        catch (Exception e) when (e is ConvNativeException or ArgumentException or InvalidOperationException or OutOfMemoryException)
        {
            Row = Row with { Status = "error", Message = e.Message };
        }
    }
}
