namespace ConvNative.Tests.Docs;

/// <summary>A picture rendered by arithmetic alone (so that it is the same everywhere): sky, sun, hill, a long tilted body with a band, a small ball.</summary>
internal static class Scene
{
    public const int Width = 64, Height = 44;
    private const int Fine = 4;

    /// <summary>Red, green and blue planes, 0 to 255, whole numbers: <c>[1, 3, Height, Width]</c>.</summary>
    public static double[] Render()
    {
        var planes = new double[3 * Width * Height];
        for (int y = 0; y < Height; y++)
            for (int x = 0; x < Width; x++)
            {
                double r = 0, g = 0, b = 0;
                for (int i = 0; i < Fine * Fine; i++)
                {
                    (double pr, double pg, double pb) = At(x + ((i % Fine) + 0.5) / Fine, y + ((i / Fine) + 0.5) / Fine);
                    (r, g, b) = (r + pr, g + pg, b + pb);
                }

                int at = (y * Width) + x;
                (planes[at], planes[(Width * Height) + at], planes[(2 * Width * Height) + at]) = (Step(r), Step(g), Step(b));
            }

        return planes;

        static double Step(double sum) => Math.Min(255, Math.Floor((sum / (Fine * Fine * 6)) + 0.5) * 6);
    }

    private static (double R, double G, double B) At(double x, double y)
    {
        // A long ellipse, turned by the angle whose cosine is 0.8, with a darker band.
        (double u, double v) = Turned(x - 25, y - 18);
        if ((u * u / (19 * 19)) + (v * v / (5.5 * 5.5)) < 1) return u is > -4 and < 4 ? (208, 72, 62) : (222, 84, 70);
        (double a, double b) = (x - 53, y - 23);
        if ((a * a) + (b * b) < 16) return (250, 200, 60);
        if (y > 36 - ((x - 44) * (x - 44) / 160.0) + 4) return (66, 138, 84);
        (a, b) = (x - 57, y - 7);
        if ((a * a) + (b * b) < 14) return (255, 246, 214);
        double sky = y / Height;
        return (120 + (96 * sky), 176 + (54 * sky), 236);
    }

    private static (double U, double V) Turned(double x, double y) => ((0.8 * x) + (0.6 * y), (-0.6 * x) + (0.8 * y));
}
