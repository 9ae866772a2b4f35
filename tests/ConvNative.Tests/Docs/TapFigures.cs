using ConvNative.Problems;

namespace ConvNative.Tests.Docs;

/// <summary>Pictures of taps: rows, grids and stacks of cells.</summary>
internal static class TapFigures
{
    /// <summary>A row of inputs above a row of outputs; the taps of some outputs as lines with their weights.</summary>
    public static void Strip(Svg s, double x, double y, string caption, ConvProblem p, params long[] outputs)
    {
        const double c = 30, gap = 64;
        long first = -p.PadsBegin[0], end = p.InputSpatial[0] + Math.Max(0, p.PadsEnd[0]);
        double origin = x - (first * c), bottom = y + 22 + c + gap;
        s.Text(x, y + 10, caption, 12.5, anchor: "start", bold: true);
        Dictionary<long, int> colours = [];
        for (int i = 0; i < outputs.Length; i++)
            foreach (Tap t in Taps.Of(p, outputs[i])) colours.TryAdd(t.At[0], i % Svg.Colours.Length);
        for (long q = first; q < end; q++)
        {
            bool outside = q < 0 || q >= p.InputSpatial[0];
            s.Cell(origin + (q * c), y + 22, c, colours.TryGetValue(q, out int i) ? Svg.Tints[i] : outside ? Svg.Outside : Svg.Empty, outside ? "" : $"x{q}", outside);
        }

        // An output lies below the middle of its taps as far as strides and pads allow.
        double shift = origin + ((((p.Kernel[0] - 1) * p.Dilations[0] / 2.0) - p.PadsBegin[0]) * c);
        for (long q = 0; q < p.OutputSpatial[0]; q++)
        {
            double at = shift + (q * p.Strides[0] * c);
            int i = Array.IndexOf(outputs, q);
            if (i >= 0)
                foreach (Tap t in Taps.Of(p, q))
                {
                    double top = origin + ((t.At[0] + 0.5) * c), foot = at + (c / 2);
                    s.Line(top, y + 22 + c, foot, bottom, Svg.Colours[i % Svg.Colours.Length], 1.6, !t.Inside);
                    s.Text(top + ((foot - top) * 0.2) + 3, y + 22 + c + (gap * 0.2) + 2, $"w{t.Weight}", 10, Svg.Colours[i % Svg.Colours.Length], "start");
                }

            s.Cell(at, bottom, c, i >= 0 ? Svg.Tints[i % Svg.Tints.Length] : Svg.Empty, $"y{q}");
        }
    }

    /// <summary>Each input of a transposed convolution writes its taps; outputs are shaded by how many reach them.</summary>
    public static void Spread(Svg s, double x, double y, string caption, ConvProblem p)
    {
        const double c = 30, gap = 64;
        double bottom = y + 22 + c + gap, origin = x + (p.PadsBegin[0] * c);
        s.Text(x, y + 10, caption, 12.5, anchor: "start", bold: true);
        double shift = (p.Kernel[0] - 1) * p.Dilations[0] / 2.0;
        for (long q = 0; q < p.InputSpatial[0]; q++)
            s.Cell(x + (((q * p.Strides[0]) + shift) * c), y + 22, c, Svg.Tints[q % 4], $"x{q}");
        for (long o = -p.PadsBegin[0]; o < p.OutputSpatial[0] + p.PadsEnd[0]; o++)
        {
            if (o >= 0 && o < p.OutputSpatial[0]) continue;
            s.Cell(origin + (o * c), bottom, c, Svg.Outside, "", true);
        }

        for (long o = 0; o < p.OutputSpatial[0]; o++)
        {
            Tap[] taps = [.. Taps.Of(p, o)];
            foreach (Tap t in taps)
                s.Line(x + (((t.At[0] * p.Strides[0]) + shift + 0.5) * c), y + 22 + c, origin + ((o + 0.5) * c), bottom, Svg.Colours[t.At[0] % 4], 1.4);
            s.Cell(origin + (o * c), bottom, c, Shade(taps.Length), $"{taps.Length}");
        }

        s.Text(origin + (p.OutputSpatial[0] * c) + (Math.Max(0, p.PadsEnd[0]) * c) + 8, bottom + 19, "taps that reach each output", 11, Svg.Muted, "start");
    }

