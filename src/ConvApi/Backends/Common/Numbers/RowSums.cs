
namespace ConvNative.Backends.Common.Numbers;

/// <summary>Sums over pixels, as the gradient of a bias needs them; the order of the additions depends on the sizes only.</summary>
internal static unsafe class RowSums
{
    /// <summary>Sum of a channel whose planes of <paramref name="plane"/> elements are <paramref name="step"/> apart.</summary>
    public static float Channel(float* from, long batch, long step, long plane)
    {
        // A sum per stretch keeps the error of long sums small.
        const int Stretch = 4096;
        float sum = 0;
        for (long n = 0; n < batch; n++)
            for (long at = 0; at < plane; at += Stretch) sum += Row(from + (n * step) + at, (int)Math.Min(Stretch, plane - at));
        return sum;
    }

    /// <summary>Sums of <paramref name="count"/> neighbouring channels of channels-last pixels, <paramref name="step"/> apart.</summary>
    public static void Channels(float* from, long pixels, long step, float* sums, int count)
    {
        // Pairs of levels: stretches are summed in a row of their own first.
        const int Stretch = 512;
        float* part = stackalloc float[MostChannels];
        new Span<float>(sums, count).Clear();
        for (long at = 0; at < pixels; at += Stretch)
        {
            new Span<float>(part, count).Clear();
            for (long p = at; p < Math.Min(pixels, at + Stretch); p++) Add(from + (p * step), part, count);
            Add(part, sums, count);
        }
    }

    /// <summary>Most channels of one call of <see cref="Channels"/>.</summary>
    public const int MostChannels = 64;

    /// <summary><c>to += from</c>.</summary>
    public static void Add(float* from, float* to, int count)
    {
        int i = 0;
        if (InstructionSet.VectorBits >= 512) i = Add<Lanes16>(from, to, 0, count);
        if (InstructionSet.VectorBits >= 256 && i < count) i = Add<Lanes8>(from, to, i, count);
        if (InstructionSet.VectorBits >= 128 && i < count) i = Add<Lanes4>(from, to, i, count);
        if (i < count) Add<Lanes1>(from, to, i, count);
    }

    private static float Row(float* from, int count)
    {
        int i = 0;
        float sum = 0;
        if (InstructionSet.VectorBits >= 512) i = Row<Lanes16>(from, 0, count, ref sum);
        if (InstructionSet.VectorBits >= 256 && i < count) i = Row<Lanes8>(from, i, count, ref sum);
        if (InstructionSet.VectorBits >= 128 && i < count) i = Row<Lanes4>(from, i, count, ref sum);
        if (i < count) Row<Lanes1>(from, i, count, ref sum);
        return sum;
    }

    private static int Row<T>(float* from, int i, int count, ref float sum)
        where T : struct, ILanes<T>
    {
        T a = T.Of(0), b = a, c = a, d = a;
        for (; i + (4 * T.Count) <= count; i += 4 * T.Count)
        {
            a = T.Add(a, T.Load(from + i));
            b = T.Add(b, T.Load(from + i + T.Count));
            c = T.Add(c, T.Load(from + i + (2 * T.Count)));
            d = T.Add(d, T.Load(from + i + (3 * T.Count)));
        }

        for (; i + T.Count <= count; i += T.Count) a = T.Add(a, T.Load(from + i));
        sum += T.Add(T.Add(a, b), T.Add(c, d)).Sum();
        return i;
    }

    private static int Add<T>(float* from, float* to, int i, int count)
        where T : struct, ILanes<T>
    {
        for (; i + T.Count <= count; i += T.Count) T.Add(T.Load(to + i), T.Load(from + i)).Store(to + i);
        return i;
    }
}
