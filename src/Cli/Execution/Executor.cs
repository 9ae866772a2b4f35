using ConvNative.Backends;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Cli.Execution;

/// <summary>How a case ended.</summary>
public enum CaseStatus
{
    /// <summary>Computed and, where a file is named, written.</summary>
    Ok,

    /// <summary>The backend cannot do it; the message is its reason.</summary>
    Unsupported,

    /// <summary>The input is wrong; the message names field, value and rule.</summary>
    Invalid,

    /// <summary>The backend is not on this machine; the message says what is missing.</summary>
    Unavailable,

    /// <summary>Something failed.</summary>
    Error,
}

/// <summary>What came of a run.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Backend">The backend that ran, or that was asked.</param>
/// <param name="Implementation">What it chose; empty without a result.</param>
/// <param name="Message">Why not; empty when ok.</param>
/// <param name="Result">The result's bytes in logical order; null without one.</param>
public sealed record RunResult(CaseStatus Status, string Backend, string Implementation, string Message, byte[]? Result = null);

/// <summary>Runs problems on a backend by name, in any case: an engine, <c>oracle</c>, or <c>auto</c> (the library's own choice).</summary>
public static class Executor
{
    private const string Oracle = "oracle";

    /// <summary>Every name that <c>--backend</c> takes.</summary>
    public static IReadOnlyList<string> Backends { get; } = [Oracle, "managed", "onednn", "opencl", "cudnn", "auto"];

    /// <summary>Checks a name before anything is run.</summary>
    /// <exception cref="CliException">No such backend.</exception>
    public static void CheckName(string backend)
    {
        if (!Backends.Contains(backend, StringComparer.OrdinalIgnoreCase) && Engines.Find(backend) is null) throw new CliException($"--backend = {backend}: must be one of {string.Join(", ", Backends)}, with a device as in opencl:0 where wanted");
    }

    /// <summary>Why a backend cannot be used on this machine, with the remedy; null when it can.</summary>
    public static string? Missing(string backend)
    {
        if (Is(backend, Oracle)) return null;
        if (Is(backend, ConvPlan.Auto)) return Engines.All.Any(e => e.Status.Available) ? null : "no engine is available here";
        if (Engines.Find(backend) is not { } engine) return $"{backend} is not part of this build";
        return engine.Status.Available ? null : EngineHelp.Line(engine);
    }

    private static bool Is(string backend, string name) => string.Equals(backend, name, StringComparison.OrdinalIgnoreCase);

    /// <summary>Runs; whatever goes wrong is in the result.</summary>
    /// <param name="backend">A name that <see cref="CheckName"/> accepts.</param>
    /// <param name="problem">What is computed.</param>
    /// <param name="tensors">Its operands.</param>
    /// <param name="options">How.</param>
    /// <param name="choose">How <c>auto</c> chooses; null for the library's own choice.</param>
    public static RunResult Run(string backend, ConvProblem problem, LogicalTensors tensors, PlanOptions options, Func<ConvProblem, PlanOptions, PlanResult>? choose = null)
    {
        ArgumentNullException.ThrowIfNull(backend);
        if (Missing(backend) is { } missing) return new RunResult(CaseStatus.Unavailable, backend, "", missing);
        long bytes = checked(problem.ResultShape.Product * problem.ResultType.SizeOf());
        if (bytes > Array.MaxLength) return new RunResult(CaseStatus.Unsupported, backend, "", $"the result {problem.ResultShape} takes {bytes} bytes, and this tool holds tensors of at most {Array.MaxLength}");
        try
        {
            if (Is(backend, Oracle)) return OracleRunner.Run(problem, tensors);
            if (Is(backend, ConvPlan.Auto)) return Auto(problem, tensors, options, choose ?? ((p, o) => ConvPlan.TryCreate(p, o)));
            ConvBackend engine = Engines.Find(backend)!;
            return One(engine.Name, () => PlanRunner.Run(engine, problem, tensors, options));
        }
        catch (ConvProblemException e)
        {
            return new RunResult(CaseStatus.Invalid, backend, "", e.Message);
        }
        catch (Exception e) when (e is ConvNativeException or ArgumentException or InvalidOperationException or OverflowException or OutOfMemoryException or NotSupportedException)
        {
            return new RunResult(CaseStatus.Error, (e as ConvNativeException)?.Backend ?? backend, "", e.Message);
        }
    }

    private static RunResult One(string engine, Func<RunOutcome> run)
    {
        RunOutcome outcome;
        try
        {
            outcome = run();
        }
        catch (UnsupportedOperandsException e)
        {
            // The problem is supported and these tensors are not.
            return new RunResult(CaseStatus.Unsupported, engine, "", e.Message);
        }

        return outcome.Result is null
            ? new RunResult(CaseStatus.Unsupported, engine, "", outcome.Unsupported ?? "no reason given")
            : new RunResult(CaseStatus.Ok, engine, outcome.Implementation, "", outcome.Result);
    }

    private static RunResult Auto(ConvProblem problem, LogicalTensors tensors, PlanOptions options, Func<ConvProblem, PlanOptions, PlanResult> choose)
    {
        // The library's own choice, and its own plan, so that the tool's "auto" is what a program gets.
        PlanResult choice = choose(problem, options);
        if (choice.Plan is not { } plan) return new RunResult(CaseStatus.Unsupported, ConvPlan.Auto, "", choice.Reason ?? "no reason given");
        string chosen = plan.Backend;
        RunResult result = One(chosen, () => PlanRunner.Run(plan, tensors));
        foreach (ConvBackend other in Engines.All)
        {
            if (result.Status != CaseStatus.Unsupported) break;
            if (other.Name != chosen && other.Status.Available) result = One(other.Name, () => PlanRunner.Run(other, problem, tensors, options));
        }

        return result;
    }
}
