namespace ConvNative.Oracle;

/// <summary>erf and erfc to about 1e-15 relative, from the formulas of Abramowitz and Stegun, chapter 7.</summary>
public static class ErrorFunction
{
    // Below, the series converges fast and 1 - erf loses little; above, the continued fraction does.
    private const double Crossover = 1;

    /// <summary>erf(x).</summary>
    public static double Erf(double x)
    {
        if (double.IsNaN(x)) return x;
        double a = Math.Abs(x);
        double r = a < Crossover ? Series(a) : 1 - Fraction(a);
        return Math.CopySign(r, x);
    }

    /// <summary>1 - erf(x), without cancellation for large x.</summary>
    public static double Erfc(double x)
    {
        if (double.IsNaN(x)) return x;
        if (x < 0) return 1 + Erf(-x);
        return x < Crossover ? 1 - Series(x) : Fraction(x);
    }

    /// <summary>7.1.6: erf(x) = 2/sqrt(pi) * exp(-x^2) * sum 2^n x^(2n+1) / (1*3*...*(2n+1)); all terms positive.</summary>
    private static double Series(double x)
    {
        double term = x, sum = x;
        for (int n = 1; term > sum * 1e-17; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    /// <summary>7.1.14: sqrt(pi) * exp(x^2) * erfc(x) = 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + 2/(x + ...))))), from its far end.</summary>
    private static double Fraction(double x)
    {
        if (x > 27.3) return 0;
        double f = x;
        // n steps leave about exp(-2x*sqrt(2n)).
        for (int k = 8 + (int)(190 / (x * x)); k >= 1; k--) f = x + (k / 2.0 / f);
        return Math.Exp(-x * x) / (Math.Sqrt(Math.PI) * f);
    }
}
