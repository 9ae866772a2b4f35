using System.Runtime.Intrinsics;
using ConvNative.Backends;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Cli.Checking;
using ConvNative.Cli.Suites;
using ConvNative.Problems;

namespace ConvNative.Tests.OpenCl;

/// <summary>Problems against the oracle on the engine's first device.</summary>
internal static class OpenClChecks
{
    /// <summary>Routines that put groups into vectors take narrower ones where the device's vectors are narrower than 512 bits, and say so.</summary>
    public static bool IsBeyondVectors(string? reason) => !Vector512.IsHardwareAccelerated && reason is not null
        && (reason.Contains("half a vector of", StringComparison.Ordinal) || reason.Contains("groups that are not a part of a vector", StringComparison.Ordinal));

    /// <summary>Every one of <paramref name="problems"/> is supported by <paramref name="routine"/> and right.</summary>
    public static void All(ClRoutine routine, params IReadOnlyList<string> problems) => All([.. problems.Select(t => ConvProblem.Parse(t))], routine);

    /// <summary>Every floating-point problem of the suite <c>variants</c> that <paramref name="filter"/> takes: supported and right.</summary>
    /// <param name="filter">Which problems.</param>
    /// <param name="least">Fewer problems than this mean that the suite no longer has what the test is for.</param>
    /// <param name="routine">The only routine that may serve them; null for the engine's own order.</param>
    public static void Suite(Func<ConvProblem, bool> filter, int least, ClRoutine? routine = null) =>
        AllOf([.. SuiteCatalog.Load("variants").Problems.Where(p => !p.InputType.IsInteger() && filter(p))], least, routine);

    /// <summary>As <see cref="All(IReadOnlyList{ConvProblem}, ClRoutine?)"/>, of at least so many problems.</summary>
    public static void AllOf(IReadOnlyList<ConvProblem> problems, int least, ClRoutine? routine = null)
    {
        Assert.IsGreaterThanOrEqualTo(least, problems.Count);
        All(problems, routine);
    }

    /// <summary>Every one of <paramref name="problems"/> is supported (f64 only where the device has it) and right.</summary>
    public static void All(IReadOnlyList<ConvProblem> problems, ClRoutine? routine = null) =>
        All(problems, routine is null ? OpenClDevices.Engine() : new RoutineBackend(OpenClDevices.Engine(), routine), "");

    /// <summary>As the other overload, by <paramref name="backend"/>; each made by an implementation that begins with <paramref name="implementation"/>.</summary>
    public static void All(IReadOnlyList<ConvProblem> problems, ConvBackend backend, string implementation)
    {
        bool f64 = OpenClDevices.First().Properties.HasF64;
        var checker = new Checker();
        var wrong = new List<string>();
        int beyond = 0;
        foreach (ConvProblem p in problems.Where(p => f64 || p.InputType != DataType.F64))
        {
            CellResult cell = checker.Check(p, [backend]).Single();
            if (cell.Status == CellStatus.Unsupported && IsBeyondVectors(cell.Message)) beyond++;
            else if (cell.Status != CellStatus.Pass || cell.Implementation?.StartsWith(implementation, StringComparison.Ordinal) != true)
                wrong.Add($"{p}: {cell.Status} {cell.Implementation} {cell.Message}");
        }

        if (beyond > 0) Assert.IsLessThan(problems.Count, beyond, "every problem is too wide for this device's vectors");
        Assert.IsEmpty(wrong, $"{wrong.Count} of {problems.Count}:\n{string.Join('\n', wrong.Take(20))}");
    }
}
