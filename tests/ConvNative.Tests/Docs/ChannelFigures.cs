using ConvNative.Problems;

namespace ConvNative.Tests.Docs;

/// <summary>Pictures of what reads what: channels of a chain of convolutions, the nodes of a graph, the fields of a stack.</summary>
internal static class ChannelFigures
{
    /// <summary>Channels as boxes from left to right, and which output channel reads which input channel.</summary>
    public static double Chain(Svg s, double x, double y, string caption, params ConvProblem[] stages)
    {
        const double c = 22, pitch = 30, step = 110;
        s.Text(x, y + 10, caption, 12.5, anchor: "start", bold: true);
        long most = stages.Max(p => Math.Max(p.InputChannels, p.OutputChannels));
        double Top(long channels, long at) => y + 24 + ((most - channels) * pitch / 2) + (at * pitch);
        int[] group = [.. Enumerable.Range(0, (int)stages[0].InputChannels).Select(i => (int)(i * stages[0].Groups / stages[0].InputChannels))];
        for (int n = 0; n < stages.Length; n++, x += step)
        {
            ConvProblem p = stages[n];
            int[] next = new int[p.OutputChannels];
            for (long o = 0; o < p.OutputChannels; o++)
            {
                long[] reads = [.. Reads(p, o)];
                next[o] = p.Op == ConvOp.ChannelShuffle ? group[reads[0]] : (int)(o * p.Groups / p.OutputChannels);
                foreach (long i in reads) s.Line(x + c, Top(p.InputChannels, i) + (c / 2), x + step, Top(p.OutputChannels, o) + (c / 2), Colour(group[i], p.Groups), 1.3);
            }

            for (int i = 0; i < p.InputChannels; i++) s.Rect(x, Top(p.InputChannels, i), c, c, Tint(group[i], p.Groups), Svg.Edge, 3);
            s.Text(x + ((step + c) / 2), y + 24 + (most * pitch) + 12, Label(p), 11, Svg.Muted);
            group = next;
        }

        for (int i = 0; i < group.Length; i++) s.Rect(x, Top(group.Length, i), c, c, Tint(group[i], 2), Svg.Edge, 3);
        return x + c;
    }

    /// <summary>The channels that output channel <paramref name="o"/> reads.</summary>
    public static IEnumerable<long> Reads(ConvProblem p, long o)
    {
        long own = p.InputChannels / p.Groups;
        if (p.Op == ConvOp.ChannelShuffle) return [(o % p.Groups * own) + (o / p.Groups)];
        long g = o / (p.OutputChannels / p.Groups);
        return Enumerable.Range(0, (int)own).Select(c => (g * own) + c);
    }

    /// <summary>Rows of positions, input first: what one output of the last of a chain of 1-D convolutions depends on.</summary>
    public static double Pyramid(Svg s, double x, double y, string caption, params ConvProblem[] chain)
    {
        const double c = 22, row = 58;
        s.Text(x, y + 10, caption, 12.5, anchor: "start", bold: true);
        y += 22;
        long width = chain[0].InputSpatial[0];
        HashSet<long> live = [chain[^1].OutputSpatial[0] / 2];
        for (int n = chain.Length; n >= 0; n--)
        {
            double top = y + (n * row);
            long size = n == 0 ? width : chain[n - 1].OutputSpatial[0];
            for (long q = 0; q < size; q++) s.Cell(x + (q * c), top, c, live.Contains(q) ? n == chain.Length ? Svg.Colours[0] : Svg.Tints[0] : Svg.Empty);
            s.Text(x + (width * c) + 10, top + 15, n == 0 ? $"input: {live.Max() - live.Min() + 1} wide, {live.Count} read" : $"after {n}", 11, Svg.Muted, "start");
            if (n == 0) break;
            HashSet<long> below = [];
            foreach (long q in live)
                foreach (Tap t in Taps.Of(chain[n - 1], q).Where(t => t.Inside))
                {
                    below.Add(t.At[0]);
                    s.Line(x + ((t.At[0] + 0.5) * c), top - row + c, x + ((q + 0.5) * c), top, Svg.Colours[0], 1);
                }

            live = below;
        }

        return y + (chain.Length * row) + c;
    }

    private static string Label(ConvProblem p) => p.Op == ConvOp.ChannelShuffle ? "shuffle" : p.IsDepthwise ? $"depthwise {string.Join('x', p.Kernel)}" : p.Groups > 1 ? $"{string.Join('x', p.Kernel)}, {p.Groups} groups" : string.Join('x', p.Kernel);

    private static string Colour(int group, long groups) => groups == 1 ? Svg.Muted : Svg.Colours[group % Svg.Colours.Length];

    private static string Tint(int group, long groups) => groups == 1 ? Svg.Empty : Svg.Tints[group % Svg.Tints.Length];
}
