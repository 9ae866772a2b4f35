namespace ConvNative.Oracle.Operands;

/// <summary>
/// Deterministic random numbers by index: SplitMix64's output function of seed + index, so that a tensor's values depend on
/// neither order nor threads.
/// </summary>
internal readonly struct CounterRandom(ulong seed)
{
    private readonly ulong _key = Mix(seed);

    public ulong Bits(long index) => Mix(_key + ((ulong)index * 0x9E3779B97F4A7C15UL));

    /// <summary>Uniform in [0, 1).</summary>
    public double Uniform(long index) => (Bits(index) >> 11) * Math.ScaleB(1, -53);

    /// <summary>Uniform in [0, count).</summary>
    public long Below(long index, long count) => (long)Math.BigMul(Bits(index), (ulong)count, out _);

    /// <summary>Normally distributed (Box and Muller), |v| at least 1/16.</summary>
    public double Normal(long index)
    {
        ulong bits = Bits(index);
        double u = ((uint)bits + 0.5) * Math.ScaleB(1, -32), angle = 2 * Math.PI * (bits >> 32) * Math.ScaleB(1, -32);
        double v = Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(angle);
        return Math.CopySign(Math.Max(Math.Abs(v), 1.0 / 16), v);
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
