namespace ConvNative.Kernels.Generator;

/// <summary>A type parameter that stands for a number, and the numbers that it is used with: struct N3 has a size of three.</summary>
internal sealed record Sizes(string Parameter, params int[] Values)
{
    public int Least => Values.Min();

    public int Most => Values.Max();

    /// <summary>The condition under which there is a number <paramref name="index"/>, counted from 0; empty where there always is.</summary>
    /// <remarks>What appears with the same size has the same condition, whatever its number, so that neighbours share one.</remarks>
    public string Has(int index)
    {
        int without = Values.Where(v => v <= index).DefaultIfEmpty(0).Max();
        return without == 0 ? "" : $"sizeof({Parameter}) > {without}";
    }

    /// <summary>The condition under which both conditions hold.</summary>
    public static string And(string a, string b) => a.Length == 0 ? b : b.Length == 0 ? a : $"{a} && {b}";
}
