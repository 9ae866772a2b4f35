using System.Globalization;
using ConvNative.Cli.Execution;
using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Cli.Onnx;

/// <summary>
/// A result against a test's expected output, as ONNX's own runner compares: same type, same shape, and each element within
/// 1e-7 + 1e-3 * |expected|; NaN equals NaN, infinities must agree. Integers are compared exactly.
/// </summary>
/// <param name="IsEqual">The result is as expected.</param>
/// <param name="LargestError">The largest absolute error; NaN where types or shapes differ, or not-a-number and infinities do.</param>
/// <param name="ShareOfTolerance">The largest error in units of its element's tolerance; 0 or infinite for integers.</param>
/// <param name="Message">The largest error, or what differs.</param>
public sealed record OutputComparison(bool IsEqual, double LargestError, double ShareOfTolerance, string Message)
{
    /// <summary>The relative part of the tolerance.</summary>
    public const double Relative = 1e-3;

    /// <summary>The absolute part of the tolerance.</summary>
    public const double Absolute = 1e-7;

    /// <summary>Compares <paramref name="result"/> (logical order) with <paramref name="expected"/>.</summary>
    public static OutputComparison Of(ReadOnlySpan<byte> result, DataType type, Dims shape, NpyArray expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        NpyArray actual = TensorFiles.ToFile(result.ToArray(), shape, type, null);
        if (actual.Type != expected.Type) return Different($"the output is {Name(actual.Type)}, expected {Name(expected.Type)}");
        if (shape != expected.Shape) return Different($"the output's shape is {shape}, expected {expected.Shape}");
        return Of(Numbers.ToDoubles(actual.Data, type), Numbers.ToDoubles(expected.Data, type), shape, type.IsInteger());
    }

    private static OutputComparison Of(double[] actual, double[] expected, Dims shape, bool exact)
    {
        double largest = 0, share = 0;
        int wrong = 0, worst = -1;
        for (int i = 0; i < actual.Length; i++)
        {
            // Equality covers infinities of one sign; a difference of infinities is not a number.
            double error = actual[i] == expected[i] || (double.IsNaN(actual[i]) && double.IsNaN(expected[i])) ? 0 : Math.Abs(actual[i] - expected[i]);
            if (error == 0) continue;
            double tolerance = exact || !double.IsFinite(expected[i]) ? 0 : Absolute + (Relative * Math.Abs(expected[i]));
            double part = double.IsFinite(error) && tolerance > 0 ? error / tolerance : double.PositiveInfinity;
            if (part > 1) wrong++;
            if (worst < 0 || part > share) worst = i;
            share = Math.Max(share, part);
            largest = Math.Max(largest, error);
        }

        string text = exact
            ? wrong == 0 ? "exact" : string.Create(CultureInfo.InvariantCulture, $"largest error {largest}")
            : string.Create(CultureInfo.InvariantCulture, $"largest error {largest:G3}, {share:G3} of its tolerance");
        if (wrong > 0)
            text = string.Create(CultureInfo.InvariantCulture, $"{wrong} of {actual.Length} elements differ, most at {Position(worst, shape)}: {actual[worst]:G9}, expected {expected[worst]:G9}; {text}");
        return new OutputComparison(wrong == 0, largest, share, text);
    }

    private static OutputComparison Different(string what) => new(false, double.NaN, double.NaN, what);

    private static string Name(NpyType type) => type == NpyType.U2 ? "bf16" : type.Descr();

    private static string Position(int index, Dims shape)
    {
        var at = new long[shape.Count];
        long left = index;
        for (int axis = shape.Count - 1; axis >= 0; axis--) (left, at[axis]) = Math.DivRem(left, shape[axis]);
        return Dims.Create(at).ToString();
    }
}
