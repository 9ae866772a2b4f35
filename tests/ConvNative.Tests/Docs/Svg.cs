using System.Globalization;
using System.Security;
using System.Text;

namespace ConvNative.Tests.Docs;

/// <summary>Writes one picture. It brings its own light card, so that it is legible on any background.</summary>
internal sealed class Svg
{
    public const string Ink = "#1f2328", Muted = "#59636e", Edge = "#8c959f", Empty = "#ffffff", Outside = "#eef0f3";
    public static readonly string[] Colours = ["#0969da", "#c2590a", "#1a7f37", "#8250df", "#bf3989", "#57606a"];
    public static readonly string[] Tints = ["#cfe4ff", "#ffdfc2", "#cdeed3", "#e7d9ff", "#ffd9ee", "#e1e4e8"];
    private const double Margin = 16;
    private readonly StringBuilder _body = new();
    private double _left = double.MaxValue, _top = double.MaxValue, _right = double.MinValue, _bottom = double.MinValue;

    public void Rect(double x, double y, double w, double h, string fill, string? stroke = null, double radius = 0, bool dashed = false, double width = 1)
    {
        Reach(x, y);
        Reach(x + w, y + h);
        string line = stroke is null ? "" : $" stroke=\"{stroke}\" stroke-width=\"{N(width)}\"{(dashed ? " stroke-dasharray=\"3 2\"" : "")}";
        Add($"<rect x=\"{N(x)}\" y=\"{N(y)}\" width=\"{N(w)}\" height=\"{N(h)}\"{(radius > 0 ? $" rx=\"{N(radius)}\"" : "")} fill=\"{fill}\"{line}/>");
    }

    public void Line(double x1, double y1, double x2, double y2, string stroke, double width = 1.5, bool dashed = false)
    {
        Reach(x1, y1);
        Reach(x2, y2);
        Add($"<line x1=\"{N(x1)}\" y1=\"{N(y1)}\" x2=\"{N(x2)}\" y2=\"{N(y2)}\" stroke=\"{stroke}\" stroke-width=\"{N(width)}\"{(dashed ? " stroke-dasharray=\"3 2\"" : "")}/>");
    }

    public void Circle(double x, double y, double r, string fill, string? stroke = null, double width = 1)
    {
        Reach(x - r, y - r);
        Reach(x + r, y + r);
        Add($"<circle cx=\"{N(x)}\" cy=\"{N(y)}\" r=\"{N(r)}\" fill=\"{fill}\"{(stroke is null ? "" : $" stroke=\"{stroke}\" stroke-width=\"{N(width)}\"")}/>");
    }

    /// <summary>A curve that leaves downwards and arrives from above.</summary>
    public void Curve(double x1, double y1, double x2, double y2, string stroke, double width = 1.5)
    {
        Reach(x1, y1);
        Reach(x2, y2);
        double middle = (y1 + y2) / 2;
        Add($"<path d=\"M{N(x1)} {N(y1)} C{N(x1)} {N(middle)} {N(x2)} {N(middle)} {N(x2)} {N(y2)}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{N(width)}\"/>");
    }

    public void Polyline(IEnumerable<(double X, double Y)> points, string stroke, double width = 1.5)
    {
        var text = new StringBuilder();
        foreach ((double x, double y) in points)
        {
            Reach(x, y);
            text.Append(text.Length > 0 ? " " : "").Append(N(x)).Append(',').Append(N(y));
        }

        Add($"<polyline points=\"{text}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{N(width)}\"/>");
    }

    public void Text(double x, double y, string text, double size = 12, string fill = Ink, string anchor = "middle", bool bold = false)
    {
        // 0.6 em a character is what common sans-serif fonts stay below.
        double length = text.Length * size * 0.6, from = anchor == "start" ? x : anchor == "end" ? x - length : x - (length / 2);
        Reach(from, y - size);
        Reach(from + length, y + (size * 0.3));
        Add($"<text x=\"{N(x)}\" y=\"{N(y)}\" font-size=\"{N(size)}\" fill=\"{fill}\"{(anchor == "start" ? "" : $" text-anchor=\"{anchor}\"")}{(bold ? " font-weight=\"600\"" : "")}>{SecurityElement.Escape(text)}</text>");
    }

    /// <summary>A square with a text in its middle.</summary>
    public void Cell(double x, double y, double size, string fill, string text = "", bool outside = false, string ink = Ink)
    {
        Rect(x, y, size, size, fill, Edge, dashed: outside);
        if (text.Length == 0) return;
        double font = Math.Min(size * 0.46, size * 1.45 / text.Length);
        Text(x + (size / 2), y + (size / 2) + (font * 0.36), text, font, ink);
    }

    public string Finish(string title)
    {
        double x = Math.Floor(_left - Margin), y = Math.Floor(_top - Margin), w = Math.Ceiling(_right + Margin - x), h = Math.Ceiling(_bottom + Margin - y);
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" role="img" width="{N(w)}" height="{N(h)}" viewBox="{N(x)} {N(y)} {N(w)} {N(h)}" font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif">
            <title>{SecurityElement.Escape(title)}</title>
            <rect x="{N(x + 0.5)}" y="{N(y + 0.5)}" width="{N(w - 1)}" height="{N(h - 1)}" rx="8" fill="#fcfcfd" stroke="#d0d7de"/>
            {_body}</svg>

            """;
    }

    private static string N(double v) => v.ToString("0.##", CultureInfo.InvariantCulture);

    private void Add(string element) => _body.Append(element).Append('\n');

    private void Reach(double x, double y)
    {
        (_left, _right) = (Math.Min(_left, x), Math.Max(_right, x));
        (_top, _bottom) = (Math.Min(_top, y), Math.Max(_bottom, y));
    }
}