    /// <summary>Input and output as grids, slices side by side in three dimensions; the taps of some outputs filled and numbered.</summary>
    public static double Grid(Svg s, double x, double y, string caption, ConvProblem p, params long[][] outputs)
    {
        const double c = 24;
        s.Text(x, y + 10, caption, 12.5, anchor: "start", bold: true);
        Dictionary<string, (int Colour, string Text)> taps = [];
        for (int i = 0; i < outputs.Length; i++)
            foreach (Tap t in Taps.Of(p, outputs[i])) taps.TryAdd(string.Join(',', t.At), (i, $"{t.Weight}"));
        Dims full = p.InputSpatial;
        long[] begin = [.. p.PadsBegin], size = [.. full.Select((f, i) => f + p.PadsBegin[i] + Math.Max(0, p.PadsEnd[i]))];
        if (p.Op == ConvOp.Transposed) (begin, size) = (new long[p.Rank], [.. full]);
        double right = Slices(s, x, y + 20, c, size, q =>
        {
            long[] at = [.. q.Select((v, i) => v - begin[i])];
            bool outside = at.Where((v, i) => v < 0 || v >= full[i]).Any();
            return taps.TryGetValue(string.Join(',', at), out (int Colour, string Text) t)
                ? (Svg.Tints[t.Colour], t.Text, outside) : (outside ? Svg.Outside : Svg.Empty, "", outside);
        });
        double height = (p.Rank == 1 ? 1 : size[^2]) * c, oh = (p.Rank == 1 ? 1 : p.OutputSpatial[^2]) * c;
        s.Line(right + 10, y + 20 + (height / 2), right + 38, y + 20 + (height / 2), Svg.Muted, 1.5);
        s.Line(right + 32, y + 15 + (height / 2), right + 38, y + 20 + (height / 2), Svg.Muted, 1.5);
        s.Line(right + 32, y + 25 + (height / 2), right + 38, y + 20 + (height / 2), Svg.Muted, 1.5);
        return Slices(s, right + 50, y + 20 + ((height - oh) / 2), c, [.. p.OutputSpatial], q =>
        {
            int i = Array.FindIndex(outputs, o => o.SequenceEqual(q));
            return (i >= 0 ? Svg.Colours[i] : Svg.Empty, "", false);
        });
    }

    /// <summary>A table of numbers, shaded from the least to the most.</summary>
    public static double Heat(Svg s, double x, double y, string caption, IReadOnlyList<double> values, long width, double cell = 24)
    {
        s.Text(x, y + 10, caption, 12.5, anchor: "start", bold: true);
        double top = values.Max();
        for (int i = 0; i < values.Count; i++)
            s.Cell(x + (i % width * cell), y + 20 + (i / width * cell), cell, Blend(top == 0 ? 0 : values[i] / top), values[i] == 0 ? "" : $"{values[i]:0.##}", ink: values[i] > 0.62 * top ? "#ffffff" : Svg.Ink);
        return x + (width * cell);
    }

    /// <summary>From white to blue.</summary>
    public static string Blend(double share)
    {
        static int Mix(int a, int b, double t) => (int)Math.Round(a + ((b - a) * t));
        return $"#{Mix(255, 9, share):x2}{Mix(255, 78, share):x2}{Mix(255, 160, share):x2}";
    }

    private static string Shade(int taps) => taps switch { 0 => Svg.Empty, 1 => "#dcecff", 2 => "#9cc8ff", 3 => "#5aa2f5", _ => "#2f81e0" };

    private static double Slices(Svg s, double x, double y, double c, long[] size, Func<long[], (string Fill, string Text, bool Outside)> look)
    {
        long slices = size.Length == 3 ? size[0] : 1, h = size.Length == 1 ? 1 : size[^2], w = size[^1];
        for (long d = 0; d < slices; d++)
        {
            for (long r = 0; r < h; r++)
                for (long q = 0; q < w; q++)
                {
                    (string fill, string text, bool outside) = look(size.Length switch { 1 => [q], 2 => [r, q], _ => [d, r, q] });
                    s.Cell(x + (q * c), y + (r * c), c, fill, text, outside, Svg.Colours.Contains(fill) ? "#ffffff" : Svg.Ink);
                }

            x += (w * c) + (d < slices - 1 ? 14 : 0);
        }

        return x;
    }
}
