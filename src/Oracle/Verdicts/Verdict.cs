using System.Globalization;
using ConvNative.Oracle.Bounds;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Oracle.Verdicts;

/// <summary>Compares an engine's result with the oracle's, element by element, each against its own bound.</summary>
public static class Verdict
{
    /// <summary>
    /// A comparison with a smaller <see cref="Comparison.NonZeroFraction"/> is mistrusted: with fewer than half of the elements
    /// telling, whole channels or borders could be missing unnoticed.
    /// </summary>
    public const double TrustedFraction = 0.5;

    /// <summary>
    /// Compares <paramref name="actual"/>, the whole result in logical order (see <see cref="TensorBytes.Read"/>), with
    /// <paramref name="oracle"/>, on the elements that the oracle evaluated.
    /// </summary>
    /// <exception cref="ArgumentException">The number of elements is not that of the result.</exception>
    public static Comparison Compare(ConvProblem p, FillKind fill, OracleResult oracle, ReadOnlySpan<double> actual, Arithmetic arithmetic = default)
    {
        ArgumentNullException.ThrowIfNull(p);
        ArgumentNullException.ThrowIfNull(oracle);
        long total = oracle.Shape.Product;
        if (actual.Length != total) throw new ArgumentException($"actual = {actual.Length} elements: must be {total}, shape {oracle.Shape} ({p})");
        long failures = 0, telling = 0, withTerms = 0;
        int worst = -1;
        double worstRatio = -1, worstBound = 0;
        for (int slot = 0; slot < oracle.Values.Length; slot++)
        {
            double bound = ErrorBound.Of(p, fill, oracle, slot, arithmetic);
            double ratio = Ratio(p, oracle, slot, actual[(int)oracle.IndexOf(slot)], bound);
            if (!(ratio <= 1)) failures++;
            if (ratio > worstRatio) (worst, worstRatio, worstBound) = (slot, ratio, bound);
            if (oracle.Roundings[slot] == 0 && oracle.Magnitude[slot] == 0) continue;
            withTerms++;
            if (Tells(p, oracle, slot, bound)) telling++;
        }

        double fraction = withTerms == 0 ? 1 : (double)telling / withTerms;
        Outcome outcome = failures > 0 ? Outcome.Fail : fraction < TrustedFraction ? Outcome.Mistrusted : Outcome.Pass;
        long index = worst < 0 ? -1 : oracle.IndexOf(worst);
        var c = new Comparison
        {
            Outcome = outcome,
            WorstInBounds = Math.Max(0, worstRatio),
            WorstIndex = index,
            WorstCoordinates = Coordinates(oracle.Shape, index),
            Expected = worst < 0 ? 0 : oracle.Values[worst],
            Actual = worst < 0 ? 0 : actual[(int)index],
            Bound = worstBound,
            Checked = oracle.Values.Length,
            Total = total,
            NonZeroFraction = fraction,
            FailCount = failures,
            Summary = "",
        };
        return c with { Summary = Summarise(c) };
    }

    /// <summary>The error of the element at <paramref name="slot"/> in units of its bound; above 1 is a failure.</summary>
    public static double Ratio(ConvProblem p, OracleResult oracle, int slot, double actual, double bound)
    {
        ArgumentNullException.ThrowIfNull(p);
        ArgumentNullException.ThrowIfNull(oracle);
        // What an engine's activation makes of infinities and NaNs is its own; the sum is what is judged.
        if (oracle.BeforeActivation is { } before && !double.IsFinite(before[slot])) return 0;
        return oracle.BeforeRounding is { } steps ? QuantizedBound.Ratio(p, steps[slot], actual, bound) : Ratio(p.ResultType, oracle.Values[slot], actual, bound);
    }

    /// <summary>The error of one element of a type that is rounded to as the value is, in units of its bound; above 1 is a failure.</summary>
    public static double Ratio(DataType type, double expected, double actual, double bound)
    {
        if (double.IsNaN(expected)) return double.IsNaN(actual) || type.IsInteger() ? 0 : double.PositiveInfinity;
        if (double.IsNaN(actual)) return double.PositiveInfinity;
        // What the type cannot hold exactly, or at all, is judged after the one rounding that is unavoidable.
        if (bound == 0 || type.IsInteger())
        {
            double low = Rounding.To(type, expected - bound), high = Rounding.To(type, expected + bound);
            return actual >= low && actual <= high ? 0 : double.PositiveInfinity;
        }

        if (double.IsInfinity(expected) || double.IsInfinity(actual))
            return actual == expected || actual == Rounding.To(type, expected + Math.CopySign(bound, actual)) ? 0 : double.PositiveInfinity;
        return Math.Abs(actual - expected) / bound;
    }

    /// <summary>A zero in the place of the value (before the activation) would be noticed.</summary>
    private static bool Tells(ConvProblem p, OracleResult oracle, int slot, double bound)
    {
        double v = oracle.BeforeActivation is { } before ? before[slot] * (p.PostOps.OutputScale ?? 1) / (p.Quantization?.OutputScale ?? 1) : oracle.BeforeRounding?[slot] ?? oracle.Values[slot];
        return !double.IsFinite(v) || !(Math.Abs(v) <= (oracle.BeforeRounding is null ? bound : Math.Max(bound, 0.5)));
    }

    private static long[] Coordinates(Dims shape, long index)
    {
        if (index < 0) return [];
        var c = new long[shape.Count];
        for (int i = shape.Count - 1; i >= 0; i--) (index, c[i]) = Math.DivRem(index, shape[i]);
        return c;
    }

    private static string Summarise(Comparison c)
    {
        string part = c.Checked == c.Total ? $"{c.Total} elements" : $"{c.Checked} of {c.Total} elements";
        if (c.Checked == 0) return "no elements to compare";
        string at = $"at [{string.Join(',', c.WorstCoordinates)}]";
        string numbers = string.Create(CultureInfo.InvariantCulture, $"expected {c.Expected:R}, got {c.Actual:R}");
        string worst = string.Create(CultureInfo.InvariantCulture, $"{c.WorstInBounds:0.###} bounds");
        return c.Outcome switch
        {
            Outcome.Pass when c.WorstInBounds == 0 => $"equal, {part}",
            Outcome.Pass => $"largest error {worst} {at}, {part}",
            Outcome.Mistrusted => string.Create(CultureInfo.InvariantCulture, $"only {c.NonZeroFraction:P1} of {part} are telling: nothing failed, but a wrong answer could have passed"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{c.FailCount} of {part} outside the bound, worst {at}: {numbers}, bound {c.Bound:0.###e+0}"),
        };
    }
}
