using System.Text;

namespace ConvNative.Cli.Reports;

/// <summary>Writes the files of a report into a folder; each is replaced in one step.</summary>
public static class ReportFiles
{
    /// <summary>results.json, junit.xml and results.md.</summary>
    public static void Write(string folder, MatrixReport report)
    {
        Directory.CreateDirectory(folder);
        ReportJson.WriteFile(Path.Combine(folder, "results.json"), s => ReportJson.Write(s, report));
        ReportJson.WriteFile(Path.Combine(folder, "junit.xml"), s => JUnitWriter.Write(s, report));
        ReportJson.WriteFile(Path.Combine(folder, "results.md"), s => s.Write(Encoding.UTF8.GetBytes(MarkdownWriter.Text(report))));
    }

    /// <summary>results.json, results.csv and results.md.</summary>
    public static void Write(string folder, Benchmarks.BenchReport report)
    {
        Directory.CreateDirectory(folder);
        ReportJson.WriteFile(Path.Combine(folder, "results.json"), s => ReportJson.Write(s, report));
        ReportJson.WriteFile(Path.Combine(folder, "results.csv"), s => s.Write(Encoding.UTF8.GetBytes(Benchmarks.BenchWriters.Csv(report))));
        ReportJson.WriteFile(Path.Combine(folder, "results.md"), s => s.Write(Encoding.UTF8.GetBytes(Benchmarks.BenchWriters.Markdown(report))));
    }
}
