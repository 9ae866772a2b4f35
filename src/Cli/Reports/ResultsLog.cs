using System.Text.Json;
using ConvNative.Cli.Checking;

namespace ConvNative.Cli.Reports;

/// <summary>
/// results.jsonl: every cell as soon as it is finished, so that a run which is stopped keeps what it has. With resume it also
/// answers which cells need not be repeated.
/// </summary>
public sealed class ResultsLog : IDisposable
{
    /// <summary>Name of the file in the output folder.</summary>
    public const string FileName = "results.jsonl";

    private readonly Dictionary<(string Problem, string Backend), CellResult> _known = [];
    private readonly FileStream _file;
    private readonly Lock _lock = new();
    private bool _closed;

    /// <summary>Opens or creates the log in <paramref name="folder"/>; without <paramref name="resume"/> an old one is emptied.</summary>
    /// <exception cref="IOException">The folder or file cannot be written.</exception>
    public ResultsLog(string folder, bool resume)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, FileName);
        long whole = resume && File.Exists(path) ? ReadKnown(path) : 0;
        _file = new FileStream(path, resume ? FileMode.OpenOrCreate : FileMode.Create, FileAccess.Write, FileShare.Read);
        _file.SetLength(whole);
        _file.Seek(0, SeekOrigin.End);
    }

    /// <summary>Lines of an earlier run that could not be read.</summary>
    public int Unreadable { get; private set; }

    /// <summary>
    /// The finished cell of an earlier run, if tool and library are the same now. Unavailable engines and exceptions are always
    /// tried again.
    /// </summary>
    public CellResult? Find(string problem, string backend, string toolVersion, string backendVersion) =>
        _known.TryGetValue((problem, backend), out CellResult? c)
            && c.ToolVersion == toolVersion && c.BackendVersion == backendVersion
            && c.Status is not (CellStatus.Unavailable or CellStatus.Error) ? c : null;

    /// <summary>Appends a line and hands it to the operating system.</summary>
    public void Add(CellResult cell)
    {
        byte[] line = ReportJson.Line(cell);
        lock (_lock)
        {
            if (_closed) return;
            _file.Write(line);
            _file.Flush();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            _file.Dispose();
        }
    }

    // Returns the length of the part that consists of whole lines: a run that was killed may have left half a line.
    private long ReadKnown(string path)
    {
        byte[] all = File.ReadAllBytes(path);
        int start = 0;
        while (start < all.Length)
        {
            int end = Array.IndexOf(all, (byte)'\n', start);
            if (end < 0)
            {
                Unreadable++;
                break;
            }

            Remember(all.AsSpan(start, end - start));
            start = end + 1;
        }

        return start;
    }

    private void Remember(ReadOnlySpan<byte> line)
    {
        try
        {
            if (JsonSerializer.Deserialize(line, ReportJson.Default.CellResult) is { } c) _known[(c.Problem, c.Backend)] = c;
        }
        catch (JsonException)
        {
            Unreadable++;
        }
    }
}
