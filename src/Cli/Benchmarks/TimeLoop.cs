using System.Diagnostics;

namespace ConvNative.Cli.Benchmarks;

/// <summary>Median, fastest and number of the calls that were timed, in milliseconds.</summary>
public readonly record struct Timing(double Median, double Min, int Samples);

/// <summary>The timing loop that the peers use too, call by call, so that figures compare.</summary>
public sealed class TimeLoop
{
    private const int MostSamples = 20_000;
    private readonly long[] _ticks = new long[MostSamples];

    /// <summary>
    /// A quarter of the budget untimed (at least 3 calls, at most 2,000), then at least 5 timed calls, until the budget is spent
    /// or there are 20,000 samples.
    /// </summary>
    public Timing Run(Action call, double budgetMilliseconds)
    {
        ArgumentNullException.ThrowIfNull(call);
        long budget = Ticks(budgetMilliseconds), quarter = Ticks(budgetMilliseconds * 0.25);
        long begin = Stopwatch.GetTimestamp();
        int warm = 0;
        do
        {
            call();
            warm++;
        }
        while (warm < 3 || (Stopwatch.GetTimestamp() - begin < quarter && warm < 2000));

        int n = 0;
        begin = Stopwatch.GetTimestamp();
        long previous = begin;
        do
        {
            call();
            long now = Stopwatch.GetTimestamp();
            _ticks[n++] = now - previous;
            previous = now;
        }
        while (n < 5 || (previous - begin < budget && n < MostSamples));

        Array.Sort(_ticks, 0, n);
        return new Timing(Milliseconds(_ticks[n / 2]), Milliseconds(_ticks[0]), n);
    }

    /// <summary>
    /// Untimed calls that let the runtime replace its first, unoptimised code of everything on the path: it counts 30 calls, waits
    /// 100 ms for quiet, and recompiles in the background, twice.
    /// </summary>
    public static void WarmUp(Action call, double milliseconds, double most = 2000)
    {
        ArgumentNullException.ThrowIfNull(call);
        long begin = Stopwatch.GetTimestamp();
        double spent = 0;
        for (int n = 0; (n < 64 || spent < milliseconds) && (spent < most || n < 2); n++)
        {
            call();
            spent = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        }
    }

    private static long Ticks(double milliseconds) => (long)(milliseconds * 1e-3 * Stopwatch.Frequency);

    private static double Milliseconds(long ticks) => ticks * 1e3 / Stopwatch.Frequency;
}
