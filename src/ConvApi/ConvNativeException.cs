using ConvNative.Problems;

namespace ConvNative;

/// <summary>Something is wrong in an engine: names engine, native function, status, the library's own words and the problem.</summary>
public sealed class ConvNativeException : Exception
{
    /// <summary>Composes the message from its parts; null parts are left out.</summary>
    public ConvNativeException(string backend, string message, string? function = null, string? status = null, ConvProblem? problem = null, Exception? inner = null)
        : base(Compose(backend, message, function, status, problem), inner)
    {
        Backend = backend;
        Function = function;
        Status = status;
        Problem = problem;
    }

    /// <summary>The engine.</summary>
    public string Backend { get; }

    /// <summary>The native function that failed, or null.</summary>
    public string? Function { get; }

    /// <summary>Its status by name, or null.</summary>
    public string? Status { get; }

    /// <summary>The problem, whose string repeats the failure.</summary>
    public ConvProblem? Problem { get; }

    private static string Compose(string backend, string message, string? function, string? status, ConvProblem? problem) =>
        $"{backend}: {message}{(function is null ? "" : $" [{function}{(status is null ? "" : $" -> {status}")}]")}{(problem is null ? "" : $" in {problem}")}";
}
