using System.Globalization;

namespace ConvNative.Cli.Benchmarks;

/// <summary>One way to compute one problem, timed beside the others of the same problem in one run.</summary>
/// <param name="Isa">Vectors of the managed engine: avx512, avx2, ...</param>
/// <param name="Native">oneDNN's version and instruction set, or none.</param>
/// <param name="Problem">The problem string, layout included.</param>
/// <param name="Threads">Most threads of a run.</param>
/// <param name="Choice">Engine and candidate, as <c>onednn inference/any</c>.</param>
/// <param name="Implementation">The kernel that it is.</param>
/// <param name="BestMs">Least time of a run, in milliseconds.</param>
/// <param name="MedianMs">Median over the rounds of each round's median.</param>
/// <param name="Load">Processes that ran or waited beside, as the system's one-minute load average says; negative where it does not.</param>
public sealed record ChoiceRow(string Isa, string Native, string Problem, int Threads, string Choice, string Implementation, double BestMs, double MedianMs, double Load)
{
    /// <summary>Names of the columns of a file of rows.</summary>
    public const string Header = "isa\tonednn\tproblem\tthreads\tchoice\timplementation\tbest_ms\tmedian_ms\tload";

    /// <summary>Reads a file of rows.</summary>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static IEnumerable<ChoiceRow> Read(TextReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        if (reader.ReadLine() is not Header) throw new InvalidDataException($"the first line must be: {Header.Replace('\t', ' ')}");
        while (reader.ReadLine() is { } line)
        {
            string[] f = line.Split('\t');
            if (f.Length == 9) yield return new ChoiceRow(f[0], f[1], f[2], int.Parse(f[3], CultureInfo.InvariantCulture), f[4], f[5], Number(f[6]), Number(f[7]), Number(f[8]));
        }
    }

    /// <summary>The row as a line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Isa}\t{Native}\t{Problem}\t{Threads}\t{Choice}\t{Implementation}\t{BestMs:G5}\t{MedianMs:G5}\t{Load:F2}");

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
