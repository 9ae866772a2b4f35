using ConvNative.Oracle;
using ConvNative.Oracle.Operands;
using ConvNative.Problems;

namespace ConvNative.Tests.Docs;

/// <summary>Where a 3x3 convolution samples a picture, plain and deformed, and what it finds there: the samples are the Oracle's.</summary>
internal static class SampleFigure
{
    private const double Pixel = 6;
    private const double Near = 60;
    private const int Reach = 15;
    private static readonly ConvProblem s_problem = ConvProblem.Parse("--op=deform --dir=FWD_D mb1ic3ih44iw64oc27oh44ow64kh3kw3ph1pw1");
    private static readonly (int Dy, int Dx)[] s_labels = [(-30, 36), (5, 36), (-56, 0)];
    private static readonly (int Y, int X)[] s_outputs = [(18, 25), (23, 53), (37, 9)];

    public static string Draw()
    {
        var s = new Svg();
        double[] picture = Scene.Render(), plain = new double[s_problem.OffsetShape.Product], bent = Offsets(picture);
        double right = (Scene.Width * Pixel) + 24;
        Panel(s, 0, "plain: one grid everywhere", picture, plain);
        Panel(s, right, "deformed: offsets spread the nine taps over what they lie on", picture, bent);
        return s.Finish("Sampled points of a plain and of a deformable 3x3 convolution on a rendered picture");
    }

    /// <summary>
    /// Offsets by a rule, in the place of a network that has learned them: the taps are moved onto the area of like colour around the output, by its
    /// mean and the square root of its covariance. In 64ths, which f32 holds exactly.
    /// </summary>
    public static double[] Offsets(double[] picture)
    {
        var offsets = new double[s_problem.OffsetShape.Product];
        const int plane = Scene.Width * Scene.Height;
        foreach ((int y, int x) in s_outputs)
        {
            (double my, double mx, double yy, double yx, double xx) = Moments(picture, y, x);
            double root = Math.Sqrt(Math.Max(0, (yy * xx) - (yx * yx))), scale = 1.15 / Math.Sqrt(yy + xx + (2 * root));
            for (int k = 0; k < 9; k++)
            {
                double ky = (k / 3) - 1, kx = (k % 3) - 1;
                double ty = my + (scale * (((yy + root) * ky) + (yx * kx))), tx = mx + (scale * ((yx * ky) + ((xx + root) * kx)));
                offsets[(2 * k * plane) + (y * Scene.Width) + x] = Grain(ty - (y + ky));
                offsets[(((2 * k) + 1) * plane) + (y * Scene.Width) + x] = Grain(tx - (x + kx));
            }
        }

        return offsets;
    }

    private static double Grain(double v) => Math.Floor((v * 64) + 0.5) / 64;

    // Mean and covariance of the connected pixels that look like (y, x).
    private static (double Y, double X, double Yy, double Yx, double Xx) Moments(double[] picture, int y, int x)
    {
        HashSet<(int Y, int X)> area = [(y, x)];
        var open = new Queue<(int Y, int X)>(area);
        while (open.TryDequeue(out (int Y, int X) at))
            foreach ((int Y, int X) next in ((int, int)[])[(at.Y - 1, at.X), (at.Y + 1, at.X), (at.Y, at.X - 1), (at.Y, at.X + 1)])
            {
                bool inside = next.Y >= 0 && next.X >= 0 && next.Y < Scene.Height && next.X < Scene.Width && Math.Abs(next.Y - y) <= Reach && Math.Abs(next.X - x) <= Reach;
                if (inside && Distance(picture, next, (y, x)) < Near && area.Add(next)) open.Enqueue(next);
            }

        double my = area.Average(p => (double)p.Y), mx = area.Average(p => (double)p.X);
        return (my, mx, area.Average(p => (p.Y - my) * (p.Y - my)), area.Average(p => (p.Y - my) * (p.X - mx)), area.Average(p => (p.X - mx) * (p.X - mx)));
    }

    private static double Distance(double[] picture, (int Y, int X) a, (int Y, int X) b)
    {
        double sum = 0;
        for (int c = 0; c < 3; c++) sum += Math.Abs(picture[(((c * Scene.Height) + a.Y) * Scene.Width) + a.X] - picture[(((c * Scene.Height) + b.Y) * Scene.Width) + b.X]);
        return sum;
    }

    private static void Panel(Svg s, double x, string caption, double[] picture, double[] offsets)
    {
        s.Text(x, -8, caption, 12.5, anchor: "start", bold: true);
        const int plane = Scene.Width * Scene.Height;
        for (int r = 0; r < Scene.Height; r++)
            for (int from = 0, to; from < Scene.Width; from = to)
            {
                string colour = Colour(picture, (r * Scene.Width) + from);
                for (to = from + 1; to < Scene.Width && Colour(picture, (r * Scene.Width) + to) == colour; to++) { }

                // A little taller than a pixel, so that no seam shows.
                s.Rect(x + (from * Pixel), r * Pixel, (to - from) * Pixel, Pixel + 0.4, colour);
            }

        // 27 outputs, each with one weight: the nine samples of the three planes.
        var pick = new double[s_problem.WeightShape.Product];
        for (int c = 0; c < 3; c++)
            for (int k = 0; k < 9; k++) pick[(((((c * 9) + k) * 3) + c) * 9) + k] = 1;
        double[] sampled = NaiveOracle.Compute(s_problem, new OracleTensors { Input = picture, Weights = pick, Offset = offsets }).Values;
        for (int n = 0; n < s_outputs.Length; n++)
        {
            (int y, int at) = s_outputs[n];
            int flat = (y * Scene.Width) + at;
            double left = x + 20 + (n * 130), top = (Scene.Height * Pixel) + 14;
            for (int k = 0; k < 9; k++)
            {
                Tap t = Taps.Of(s_problem, y, at).ElementAt(k);
                double py = t.At[0] + offsets[(2 * k * plane) + flat], px = t.At[1] + offsets[(((2 * k) + 1) * plane) + flat];
                s.Circle(x + ((px + 0.5) * Pixel), (py + 0.5) * Pixel, 2.9, "#ffffff", Svg.Ink, 1.3);
                string seen = $"#{Byte(sampled[(k * plane) + flat])}{Byte(sampled[((9 + k) * plane) + flat])}{Byte(sampled[((18 + k) * plane) + flat])}";
                s.Rect(left + (k % 3 * 18), top + (k / 3 * 18), 18, 18, seen, Svg.Edge);
            }

            s.Circle(x + ((at + 0.5) * Pixel), (y + 0.5) * Pixel, 2.9, "#ffd33d", Svg.Ink, 1.3);
            s.Text(left + 62, top + 30, $"{(char)('A' + n)}", 13, bold: true, anchor: "start");
            s.Text(x + ((at + 0.5) * Pixel) + s_labels[n].Dx, ((y + 0.5) * Pixel) + s_labels[n].Dy, $"{(char)('A' + n)}", 13, bold: true);
        }
    }

    private static string Colour(double[] picture, int at) => $"#{Byte(picture[at])}{Byte(picture[(Scene.Width * Scene.Height) + at])}{Byte(picture[(2 * Scene.Width * Scene.Height) + at])}";

    private static string Byte(double v) => ((int)Math.Clamp(Math.Round(v), 0, 255)).ToString("x2", System.Globalization.CultureInfo.InvariantCulture);
}
