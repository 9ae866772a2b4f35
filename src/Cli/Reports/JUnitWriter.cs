using System.Globalization;
using System.Text;
using System.Xml;
using ConvNative.Cli.Checking;

namespace ConvNative.Cli.Reports;

/// <summary>JUnit XML, as build servers read it: a test suite a problem suite, a test case a cell.</summary>
public static class JUnitWriter
{
    /// <summary>Writes all cells. Unsupported and unavailable count as skipped, mistrusted as failed.</summary>
    public static void Write(Stream to, MatrixReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        using XmlWriter w = XmlWriter.Create(to, new XmlWriterSettings { Indent = true, Encoding = new UTF8Encoding(false) });
        w.WriteStartElement("testsuites");
        w.WriteAttributeString("name", "convnative matrix");
        Counts(w, report.Cells);
        foreach (IGrouping<string, CellResult> suite in report.Cells.GroupBy(c => c.Suite ?? "check"))
        {
            w.WriteStartElement("testsuite");
            w.WriteAttributeString("name", Clean(suite.Key));
            w.WriteAttributeString("timestamp", report.Created.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture));
            w.WriteAttributeString("hostname", report.Machines.Count > 0 ? report.Machines[0].Host : "");
            Counts(w, [.. suite]);
            foreach (CellResult c in suite) Case(w, c);
            w.WriteEndElement();
        }

        w.WriteEndElement();
    }

    private static void Counts(XmlWriter w, IReadOnlyList<CellResult> cells)
    {
        Totals t = Totals.Of(cells);
        w.WriteAttributeString("tests", Number(cells.Count));
        w.WriteAttributeString("failures", Number(t.Fail + t.Mistrusted));
        w.WriteAttributeString("errors", Number(t.Error));
        w.WriteAttributeString("skipped", Number(t.Unsupported + t.Unavailable));
        w.WriteAttributeString("time", cells.Sum(c => c.Seconds).ToString("F3", CultureInfo.InvariantCulture));
    }

    private static void Case(XmlWriter w, CellResult c)
    {
        w.WriteStartElement("testcase");
        w.WriteAttributeString("classname", Clean($"{c.Suite ?? "check"}.{c.Backend}"));
        w.WriteAttributeString("name", Clean(c.Name is null ? c.Problem : $"{c.Name} {c.Problem}"));
        w.WriteAttributeString("time", c.Seconds.ToString("F3", CultureInfo.InvariantCulture));
        string? element = c.Status switch
        {
            CellStatus.Pass => null,
            CellStatus.Unsupported or CellStatus.Unavailable => "skipped",
            CellStatus.Error => "error",
            _ => "failure",
        };
        if (element is not null)
        {
            string status = Names(c.Status);
            w.WriteStartElement(element);
            if (element != "skipped") w.WriteAttributeString("type", status);
            w.WriteAttributeString("message", Clean($"{status}: {FirstLine(c.Message)}"));
            if (element != "skipped" && c.Message is not null) w.WriteString(Clean(c.Message));
            w.WriteEndElement();
        }

        w.WriteEndElement();
    }

    private static string Names(CellStatus s) => Problems.Names.Of(s);

    private static string Number(int n) => n.ToString(CultureInfo.InvariantCulture);

    private static string FirstLine(string? text) => text is null ? "" : text.Split('\n', 2)[0];

    // Names and an exception's text may hold characters that XML cannot: those are spelled, so that different names stay different.
    private static string Clean(string text)
    {
        var b = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            char ch = text[i];
            if (i + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[i + 1], ch)) b.Append(ch).Append(text[++i]);
            else if (XmlConvert.IsXmlChar(ch)) b.Append(ch);
            else b.Append(CultureInfo.InvariantCulture, $"\\u{(int)ch:x4}");
        }

        return b.ToString();
    }
}
