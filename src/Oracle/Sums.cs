namespace ConvNative.Oracle;

/// <summary>What a variant's loops leave behind: values, sums of absolute values and counts, still without bias and post-ops.</summary>
internal sealed class Sums(long count)
{
    public double[] Values { get; } = new double[count];

    public double[] Magnitude { get; } = new double[count];

    public int[] Roundings { get; } = new int[count];

    public double[]? Sensitivity { get; set; }

    public void Set(int slot, double value, double magnitude, int roundings)
    {
        Values[slot] = value;
        Magnitude[slot] = magnitude;
        Roundings[slot] = roundings;
    }

    /// <summary>Runs <paramref name="body"/> (slot, flat index) for every element, or for the sampled ones, on all cores.</summary>
    public static Sums ForEach(long count, long[]? sample, Action<Sums, int, long> body)
    {
        var sums = new Sums(sample?.Length ?? count);
        Parallel.For(0, sums.Values.Length, slot => body(sums, slot, sample is null ? slot : sample[slot]));
        return sums;
    }
}
