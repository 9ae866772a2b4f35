using ConvNative.Cli.Execution;
using ConvNative.Cli.Files;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>
/// Runs cases one after the other. A case's file is on disk and its line flushed before the next case begins, and nothing that
/// one case does stops the others.
/// </summary>
public sealed class CaseRunner(string backend, PlanOptions options, TextWriter output)
{
    /// <summary>Runs every line of a cases file; empty lines are skipped.</summary>
    /// <returns>3 when the backend is unavailable, else 1 when a case failed, else 2 when one was invalid, else 0.</returns>
    public int RunFile(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var seen = new HashSet<CaseStatus>();
        var ids = new HashSet<string>();
        foreach (string line in File.ReadLines(path))
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            (string? id, RunResult result) = CaseParser.TryId(line) is { } known && !ids.Add(known)
                ? (known, Guarded(() => throw new ConvProblemException("id", known, "belongs to an earlier line")))
                : RunLine(line, folder);
            seen.Add(result.Status);
            output.WriteLine(Line(id, result));
            output.Flush();
        }

        return seen.Contains(CaseStatus.Unavailable) ? ExitCode.Unavailable
            : seen.Contains(CaseStatus.Error) ? ExitCode.Failed
            : seen.Contains(CaseStatus.Invalid) ? ExitCode.Usage
            : ExitCode.Done;
    }

    /// <summary>Runs one line, with files relative to <paramref name="folder"/>; never throws for what the line says.</summary>
    public (string? Id, RunResult Result) RunLine(string line, string folder)
    {
        string? id = CaseParser.TryId(line);
        return (id, Guarded(() =>
        {
            CaseSpec spec = CaseParser.Parse(line);
            PreparedCase prepared = CaseBuilder.Prepare(spec, folder);
            string output = spec.Output ?? throw new ConvProblemException("outputs.output", "none", "names the file for the result");
            return Run(prepared, OutputPath(folder, output));
        }));
    }

    /// <summary>Turns what goes wrong on the way into a result.</summary>
    public RunResult Guarded(Func<RunResult> run)
    {
        ArgumentNullException.ThrowIfNull(run);
        try
        {
            return run();
        }
        catch (Exception e) when (e is ConvProblemException or FormatException)
        {
            return new RunResult(CaseStatus.Invalid, backend, "", e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // One bad case never stops the others, whatever it is that broke.
            return new RunResult(CaseStatus.Error, backend, "", $"{e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>Runs a prepared case and writes its result.</summary>
    public RunResult Run(PreparedCase prepared, string? outputPath)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        if (Executor.Missing(backend) is { } missing) return new RunResult(CaseStatus.Unavailable, backend, "", missing);
        RunResult result = Executor.Run(backend, prepared.Problem, prepared.Tensors, options);
        if (result.Result is null || outputPath is null) return result;
        NpyFile.Write(outputPath, prepared.ToFile(result.Result));
        return result;
    }

    /// <summary>The path of a result's file, whose folder is made; found wrong here, it costs no computation.</summary>
    /// <exception cref="ConvProblemException">There can be no such file.</exception>
    public static string OutputPath(string folder, string file)
    {
        ArgumentNullException.ThrowIfNull(file);
        try
        {
            string path = Path.GetFullPath(file, folder);
            if (Directory.Exists(path)) throw new ConvProblemException("outputs.output", file, "is a folder, and must be a file");
            Directory.CreateDirectory(Path.GetDirectoryName(path) ?? folder);
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException || (e is ArgumentException and not ConvProblemException))
        {
            throw new ConvProblemException("outputs.output", TensorBinding.Shorten(file), TensorBinding.Shorten(e.Message));
        }
    }

    /// <summary>One line of JSON in the documented form.</summary>
    public static string Line(string? id, RunResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return JsonText.Object(json =>
        {
            json.WriteString("id", id);
            json.WriteString("status", Names.Of(result.Status));
            json.WriteString("backend", result.Backend);
            json.WriteString("implementation", result.Implementation);
            json.WriteString("message", result.Message);
        });
    }
}
