using System.Globalization;

namespace ConvNative.Cli.Benchmarks.Peers;

/// <summary>One measurement of another library: a line of the table that <c>torch_conv.py</c> prints.</summary>
/// <param name="Case">The shape's name.</param>
/// <param name="Direction">F forward with bias, D backward data, W backward weights and bias.</param>
/// <param name="Batch">Batch size.</param>
/// <param name="Mode">strict, tf32, bf16 or fp16.</param>
/// <param name="Layout">nchw or nhwc.</param>
/// <param name="Ms">Milliseconds of a call, on the device.</param>
public sealed record PeerMeasurement(string Case, string Direction, int Batch, string Mode, string Layout, double Ms);

/// <summary>A shape of the peers' list (<c>shapes.txt</c>): kind, directions, and the problem in benchdnn's language.</summary>
/// <param name="Kind">conv, deconv, deform1 or deform2.</param>
/// <param name="Directions">Some of F, D and W.</param>
/// <param name="Descriptor">benchdnn's descriptor with its name.</param>
/// <param name="Name">The name alone.</param>
public sealed record PeerShape(string Kind, string Directions, string Descriptor, string Name);

/// <summary>Reads the peers' files.</summary>
public static class PeerTable
{
    private const string Header = "case\tdir\tbatch\tmode\tlayout\tms";

    /// <summary>The measurements of a table; its comment lines (library, device, what failed) come as they are.</summary>
    /// <exception cref="InvalidDataException">A line is not as the header says; names the line.</exception>
    public static (IReadOnlyList<PeerMeasurement> Rows, IReadOnlyList<string> Comments) Read(IEnumerable<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var rows = new List<PeerMeasurement>();
        var comments = new List<string>();
        int number = 0;
        bool header = false;
        foreach (string line in lines)
        {
            number++;
            if (line.StartsWith('#')) comments.Add(line);
            else if (line.StartsWith(Header, StringComparison.Ordinal)) header = true;
            else if (line.Length > 0) rows.Add(header ? Row(line, number) : throw new InvalidDataException($"line {number}: the columns case, dir, batch, mode, layout, ms must come first"));
        }

        return (rows, comments);
    }

    /// <summary>The shapes of a list: a line each, "kind family dirs count descriptor".</summary>
    /// <exception cref="InvalidDataException">A line has another number of words.</exception>
    public static IReadOnlyList<PeerShape> ReadShapes(IEnumerable<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var shapes = new List<PeerShape>();
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            if (line.Length == 0 || line[0] == '#') continue;
            string[] w = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            int name = w.Length == 5 ? w[4].IndexOf("n\"", StringComparison.Ordinal) : -1;
            if (name < 0 || w[4][^1] != '"') throw new InvalidDataException($"line {number}: must be kind, family, directions, count and a descriptor with its name");
            shapes.Add(new PeerShape(w[0], w[2], w[4], w[4][(name + 2)..^1]));
        }

        return shapes;
    }

    private static PeerMeasurement Row(string line, int number)
    {
        string[] f = line.Split('\t');
        return f.Length >= 6 && int.TryParse(f[2], NumberStyles.None, CultureInfo.InvariantCulture, out int batch) && double.TryParse(f[5], NumberStyles.Float, CultureInfo.InvariantCulture, out double ms) && ms > 0
            ? new PeerMeasurement(f[0], f[1], batch, f[3], f[4], ms)
            : throw new InvalidDataException($"line {number}: must be case, direction, batch, mode, layout and milliseconds, with tabs between");
    }
}
