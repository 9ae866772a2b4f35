using ConvNative.Problems;

namespace ConvNative.Oracle.Bounds;

/// <summary>What Winograd's minimal filtering does to rounding errors: F(2x2, 3x3) and F(4x4, 3x3), from their matrices.</summary>
/// <remarks>
/// <para>y = A^T [(G g G^T) . (B^T d B)] A, summed over C channels before A^T. With |g| at most W and |d| at most D, point j of a transformed
/// kernel is at most W times the absolute sum of row j of G, a point of a source D times that of B^T, in each of the two dimensions, and
/// result i takes it |A_ij| times. So point j carries p_j = |A_ij| |G_j| |B_j| of W*D a channel, squared by the second dimension, where the
/// direct sum has 9*W*D in all.</para>
/// <para>Rounding errors are mean independent and at most u of the value that is rounded, so a sum of them, each times a coefficient c_k, is
/// at most lambda*u*sqrt(sum c_k^2) except with probability 2*exp(-lambda^2/2) (Azuma and Hoeffding's inequality; Higham and Mary, A New
/// Approach to Probabilistic Rounding Error Analysis, SIAM J. Sci. Comput. 41, 2019). Two kinds of them:</para>
/// <para>Sums over channels: C roundings at each point, of partial sums of at most C*W*D*p_j. Points are rounded apart from each other, so
/// their squares add up: sqrt(C) * C * W*D * sum_j p_j^2, both dimensions.</para>
/// <para>Transforms: a rounding of a channel's transform reaches several points, at most all: (sum_j p_j)^2 * W*D; at most 4+4 in the source's,
/// 3+3 in the kernel's and 5+5 in the result's, and C channels apart from each other: sqrt(24*C) * W*D * (sum_j p_j)^2. (Those of the result round sums over all
/// channels, C*W*D*p_j at a time, and so are counted with the C roundings of the sums, with bias, residual and its scale.)</para>
/// </remarks>
public static class WinogradBound
{
    private const double TransformRoundings = 24;
    private const double ResultRoundings = 13;

    private static readonly double[][] s_a2 = [[1, 1, 1, 0], [0, 1, -1, -1]];
    private static readonly double[][] s_g2 = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]];
    private static readonly double[][] s_b2 = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]];
    private static readonly double[][] s_a4 = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]];

    private static readonly double[][] s_g4 =
        [[1.0 / 4, 0, 0], [-1.0 / 6, -1.0 / 6, -1.0 / 6], [-1.0 / 6, 1.0 / 6, -1.0 / 6], [1.0 / 24, 1.0 / 12, 1.0 / 6], [1.0 / 24, -1.0 / 12, 1.0 / 6], [0, 0, 1]];

    private static readonly double[][] s_b4 =
        [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]];

    /// <summary>Magnitude of all that a result adds up, over that of the direct sum, at most: (sum_j p_j)^2 / 9 of the larger size.</summary>
    public static double Growth { get; } = Math.Max(Of(s_a2, s_g2, s_b2, 1), Of(s_a4, s_g4, s_b4, 1));

    /// <summary>As <see cref="Growth"/> with the points' squares added up: (sum_j p_j^2) / 9.</summary>
    public static double GrowthApart { get; } = Math.Max(Of(s_a2, s_g2, s_b2, 2), Of(s_a4, s_g4, s_b4, 2));

    /// <summary>
    /// Bound on the error of a result, over <see cref="OracleResult.LargestMagnitude"/>, for unit roundoff <paramref name="u"/> and
    /// <paramref name="lambda"/> as above.
    /// </summary>
    public static double Factor(ConvProblem p, double u, double lambda)
    {
        ArgumentNullException.ThrowIfNull(p);
        double c = (double)(p.Direction == Direction.BackwardData ? p.OutputChannels : p.InputChannels) / p.Groups;
        double e = lambda * u * ((Math.Sqrt(c + ResultRoundings) * GrowthApart) + (Math.Sqrt(TransformRoundings / c) * Growth));

        // Products of errors.
        return e < 1 ? e + (e * e) : double.PositiveInfinity;
    }

    private static double Of(double[][] a, double[][] g, double[][] b, int power)
    {
        double most = a.Max(row => row.Select((v, j) => Math.Pow(Math.Abs(v) * g[j].Sum(Math.Abs) * b[j].Sum(Math.Abs), power)).Sum());
        return (power == 1 ? most * most : most) / 9;
    }
}
